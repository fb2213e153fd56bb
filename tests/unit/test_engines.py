"""The engines of the catalog, and one that a file more adds."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from catalog import engines
from catalog.contracts import Role, TransferConnection
from catalog.machines import gpu_machine
from manifests.graph import build
from tests.made_up_engine import otter as otter  # a fixture
from tests.stacks import errors, planned


def test_each_file_adds_its_engine() -> None:
    files = {
        path.stem for path in engines.FLAGS.parent.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert set(engines.engine_names()) == files - {"__init__"}
    assert [engines.engine(name).name for name in engines.engine_names()] == sorted(engines.engine_names())


def test_one_engine_serves_deployments_that_name_none() -> None:
    assert engines.default_engine() is engines.engine("vllm")


def test_a_file_more_is_an_engine_more(otter: engines.Engine) -> None:
    assert "otter" in engines.engine_names()
    assert (otter.module, otter.block_size, otter.simulated) == ("rivers.otter", 24, False)


def test_a_class_that_lacks_something_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stub_engine.py").write_text(
        "from catalog.engines import Engine\n\n\n"
        'class Stub(Engine):\n    name = "stub"\n\n    def arguments(self, worker):\n        return ()\n'
    )
    monkeypatch.setattr(engines, "__path__", [str(tmp_path)])
    with pytest.raises(TypeError, match=r"stub_engine\.Stub lacks title, module, image, block_size"):
        engines.all_engines.__wrapped__()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("python3", "-m", "dynamo.mocker"), "mocker"),
        (("/bin/bash", "-c", 'exec python3 -m dynamo.vllm "$@"', "dynamo-vllm"), "vllm"),
        (("python3", "-m", "dynamo.frontend"), None),
        (("python3", "-m", "dynamo.vllmish"), None),
    ],
)
def test_an_engine_is_known_by_the_module_that_a_container_starts(words: tuple[str, ...], name: str | None) -> None:
    found = engines.engine_that_runs(words)
    assert (found and found.name) == name


def test_an_engine_reads_its_side_of_the_transfer_back_from_what_it_wrote() -> None:
    (graph,) = planned({"models.chat.layout": "multi-node"}).graphs
    lines = {c.name: c.pod_template.spec.containers[0].args for c in build(graph, {}).spec.components}
    read = {name: graph.runs.connection(lines[name]) for name in ("prefill", "decode")}
    assert read == {
        "prefill": TransferConnection(connector="NixlConnector", sends=True, receives=False),
        "decode": TransferConnection(connector="NixlConnector", sends=False, receives=True),
    }
    assert graph.runs.connection(("--kv-transfer-config", "{")) == TransferConnection(
        connector=None, sends=False, receives=False
    )


def test_the_evidence_of_a_transfer_is_counted() -> None:
    vllm = engines.engine("vllm")
    evidence, counted = vllm.transfer_evidence, vllm.metrics.transfer
    assert evidence
    assert counted
    assert counted.duration
    assert counted.received
    assert evidence.role is Role.DECODE
    assert evidence.moved == counted.moved
    assert evidence.transfers == f"{counted.duration.name}_count"
    assert evidence.failed in counted.failures.values()
    assert evidence.used == counted.received[0]


OTTER = {"models.chat.layout": "multi-node", "models.chat.engine": {"name": "otter"}}


def test_a_graph_follows_the_engine_that_the_stack_names(otter: engines.Engine) -> None:
    (graph,) = planned(OTTER).graphs
    assert graph.runs is otter
    rendered = build(graph, {}).spec
    containers = {c.name: c.pod_template.spec.containers[0] for c in rendered.components}
    assert rendered.backend_framework is None
    assert containers["prefill"].image == f"registry.example.com/rivers/otter-runtime:{graph.runtime}"
    assert containers["prefill"].command == ("python3", "-m", "rivers.otter")
    assert containers["prefill"].args == ("--weights", graph.model, "--paws", "8")
    blocks = containers["frontend"].args
    assert blocks[blocks.index("--kv-cache-block-size") + 1] == "24"
    env = {name: {v.name: v.value or v.value_from for v in c.env} for name, c in containers.items()}
    assert {name: found["OTTER_ROLE"] for name, found in env.items() if "OTTER_ROLE" in found} == {
        "prefill": "prefill",
        "decode": "decode",
    }
    assert all(found["OTTER_SILENT"] == "yes" for found in env.values())
    assert env["decode"]["OTTER_MEET"].field_ref.field_path == "status.podIP"  # pyright: ignore
    assert not [name for found in env.values() for name in found if "VLLM" in name]


def test_memory_is_what_the_engine_says(otter: engines.Engine) -> None:
    (mine,), (vllm,) = planned(OTTER).graphs, planned({"models.chat.layout": "multi-node"}).graphs
    assert (mine.gpu_memory_utilization, vllm.gpu_memory_utilization) == (0.5, 0.92)
    for worker, theirs in zip(mine.workers, vllm.workers, strict=True):
        assert worker.memory
        assert theirs.memory
        assert worker.memory.weights == theirs.memory.weights
        assert worker.memory.kv_budget == 0.5 * (_gpu_bytes() - worker.memory.weights)


def _gpu_bytes() -> int:
    return gpu_machine("a3-ultragpu-8g").gpus.memory_mib * 2**20  # pyright: ignore


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"engine": {"name": "oter"}}, "engine.name", 'did you mean otter?'),
        ({"engine": {"name": "otter", "extraArgs": ["--paws", "9"]}}, "engine.extraArgs", "Otter has no table"),
        ({"engine": {"name": "otter"}, "decode": {"tensorParallel": 4}}, "decode.tensorParallel", "pairs of one size"),
        ({"engine": {"name": "otter"}, "autoscaling": {"decode": {"min": 1, "max": 2}}}, "autoscaling.decode",
         "Otter has no metric to scale decode by; remove it"),
        ({"engine": {"name": "otter"}, "layout": "simulated"}, "engine.name", "layout simulated has none"),
        ({"engine": {"name": "mocker"}}, "engine.name", "computes nothing, but layout multi-node is for GPUs"),
        ({"engine": {"name": "mocker", "maxModelLen": 4096}, "layout": "single-node"}, "engine.name", "remove it"),
    ],
)  # fmt: skip
def test_a_stack_is_refused_what_its_engine_cannot_do(
    otter: engines.Engine, changes: dict[str, Any], path: str, says: str
) -> None:
    found = errors({f"models.chat.{key}": value for key, value in changes.items()})
    assert [(error.path, says in error.message) for error in found] == [(f"models.chat.{path}", True)], found


def test_an_engine_without_a_lease_says_that_the_setting_does_nothing(otter: engines.Engine) -> None:
    (said,) = [
        warning
        for warning in planned({**OTTER, "models.chat.engine": {"name": "otter", "kvLeaseSeconds": 90}}).warnings
        if "kvLease" in warning
    ]
    assert said == "models.chat.engine.kvLeaseSeconds: has no effect, because Otter has no such setting"


def test_a_lease_is_no_shorter_than_the_engine_takes() -> None:
    (error,) = errors({"models.chat.engine": {"kvLeaseSeconds": 5}})
    assert error.path == "models.chat.engine.kvLeaseSeconds"
    assert error.message == (
        "got 5; must be at least 6: decode renews a lease each sixth of it, in whole seconds; use 6 or more"
    )
    assert errors({"models.chat.engine": {"kvLeaseSeconds": 6}}) == ()


def test_the_simulated_layout_runs_the_mocker_named_or_not() -> None:
    for engine in ({}, {"engine": {"name": "mocker"}}):
        (graph,) = planned({"models.chat": {"model": "qwen3-32b", "layout": "simulated", **engine}}).graphs
        assert (graph.runs.simulated, graph.reads_bucket) == (True, False)


def test_a_class_that_lacks_a_method_is_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_engine.py").write_text(
        "from catalog.engines import Engine\n\n\nclass Half(Engine):\n"
        '    name, title, module, image, block_size = "half", "Half", "half", "half", 1\n'
    )
    monkeypatch.setattr(engines, "__path__", [str(tmp_path)])
    with pytest.raises(TypeError, match=r"Half.*arguments.*memory"):
        engines.all_engines.__wrapped__()


def test_a_table_and_its_classes_say_what_a_stack_may_give(
    otter: engines.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(engines.FLAGS, tmp_path / "flags")
    monkeypatch.setattr(engines, "FLAGS", folder)
    paws = {"--paws": {"type": "integer", "min": 1}, "--weights": {"type": "text"}, "--fur": {"type": "text"}}
    table = {"module": otter.module, "runtime": {"Dynamo": "1.6.1", "Otter": "3"}, "flags": paws, "objects": {}}
    (folder / "otter.json").write_text(json.dumps(table), encoding="utf-8")
    (folder / "otter.yaml").write_text(
        "classes:\n  tunable: {verdict: allowed, flags: {--fur: }}\n"
        "  owned: {verdict: refused, why: use `model`, flags: {--weights: , --paws: use `tensorParallel`}}\n",
        encoding="utf-8",
    )

    def said(*words: str) -> list[str]:
        return [f.message for f in errors({**OTTER, "models.chat.engine": {"name": "otter", "extraArgs": list(words)}})]

    assert said("--fur", "soft") == []
    assert said("--paws", "9") == ["--paws is not set here: use `tensorParallel`"]
    assert said("--furr", "soft") == [
        "--furr is not a flag of rivers.otter (Dynamo 1.6.1, Otter 3); did you mean --fur?"
    ]
    assert "but of dynamo.mocker and dynamo.vllm" in said("--max-num-seqs", "4")[0]
