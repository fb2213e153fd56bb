"""The real engine's graphs keep the program's own command lines, and its verdict on the text can fail."""

import json
from itertools import count
from pathlib import Path

import pytest

from manifests.graph import build
from ops.local.faults import LocalRunError
from ops.local.processes import LocalGraph, Machine, local_graph
from ops.local.real_engine import CPU_VLLM, VLLM, cpu_twins, judge_texts
from ops.offline import stackfile
from planning.load import load
from planning.plan import plan
from tests.local.sample_graph import flag_values


def plans(stack: str) -> tuple[LocalGraph, LocalGraph]:
    """The processes of the disaggregated graph and of its aggregated counterpart."""
    planned = plan(load(stackfile.read(stackfile.project_root(), stack)))
    disaggregated, aggregated, _ = cpu_twins(planned.graphs[0])
    machine = Machine(python="py", model_dir="/model", discovery_dir="/d", ports=count(8000), engine=CPU_VLLM)
    return (
        local_graph(build(disaggregated, {}).to_wire(), machine),
        local_graph(build(aggregated, {}).to_wire(), machine),
    )


def flags(graph: LocalGraph, role: str) -> dict[str, str]:
    argv = graph.of_role(role)[0].argv
    assert argv[:3] == ("py", "-m", "dynamo.vllm")
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


def test_nixl_is_patched_in_this_environment_only(tmp_path: Path) -> None:
    module = tmp_path / "env" / "lib" / "python3.11" / "site-packages" / "nixl_cu13" / "_api.py"
    module.parent.mkdir(parents=True)
    cached = tmp_path / "cached.py"
    cached.write_text("x = 1\nagent_config.pthrDelay = 0\n")
    module.hardlink_to(cached)
    VLLM.finish(tmp_path / "env")
    assert module.read_text() == "x = 1\nagent_config.pthrDelay = 2000\n"
    assert cached.read_text() == "x = 1\nagent_config.pthrDelay = 0\n"
    with pytest.raises(LocalRunError, match="this patch do not match"):
        VLLM.finish(tmp_path / "env")


@pytest.mark.parametrize(("disaggregated", "verified"), [(["a", "b"], True), (["a", "c"], False), (["", "b"], False)])
def test_text_that_changed_is_not_verified(disaggregated: list[str], verified: bool) -> None:
    assert judge_texts(disaggregated, ["a", "b"]).verified is verified


def test_answers_that_do_not_depend_on_the_prompt_verify_nothing() -> None:
    assert not judge_texts(["a", "a"], ["a", "a"]).verified
