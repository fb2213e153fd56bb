"""The order of a destroy is what the engine must keep, not what happened."""

from typing import Any

import pytest

from ops.rehearsal.engine import destroy_order
from ops.rehearsal.engine.events import Step

_HEAD = "urn:pulumi:prod::dynamo-gke::dynamo-gke"
SERVING = f"{_HEAD}:workloads:ServingGraph::chat"
GRAPH = f"{_HEAD}:workloads:ServingGraph$kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment::chat-graph"
PLATFORM = f"{_HEAD}:workloads:Platform::platform"
RELEASE = f"{_HEAD}:workloads:Platform$kubernetes:helm.sh/v3:Release::platform-release"
NAMESPACE = f"{_HEAD}:workloads:Namespace$kubernetes:core/v1:Namespace::workloads-namespace"
PROVIDER = f"{_HEAD}:infra:ClusterAccess$pulumi:providers:kubernetes::access-provider"


def delete(urn: str, at: float) -> Step:
    return Step(op="delete", urn=urn, began=at, ended=at + 1, failed=False, changed=())


GRAPH_FIRST = (delete(GRAPH, 0), delete(RELEASE, 1))
CASES: list[tuple[str, list[dict[str, Any]], bool]] = [
    ("by itself", [{"urn": GRAPH, "dependencies": [RELEASE]}], True),
    ("by its parent", [{"urn": GRAPH, "parent": SERVING}, {"urn": SERVING, "dependencies": [RELEASE]}], True),
    (
        "by something between",
        [{"urn": GRAPH, "dependencies": [NAMESPACE]}, {"urn": NAMESPACE, "dependencies": [RELEASE]}],
        True,
    ),
    (
        "by its provider",
        [{"urn": GRAPH, "provider": f"{PROVIDER}::an-id"}, {"urn": PROVIDER, "dependencies": [RELEASE]}],
        True,
    ),
    ("in a circle", [{"urn": GRAPH, "parent": SERVING}, {"urn": SERVING, "dependencies": [GRAPH, RELEASE]}], True),
    ("on nothing", [{"urn": GRAPH}], False),
    ("on the other's parent", [{"urn": GRAPH, "dependencies": [PLATFORM]}], False),
    ("the other way round", [{"urn": GRAPH}, {"urn": RELEASE, "dependencies": [GRAPH]}], False),
]


@pytest.mark.parametrize(("state", "kept"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_graph_depends_on_the_platform(state: list[dict[str, Any]], kept: bool) -> None:
    found = list(destroy_order.violations(GRAPH_FIRST, state))
    said = "platform platform-release may be deleted before graph chat-graph, which does not depend on it"
    assert found == ([] if kept else [said])


def test_the_times_count_too() -> None:
    found = destroy_order.violations(
        (delete(RELEASE, 0), delete(GRAPH, 0.5)), [{"urn": GRAPH, "dependencies": [RELEASE]}]
    )
    assert list(found) == ["platform platform-release was being deleted before graph chat-graph was gone"]
