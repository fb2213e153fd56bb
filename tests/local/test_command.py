"""`ops local` from the stack file on: which graph runs, and in what it differs from the stack's own."""

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from catalog.engines import engine
from manifests.graph import build
from ops.commands.local import local
from ops.local.twin import simulated_twin
from ops.offline import stackfile
from planning.load import load
from planning.plan import plan
from tests.local.sample_graph import container, flag_values

APP = typer.Typer()
APP.command()(local)


def rendered(stack: str, *overrides: str) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """The stack's first graph, its simulated twin, and what the twin changes."""
    planned = plan(load(stackfile.read(stackfile.project_root(), stack, overrides)))
    twin, changes = simulated_twin(planned.graphs[0], engine("mocker"))
    return build(planned.graphs[0], {}).to_wire(), build(twin, {}).to_wire(), changes


def test_a_simulated_graph_is_its_own_twin() -> None:
    graph, twin, changes = rendered("dev")
    assert twin == graph
    assert changes == ()


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_gpu_graphs_twin_keeps_roles_replicas_and_router(stack: str) -> None:
    graph, twin, changes = rendered(stack, "models.chat.prefill.replicas=2")
    shape = [[(c["name"], c["type"], c["replicas"]) for c in made["spec"]["components"]] for made in (graph, twin)]
    assert shape[0] == shape[1]
    assert ("prefill", "prefill", 2) in shape[1]
    routers = [_flags(made["spec"]["components"][0]) for made in (graph, twin)]
    # Block sizes are the engines' own; within a graph router and workers agree.
    assert routers[0] | {"--kv-cache-block-size": ""} == routers[1] | {"--kv-cache-block-size": ""}
    for worker in twin["spec"]["components"][1:]:
        assert container(worker)["command"] == ["python3", "-m", "dynamo.mocker"]
        assert _flags(worker)["--block-size"] == routers[1]["--kv-cache-block-size"]
    assert any("mocker instead of vllm" in change for change in changes)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--stack", "nope"], "error: Pulumi.nope.yaml: there is no such stack"),
        (["--set", "models.chat.layout=none"], "error: models.chat.layout: "),
        (["--graph", "other"], "error: stack dev has the graphs chat; choose one of them with --graph"),
        (["--engine", "heron"], "error: --engine heron does not run on this machine; choose mocker or vllm"),
        (["--once", "--bench"], "error: --once does not go together with --bench; give one of them"),
        (["--once", "--port", "8001"], "error: --port does not go together with --once, which serves no port; leave"),
        (["--bench", "--port", "8000"], "error: --port does not go together with --bench, which serves no port; leave"),
        (["--engine", "vllm", "--port", "0"], "error: --engine vllm does not support --bench, --timing, --port, "),
        (["--port", "65536"], "error: port 65536 is not between 0 and 65535"),
        (["--model-dir", "/nowhere"], "error: --model-dir /nowhere has no config.json, tokenizer.json"),
    ],
)
def test_what_is_at_error_is_one_sentence_and_exit_code_2(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(APP, arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1


def _flags(component: dict[str, Any]) -> dict[str, str]:
    return flag_values(container(component)["args"])
