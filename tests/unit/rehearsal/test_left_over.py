"""What a destroy left behind, what it keeps on purpose, and what only the deletion of the cluster removed."""

from typing import Any

import pytest

from ops.rehearsal.engine.left_over import Object, in_cloud, kept, outlived
from ops.rehearsal.google.cloud import Resource
from policies import kinds

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


def in_state(type_: str, id_: str, *, kept: bool) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:prod::dynamo-gke::{type_}::{id_}", "type": type_, "id": id_, "retainOnDelete": kept}


BEFORE = [
    in_state(kinds.BUCKET, "weights", kept=True),
    in_state(kinds.KEY_GRANT, "key", kept=True),
    in_state(kinds.NETWORK, "vpc", kept=True),
]


@pytest.mark.parametrize(
    ("exist", "said"),
    [
        ([(kinds.BUCKET, "weights"), (kinds.KEY_GRANT, "key")], []),
        (
            [(kinds.BUCKET, "weights"), (kinds.KEY_GRANT, "key"), (kinds.NETWORK, "vpc")],
            ["Google Cloud still has Network vpc: vpc"],
        ),
        (
            [(kinds.BUCKET, "weights"), (kinds.BUCKET, "older"), (kinds.KEY_GRANT, "key")],
            ["Google Cloud still has Bucket older: older"],
        ),
        ([(kinds.BUCKET, "weights")], ["CryptoKeyIAMMember key was deleted, although the program keeps it"]),
    ],
    ids=["only what is kept", "a network", "another one of a kept type", "a kept one is gone"],
)
def test_only_what_the_documentation_names_may_stay(exist: list[tuple[str, str]], said: list[str]) -> None:
    resources = [
        Resource(type=type_, id=id_, urn=f"urn:pulumi:prod::dynamo-gke::{type_}::{id_}", state={})
        for type_, id_ in exist
    ]
    assert list(in_cloud(resources, kept(BEFORE, weights=True))) == said


def test_the_bucket_stays_only_with_kept_weights() -> None:
    assert [each["type"] for each in kept(BEFORE, weights=False)] == [kinds.KEY_GRANT]
    assert kept([in_state(kinds.BUCKET, "weights", kept=False)], weights=True) == []
