"""The pure part: a rendered graph becomes processes, or one sentence."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from catalog.engines import engine
from ops.local.errors import ConfigurationError
from ops.local.processes import WORKER_ROLES, LocalGraph, Machine, local_graph
from tests.local.sample_graph import container, simulated_graph

Graph = dict[str, Any]


def plan(graph: Graph, *worker_flags: str) -> LocalGraph:
    machine = Machine(
        python="/env/python",
        model_dir="/model",
        discovery_dir="/run/discovery",
        ports=count(8000),
        engine=engine("mocker"),
        flags=dict.fromkeys(WORKER_ROLES, worker_flags),
    )
    return local_graph(graph, machine)


def main(graph: Graph, component: int) -> Graph:
    return container(graph["spec"]["components"][component])


def test_every_command_line_is_the_components_own() -> None:
    """No command line is written twice: only the interpreter and the model's place differ from the graph."""
    graph = simulated_graph(2, 2)
    for process in plan(graph).processes:
        number = [component["name"] for component in graph["spec"]["components"]].index(process.role)
        given = [*main(graph, number)["command"], *main(graph, number)["args"]]
        there = {"python3": "/env/python", "Qwen/Qwen3-0.6B": "/model"}
        assert list(process.argv) == [there.get(argument, argument) for argument in given]


def test_replicas_become_processes_with_ports_of_their_own() -> None:
    processes = plan(simulated_graph(2, 1)).processes
    assert [(process.name, process.port) for process in processes] == [
        ("frontend-0", 8000),
        ("prefill-0", 8001),
        ("prefill-1", 8002),
        ("decode-0", 8003),
    ]


def test_everything_listens_on_loopback() -> None:
    frontend, *workers = plan(simulated_graph()).processes
    assert frontend.env["DYN_HTTP_HOST"] == "127.0.0.1"
    assert frontend.env["DYN_HTTP_PORT"] == "8000"
    assert {worker.env["DYN_SYSTEM_HOST"] for worker in workers} == {"127.0.0.1"}
    assert [worker.env["DYN_SYSTEM_PORT"] for worker in workers] == ["8001", "8002"]


def test_environment_follows_the_pods_order_and_reports_what_only_kubernetes_knows() -> None:
    graph = simulated_graph()
    graph["spec"]["env"] = [{"name": "LEVEL", "value": "graph"}, {"name": "SHARED", "value": "graph"}]
    main(graph, 1)["env"] += [
        {"name": "LEVEL", "value": "container"},
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "TOKEN"}}},
    ]
    main(graph, 1)["envFrom"] = [{"secretRef": {"name": "token"}}]
    made = plan(graph)
    prefill = made.of_role("prefill")[0]
    assert (prefill.env["LEVEL"], prefill.env["SHARED"], prefill.env["POD_IP"]) == ("container", "graph", "127.0.0.1")
    assert "TOKEN" not in prefill.env
    assert {
        "POD_IP is 127.0.0.1 instead of status.podIP",
        "TOKEN is not set: its value comes from secretKeyRef",
        "no environment from secretRef",
    } <= set(made.changes)


def test_discovery_of_the_cluster_cannot_stay() -> None:
    graph = simulated_graph()
    graph["spec"]["env"] = [{"name": "DYN_DISCOVERY_BACKEND", "value": "kubernetes"}]
    assert {process.env["DYN_DISCOVERY_BACKEND"] for process in plan(graph).processes} == {"file"}


def test_both_spellings_of_a_flag_are_replaced() -> None:
    graph = simulated_graph()
    main(graph, 1)["args"] = ["--model-path=hub/id", "--disaggregation-mode", "prefill"]
    made = plan(graph)
    assert made.of_role("prefill")[0].argv[3:] == ("--model-path=/model", "--disaggregation-mode", "prefill")
    assert "--model-path hub/id becomes /model" in made.changes


def test_added_flags_go_to_workers_only_and_are_reported() -> None:
    made = plan(simulated_graph(), "--speedup-ratio", "10")
    assert [process.argv[-1] == "10" for process in made.processes] == [False, True, True]
    assert "decode gets --speedup-ratio 10 in addition" in made.changes


def test_changes_are_reported_once_each() -> None:
    changes = plan(simulated_graph(3, 3)).changes
    assert len(changes) == len(set(changes))


def test_several_frontend_replicas_run_once_and_this_is_reported() -> None:
    graph = simulated_graph()
    graph["spec"]["components"][0]["replicas"] = 2
    made = plan(graph)
    assert len(made.of_role("frontend")) == 1
    assert any("the frontend runs once, not 2 times" in change for change in made.changes)


def _two_frontends(graph: Graph) -> None:
    graph["spec"]["components"].append({**graph["spec"]["components"][0], "name": "frontend-b"})


def _no_frontend(graph: Graph) -> None:
    del graph["spec"]["components"][0]


def _unknown_engine(graph: Graph) -> None:
    main(graph, 2)["command"] = ["python3", "-m", "dynamo.sglang"]


def _shell_wrapper(graph: Graph) -> None:
    main(graph, 2)["command"] = ["/bin/bash", "-c", "exec python3 -m dynamo.vllm"]


def _planner(graph: Graph) -> None:
    graph["spec"]["components"][2]["type"] = "planner"


def _no_main(graph: Graph) -> None:
    main(graph, 1)["name"] = "sidecar"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_two_frontends, "the graph has 2 frontends (frontend, frontend-b); a local run supports one"),
        (_no_frontend, "the graph has no component of type frontend, so it cannot take requests"),
        (
            _unknown_engine,
            "component decode starts `python3 -m dynamo.sglang`; a local run supports only `python3 -m dynamo.mocker`",
        ),
        (
            _shell_wrapper,
            "component decode starts `/bin/bash -c exec python3 -m dynamo.vllm`; "
            "a local run supports only `python3 -m dynamo.mocker`",
        ),
        (_planner, "component decode has type planner; a local run supports frontend, prefill, decode, worker"),
        (_no_main, "component prefill has no container called main"),
    ],
)
def test_what_one_machine_cannot_run_is_refused(spoil: Callable[[Graph], None], sentence: str) -> None:
    graph = simulated_graph()
    spoil(graph)
    with pytest.raises(ConfigurationError) as refusal:
        plan(graph)
    assert str(refusal.value) == sentence
    assert refusal.value.exit_code == 2
