"""The real engine's graphs keep the program's own command lines, and its verdict on the text can fail."""

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from catalog.engines import Engine, engine, local_engines
from manifests.graph import build
from ops.local.errors import ConfigurationError
from ops.local.processes import LocalGraph, Machine, local_graph
from ops.local.real_engine import PATIENT_NIXL, cpu_twins, environment_of, judge_texts, machine
from ops.offline import stackfile
from planning.load import load
from planning.plan import plan
from tests.local.sample_graph import flag_values
from tests.made_up_engine import heron as heron  # a fixture

VLLM = engine("vllm")


def plans(stack: str) -> tuple[LocalGraph, LocalGraph]:
    """The processes of the disaggregated graph and of its aggregated counterpart."""
    planned = plan(load(stackfile.read(stackfile.project_root(), stack)))
    disaggregated, aggregated, _ = cpu_twins(planned.graphs[0], VLLM)
    here = machine(VLLM, environment_of(VLLM), Path("/model"), Path("/d"), isolated=True)
    return (
        local_graph(build(disaggregated, {}).to_wire(), here),
        local_graph(build(aggregated, {}).to_wire(), here),
    )


def flags(graph: LocalGraph, role: str) -> dict[str, str]:
    argv = graph.of_role(role)[0].argv
    assert argv[1:3] == ("-m", "dynamo.vllm")
    assert argv[-1] == "--enforce-eager"
    return flag_values(argv[3:-1])


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_pair_keeps_its_roles_and_moves_blocks_through_cpu_memory(stack: str) -> None:
    graph, _ = plans(stack)
    transfer = {role: json.loads(flags(graph, role)["--kv-transfer-config"]) for role in ("prefill", "decode")}
    assert {role: config["kv_role"] for role, config in transfer.items()} == {
        "prefill": "kv_producer",
        "decode": "kv_consumer",
    }
    assert {config["kv_buffer_device"] for config in transfer.values()} == {"cpu"}
    assert {flags(graph, role)["--tensor-parallel-size"] for role in transfer} == {"1"}
    assert {flags(graph, role)["--model"] for role in transfer} == {"/model"}
    router = graph.of_role("frontend")[0].argv
    assert router[router.index("--kv-cache-block-size") + 1] == flags(graph, "decode")["--block-size"]


def test_each_worker_has_a_side_channel_of_its_own() -> None:
    graph, _ = plans("prod")
    ports = [process.env["VLLM_NIXL_SIDE_CHANNEL_PORT"] for process in graph.processes if process.role != "frontend"]
    system = [str(process.port) for process in graph.processes]
    assert len({*ports, *system}) == 5


def test_the_counterpart_differs_only_in_not_being_split() -> None:
    graph, aggregated = plans("prod")
    split, whole = flags(graph, "prefill"), flags(aggregated, "worker")
    assert {flag for flag in split | whole if split.get(flag) != whole.get(flag)} == {
        "--disaggregation-mode",
        "--kv-transfer-config",
    }


BINDINGS = """
class nixlAgent:
    def __init__(self, name, config):
        self.pause = config.pthrDelay
"""
AGENT = """
from nixl_cu13 import _bindings
import types
print(_bindings.nixlAgent("a", types.SimpleNamespace(pthrDelay=0)).pause)
"""


@pytest.mark.parametrize(("folders", "pause"), [([str(PATIENT_NIXL)], "2000"), ([], "0")])
def test_nixl_sleeps_in_workers_and_nowhere_else(folders: list[str], pause: str, tmp_path: Path) -> None:
    """What NIXL's own code sets before it makes an agent does not count; no file of the environment is changed."""
    (tmp_path / "nixl_cu13").mkdir()
    (tmp_path / "nixl_cu13" / "__init__.py").touch()
    (tmp_path / "nixl_cu13" / "_bindings.py").write_text(BINDINGS)
    path = os.pathsep.join([*folders, str(tmp_path)])
    done = subprocess.run([sys.executable, "-c", AGENT], env={"PYTHONPATH": path}, capture_output=True, check=True)
    assert done.stdout.decode().strip() == pause


def test_each_worker_has_the_patient_nixl() -> None:
    graph, _ = plans("prod")
    paths = {process.role: process.env.get("PYTHONPATH") for process in graph.processes}
    assert paths == {"frontend": None, "prefill": str(PATIENT_NIXL), "decode": str(PATIENT_NIXL)}


def test_an_engine_whose_packages_are_not_locked_is_said(heron: Engine) -> None:
    with pytest.raises(ConfigurationError, match=r"Heron cannot be installed here: requirements/heron\.txt is missing"):
        environment_of(heron)


def test_an_engine_that_needs_gpus_is_said(heron: Engine) -> None:
    here = Machine(python="py", model_dir="/model", discovery_dir="/d", ports=count(8000), engine=heron)
    with pytest.raises(ConfigurationError, match="Heron does not run on a machine without GPUs"):
        local_graph({}, here)


def test_the_command_offers_what_the_catalog_can_run_here(heron: Engine) -> None:
    names = [engine.name for engine in local_engines()]
    assert names == ["mocker", "vllm"]
    assert heron.name not in names


@pytest.mark.parametrize(("disaggregated", "verified"), [(["a", "b"], True), (["a", "c"], False), (["", "b"], False)])
def test_text_that_changed_is_not_verified(disaggregated: list[str], verified: bool) -> None:
    assert judge_texts(disaggregated, ["a", "b"]).verified is verified


def test_answers_that_do_not_depend_on_the_prompt_verify_nothing() -> None:
    assert not judge_texts(["a", "a"], ["a", "a"]).verified
