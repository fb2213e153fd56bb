"""The engines of the catalog, and one that a file more adds."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog import engines
from catalog.contracts import Role, TransferConnection
from manifests.graph import build
from tests.made_up_engine import otter as otter  # a fixture
from tests.stacks import planned


def test_each_file_adds_its_engine() -> None:
    assert engines.engine_names() == ("mocker", "vllm")
    assert {name: engines.engine(name).name for name in engines.engine_names()} == {"mocker": "mocker", "vllm": "vllm"}


def test_one_engine_serves_deployments_that_name_none() -> None:
    assert engines.default_engine() is engines.engine("vllm")


def test_a_file_more_is_an_engine_more(otter: engines.Engine) -> None:
    assert engines.engine_names() == ("mocker", "otter", "vllm")
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


def test_what_proves_a_transfer_is_among_what_is_counted() -> None:
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


def test_a_graph_starts_the_engine_that_its_plan_names(otter: engines.Engine) -> None:
    (graph,) = planned({"models.chat.layout": "multi-node"}).graphs
    assert replace(graph, engine="otter").runs is otter
