"""What only the deletion of the cluster removed counts as left over."""

from typing import Any

import pytest

from ops.rehearsal.engine.left_over import Object, outlived

SERVICE = Object(api_version="v1", kind="Service", name="chat", namespace="dynamo")
GRAPH = Object(api_version="nvidia.com/v1beta1", kind="Graph", name="chat", namespace="dynamo")
NAMESPACE = Object(api_version="v1", kind="Namespace", name="dynamo", namespace=None)
CREATED = [SERVICE, GRAPH, NAMESPACE]


def lost(api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place}}


@pytest.mark.parametrize(
    ("deleted_with_cluster", "left"),
    [
        ([], []),
        ([lost("v1", "Service", "chat", "dynamo")], ["Service chat in dynamo"]),
        ([lost("v1", "Namespace", "dynamo")], ["Namespace dynamo"]),
        ([lost("nvidia.com/v1alpha1", "Graph", "chat", "dynamo")], ["Graph chat in dynamo"]),
        ([lost("v1", "Service", "chat", "default"), lost("v1", "Namespace", "default")], []),
        ([lost("v1", "Endpoints", "chat", "dynamo"), lost("serving.knative.dev/v1", "Service", "chat", "dynamo")], []),
    ],
    ids=["nothing", "a Service", "a Namespace", "in another version", "others of that name", "of other kinds"],
)  # fmt: skip
def test_an_object_that_the_clusters_deletion_removed(
    deleted_with_cluster: list[dict[str, Any]], left: list[str]
) -> None:
    said = [f"the cluster was deleted while it still had {each}" for each in left]
    assert list(outlived(CREATED, deleted_with_cluster)) == said
