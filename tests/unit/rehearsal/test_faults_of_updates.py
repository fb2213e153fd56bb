"""The faults of later updates against a cluster in memory: a fault that did not happen fails the rehearsal."""

from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from ops.offline.dry_run import planned
from ops.rehearsal import nodes, pool_nodes
from ops.rehearsal.control_plane import API_SERVER_PROGRAM
from ops.rehearsal.engine.events import Command, Message, StepEvent
from ops.rehearsal.engine.expectations import Expectation
from ops.rehearsal.faults import updates
from ops.rehearsal.faults.life import Life
from ops.rehearsal.faults.meanwhile import Meanwhile
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.troubles import Trouble, judged
from ops.rehearsal.kube import NotFound
from policies import kinds
from tests.unit.rehearsal.test_nodes import ZONE, pool

GRAPH = f"urn:pulumi:try::dynamo-gke::dynamo-gke:workloads:Serving${kinds.GRAPH}::chat-graph"


class Cluster:
    """The nodes of a cluster. It has no pods."""

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}
        self._uids = count()

    def list(self, api_version: str, kind: str, selector: str = "") -> list[dict[str, Any]]:
        name, _, value = selector.partition("=")
        found = self.nodes.values() if kind == "Node" else ()
        ordered = sorted(found, key=lambda node: node["metadata"]["name"])
        return [each for each in ordered if not name or each["metadata"]["labels"].get(name) == value]

    def get(self, api_version: str, kind: str, name: str) -> dict[str, Any]:
        if name not in self.nodes:
            raise NotFound(404, name)
        return self.nodes[name]

    def apply(self, manifest: dict[str, Any]) -> dict[str, Any]:
        if manifest["kind"] == "Node":
            assert manifest["metadata"]["name"] not in self.nodes
            manifest = {**manifest, "metadata": {**manifest["metadata"], "uid": str(next(self._uids))}}
            self.nodes[manifest["metadata"]["name"]] = manifest
        return manifest

    def delete(self, api_version: str, kind: str, name: str) -> None:
        del self.nodes[name]


class Plane:
    """The control plane: its API server has one process after the other."""

    def __init__(self) -> None:
        self.pids = {API_SERVER_PROGRAM: 7}

    def restart_api_server(self) -> None:
        self.pids[API_SERVER_PROGRAM] += 1


class Reporter:
    def __init__(self) -> None:
        self.steps: list[tuple[str, bool, str]] = []

    def command(self, name: str, command: Callable[[], Command], expect: Expectation, /) -> Command:
        ran = command()
        self.steps.append((name, *expect(ran)))
        return ran

    def check(self, name: str, complaints: list[str], /) -> None:
        self.steps.append((name, not complaints, "; ".join(complaints)))

    def mend(self, remedy: str, /) -> None:
        self.steps.append(("mend", True, remedy))

    @property
    def wrong(self) -> list[tuple[str, str]]:
        return [(name, said) for name, ok, said in self.steps if not ok]


def scene(count_of_nodes: int = 2) -> Any:
    """A stack with the pool `decode` of fixed size, whose updates all succeed."""
    inputs = {**pool(), "nodeCount": count_of_nodes, "autoscaling": None}
    cluster, meanwhile = Cluster(), Meanwhile(5)
    kube: Any = cluster
    pool_nodes.create_pool(kube, inputs, ZONE)
    found = SimpleNamespace(type=kinds.NODE_POOL, state=inputs)
    same_name = SimpleNamespace(type=kinds.BUCKET, state={"name": inputs["name"]})

    def up() -> Command:
        meanwhile.watch(StepEvent(at=0, what="began", op="update", urn=GRAPH))
        return Command(name="up", ok=True, seconds=1, steps=(), messages=())

    return SimpleNamespace(
        plan=planned("try", []),
        kube=cluster,
        cloud=SimpleNamespace(resources=lambda: [same_name, found]),
        cluster=SimpleNamespace(plane=Plane()),
        meanwhile=meanwhile,
        stack=SimpleNamespace(up=up, pending=list),
        answers=SimpleNamespace(wanted={}, urns={}),
        scale_frontends=list,
        change_label=list,
        has_old_labels=bool,
        refresh=lambda: "refresh",
    )


def rehearsed(on: Any, fault: Named) -> Reporter:
    report: Any = Reporter()
    Life(on, [fault], report).update()
    return report


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Named.API_SERVER, "no change; process 8 of the API server took the place of 7"),
        (Named.NODE_LOST, "no change; node {} vanished"),
    ],
)
def test_an_update_that_survives_a_fault_says_what_was_seen_of_it(fault: Named, said: str) -> None:
    on = scene()
    first = min(on.kube.nodes)
    report = rehearsed(on, fault)
    assert report.wrong == []
    assert report.steps[0][2] == said.format(first)


@pytest.mark.parametrize(("old", "mended"), [(True, ["mend"]), (False, [])])
def test_old_labels_of_a_graph_are_mended_before_the_update_that_must_change_nothing(
    old: bool, mended: list[str]
) -> None:
    on = scene()
    on.has_old_labels = lambda: old
    names = [name for name, *_ in rehearsed(on, Named.NODE_LOST).steps]
    assert names == ["up, node lost 1", "up, node lost, failures", *mended, "up again"]


def test_an_api_server_that_keeps_its_process_fails_the_rehearsal() -> None:
    on = scene()
    on.cluster.plane.restart_api_server = list
    report = rehearsed(on, Named.API_SERVER)
    assert report.wrong == [("up, API server restarts, failures", "api-server was not seen to happen")]


def test_a_node_that_stays_fails_the_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_nodes, "delete_nodes", lambda *_: None)
    report = rehearsed(scene(), Named.NODE_LOST)
    assert report.wrong == [("up, node lost, failures", "node-lost was not seen to happen")]


def test_an_error_in_what_causes_the_fault_fails_the_update(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("boom")

    monkeypatch.setattr(pool_nodes, "delete_nodes", fail)
    report = rehearsed(scene(), Named.NODE_LOST)
    assert report.wrong[0] == ("up, node lost 1", "node-lost: ValueError: boom; no change")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_pool_of_fixed_size_gets_the_node_again_that_it_lost(number: int) -> None:
    on = scene(number)
    before = {name: node["metadata"]["uid"] for name, node in on.kube.nodes.items()}
    assert rehearsed(on, Named.NODE_LOST).wrong == []
    after = {name: node["metadata"]["uid"] for name, node in on.kube.nodes.items()}
    assert (
        after.keys()
        == before.keys()
        == {each["metadata"]["name"] for each in nodes.of_pool(on.cloud.resources()[1].state, ZONE)}
    )
    assert sum(after[name] != uid for name, uid in before.items()) == 1


def test_a_scaled_pool_gets_its_node_from_the_autoscaler() -> None:
    on = scene(2)
    on.cloud.resources()[1].state["autoscaling"] = {"totalMinNodeCount": 0, "totalMaxNodeCount": 2}
    assert rehearsed(on, Named.NODE_LOST).wrong == []
    assert len(on.kube.nodes) == 1


REFUSED = "dial tcp 127.0.0.1:6443: connect: connection refused"


@pytest.mark.parametrize(
    ("error", "excused"),
    [
        (f'ConfigMap script: Patch "https://127.0.0.1:6443/api/v1/namespaces/dynamo": {REFUSED}', True),
        ('Role chat: Get "https://127.0.0.1:6443/openapi/v2?timeout=32s": EOF', True),
        ("Role chat: read tcp 127.0.0.1:38764->127.0.0.1:6443: read: connection reset by peer", True),
        ('Role chat: Patch "https://127.0.0.1:6443/api": net/http: TLS handshake timeout', True),
        ('Role chat: Patch "https://127.0.0.1:6443/api": http2: client connection lost', True),
        ("Role chat: unexpected error when reading response body. Please retry. Original error: unexpected EOF", True),
        ("Role chat: configured Kubernetes cluster is unreachable: unable to load schema information", True),
        ('Release platform: Kubernetes cluster unreachable: Get "https://127.0.0.1:6443/version": EOF', True),
        ("Role chat: the server is currently unable to handle the request (patch roles.rbac chat)", True),
        (
            "Role chat: the request has been made before all known HTTP paths have been installed, please try again",
            True,
        ),
        ("Role chat: forbidden: not yet ready to handle request", True),
        ("Graph chat: not ready: chat-graph never became ready", False),
        ("Job verification: Job timed out after 90m: verification", False),
        ("Deployment unavailable: the image cannot be pulled", False),
        ("Job model-weights-x: the hub: connect: connection refused", False),
        ("Job model-weights-x: unexpected EOF of the file from https://127.0.0.1:443/x", False),
        ("Release platform: context deadline exceeded", False),
        ("NodePool system-pool: timeout while waiting for state to become 'DONE'", False),
        ("NodePool system-pool: googleapi: Error 503: The service is currently unavailable., backendError", False),
        ('Graph chat: failed calling webhook "v.kb.io": Post "https://127.0.0.1:9443/v": connection refused', False),
        (
            'Graph chat: failed calling webhook "v.kb.io": failed to call webhook: the server is '
            "currently unable to handle the request",
            False,
        ),
        ("Deployment frontend: 1 of 2 pods are not ready; the node is unreachable", False),
    ],
)
def test_only_the_words_of_an_unreachable_api_server_excuse_an_update(error: str, excused: bool) -> None:
    known = [Trouble(fault=Named.API_SERVER, says=updates.UNREACHABLE, certain=False)]
    message = Message(severity="error", urn=None, text=error)
    assert judged(known, Command(name="up", ok=False, seconds=1, steps=(), messages=(message,)))[0] is excused
