"""Prod's graph, with its nodes, in a simulated cluster: what the operator would create for it, without the operator."""

import copy
from functools import cache
from typing import Any

import yaml

from ops.rehearsal import pool_nodes
from ops.rehearsal.kube import Kube, Object
from ops.rehearsal.platform import children, rollout
from tests.stacks import ROOT
from tests.unit.rehearsal.test_nodes import ZONE, pools

NAMESPACE = "dynamo"
# What the graph and the Jobs of a namespace need beside custom kinds.
_KINDS = (
    *("Namespace", "ServiceAccount", "Role", "RoleBinding", "ConfigMap", "ResourceClaimTemplate"),
    *("PersistentVolume", "PersistentVolumeClaim"),
)
TOKEN = "hf_ThisTokenIsMadeUp"


@cache
def objects() -> tuple[Object, ...]:
    """Every Kubernetes object of prod."""
    text = (ROOT / "tests" / "golden" / "prod.objects.yaml").read_text(encoding="utf-8")
    return tuple(each for each in yaml.safe_load_all(text) if each)


def job(prefix: str) -> dict[str, Any]:
    """A Job of prod, to change."""
    (found,) = (each for each in objects() if each["kind"] == "Job" and each["metadata"]["name"].startswith(prefix))
    return copy.deepcopy(found)


def create(kube: Kube) -> None:
    """Creates the nodes, the graph's objects and those of its Jobs."""
    for inputs in pools().values():
        pool_nodes.create_pool(kube, {**inputs, "nodeCount": 1}, ZONE)
    for kind in _KINDS:
        for each in objects():
            if each["kind"] == kind:
                kube.apply(each)
    create_secret(kube)
    graph = {**next(each for each in objects() if each["kind"] == "DynamoGraphDeployment")}
    graph["metadata"] = {**graph["metadata"], "uid": "none"}
    for each in (*children.fixed(graph), *rollout.next_step(graph, ()).deployments):
        del each["metadata"]["ownerReferences"]  # the graph itself needs the operator's kinds
        kube.apply(each)


def create_secret(kube: Kube) -> None:
    """Creates the Secret with the hub's token, which no golden shows."""
    metadata = {"name": "hf-token", "namespace": NAMESPACE}
    kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"HF_TOKEN": TOKEN}})


def is_ready(kube: Kube) -> bool:
    """Whether all pods of the graph are ready."""
    found = kube.list("apps/v1", "Deployment", NAMESPACE)
    return bool(found) and all(each["status"].get("readyReplicas", 0) == each["spec"]["replicas"] for each in found)
