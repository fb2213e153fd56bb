"""Clusters as the Kubernetes API shows them: a healthy graph of the plan, broken in one place at a time.

Pods carry the pod template that this program renders. Events and conditions have the messages of the scheduler,
the kubelet, GKE's autoscaler and its Cloud Storage FUSE driver.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from manifests import graph as graph_builder
from ops.diagnosis import Snapshot
from planning import names
from planning.types import Plan

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def ago(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def cond(kind: str, status: bool, reason: str = "", message: str = "") -> dict[str, Any]:
    found = {"type": kind, "status": str(status), "lastTransitionTime": ago(5)}
    return found | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})


def pod_name(role: str, hash_: str = "1f2e3d4c", replica: int = 0) -> str:
    return f"chat-{role}-{hash_}-7d9f8-abcd{replica}"


def running(plan: Plan) -> Snapshot:
    """Every object of the plan's healthy graph `chat`."""
    (graph,) = plan.graphs
    components = graph_builder.build(graph, plan.labels).to_wire()["spec"]["components"]
    pods = [pod(component, replica=replica) for component in components for replica in range(component["replicas"])]
    return Snapshot(
        taken=NOW,
        graphs=(deployed(components),),
        pods=tuple(pods),
        nodes=tuple(node(pool.name, plan) for pool in plan.pools),
        claims=tuple(claim(p) for p in pods if p["spec"].get("resourceClaims")),
        claim_templates=({"metadata": {"name": names.claim_template(8)}},),
        endpoint_slices=tuple(endpoint_slice(p) for p in pods),
        worker_metadata=tuple(
            {"metadata": {"name": p["metadata"]["name"], "ownerReferences": [{"name": p["metadata"]["name"]}]}}
            for p in pods
            if p["metadata"]["labels"]["nvidia.com/dynamo-component-type"] != "frontend"
        ),
        operators=(operator(),),
        models={graph.name: (graph.card.name,)},
    )


def deployed(components: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "metadata": {"name": "chat", "generation": 3, "creationTimestamp": ago(120)},
        "spec": {"components": components},
        "status": {
            "state": "successful",
            "observedGeneration": 3,
            "conditions": [cond("Ready", True, "all_resources_are_ready", "All resources are ready")],
        },
    }


def pod(component: dict[str, Any], hash_: str = "1f2e3d4c", replica: int = 0) -> dict[str, Any]:
    """A pod of the component, on the first node of its pool, Ready."""
    role = component["name"]
    spec = deepcopy(component["podTemplate"]["spec"])
    container = spec["containers"][0]
    container["startupProbe"] = {"periodSeconds": 10, "failureThreshold": 720}
    claims = [
        {"name": c["name"], "resourceClaimName": f"{pod_name(role, hash_, replica)}-{c['name']}"}
        for c in spec.get("resourceClaims", [])
    ]
    return {
        "metadata": {
            "name": pod_name(role, hash_, replica),
            "creationTimestamp": ago(90),
            "labels": {
                "nvidia.com/dynamo-graph-deployment-name": "chat",
                "nvidia.com/dynamo-component": role,
                "nvidia.com/dynamo-component-type": component["type"],
            }
            | ({"nvidia.com/dynamo-worker-hash": hash_} if role != "frontend" else {}),
        },
        "spec": spec | {"nodeName": node_name(spec["nodeSelector"]["cloud.google.com/gke-nodepool"])},
        "status": {
            "phase": "Running",
            "conditions": [cond("PodScheduled", True), cond("Ready", True)],
            "resourceClaimStatuses": claims,
            "containerStatuses": [
                {
                    "name": "main",
                    "image": container["image"],
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": ago(80)}},
                }
            ],
        },
    }


def node_name(pool: str) -> str:
    return f"gke-dynamo-prod-{pool}-0a1b2c3d-wxyz"


def node(pool: str, plan: Plan) -> dict[str, Any]:
    gpus = pool in {p.name for p in plan.gpu_pools}
    return {
        "metadata": {
            "name": node_name(pool),
            "labels": {"cloud.google.com/gke-nodepool": pool}
            | ({"cloud.google.com/gke-networking-dra-driver": "true"} if gpus else {}),
        },
        "spec": {"taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]} if gpus else {},
        "status": {
            "conditions": [cond("Ready", True, "KubeletReady", "kubelet is posting ready status")],
            "allocatable": {"cpu": "222", "memory": "2900Gi"} | ({"nvidia.com/gpu": "8"} if gpus else {}),
        },
    }


def claim(of: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": of["status"]["resourceClaimStatuses"][0]["resourceClaimName"]},
        "status": {
            "allocation": {"devices": {"results": [{"driver": "dra.net", "pool": of["spec"]["nodeName"]}]}},
            "reservedFor": [{"resource": "pods", "name": of["metadata"]["name"]}],
        },
    }


def endpoint_slice(of: dict[str, Any], *, ready: bool = True) -> dict[str, Any]:
    name = of["metadata"]["name"]
    return {
        "metadata": {"name": f"{name}-slice"},
        "endpoints": [{"targetRef": {"kind": "Pod", "name": name}, "conditions": {"ready": ready}}],
    }


def operator(*, available: bool = True) -> dict[str, Any]:
    reason = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    if not available:
        reason = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return {
        "metadata": {"name": "dynamo-platform-dynamo-operator-controller-manager"},
        "status": ({"availableReplicas": 1} if available else {})
        | {"conditions": [cond("Available", available, *reason)]},
    }


def failed_pod(role: str, reason: str, message: str, *, replica: int = 9, minutes: float = 5) -> dict[str, Any]:
    """A permanently failed pod of the role, as the kubelet leaves it: with its node, without container states."""
    return {
        "metadata": {
            "name": pod_name(role, replica=replica),
            "uid": f"uid-of-{role}-{replica}",
            "creationTimestamp": ago(minutes + 60),
            "labels": {
                "nvidia.com/dynamo-graph-deployment-name": "chat",
                "nvidia.com/dynamo-component": role,
                "nvidia.com/dynamo-component-type": role,
                "nvidia.com/dynamo-worker-hash": "1f2e3d4c",
            },
        },
        "spec": {"nodeName": node_name(role), "nodeSelector": {"cloud.google.com/gke-nodepool": role}},
        "status": {
            "phase": "Failed",
            "reason": reason,
            "message": message,
            "conditions": [cond("Ready", False, "PodFailed") | {"lastTransitionTime": ago(minutes)}],
        },
    }


def job(name: str, *conditions: dict[str, Any], labels: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    """A Job that was created twelve minutes ago."""
    return {
        "metadata": {"name": name, "creationTimestamp": ago(12)},
        "spec": {"template": {"metadata": {"labels": labels or {}}}},
        "status": {"startTime": ago(12), "conditions": list(conditions)} | status,
    }


def job_pod(job: str, number: int = 0, **status: Any) -> dict[str, Any]:
    """A pod of a Job; its later tries have higher numbers."""
    return {
        "metadata": {
            "name": f"{job}-{number}",
            "creationTimestamp": ago(11 - number),
            "labels": {"batch.kubernetes.io/job-name": job},
        },
        "spec": {"nodeName": node_name("system")},
        "status": {"phase": "Failed"} | status,
    }


def ended(message: str = "", code: int = 1, reason: str = "Error", name: str = "fetch") -> dict[str, Any]:
    """The states of a container that ended, as the kubelet writes them."""
    over = {"exitCode": code, "reason": reason} | ({"message": message} if message else {})
    return {"containerStatuses": [{"name": name, "restartCount": 0, "state": {"terminated": over}}]}


def component_deployment(role: str, hash_: str, minutes: float, *, replicas: int = 1) -> dict[str, Any]:
    """A DynamoComponentDeployment of a worker generation."""
    return {
        "metadata": {
            "name": f"chat-{role}-{hash_}",
            "creationTimestamp": ago(minutes),
            "labels": {"nvidia.com/dynamo-graph-deployment-name": "chat", "nvidia.com/dynamo-worker-hash": hash_},
            "ownerReferences": [{"kind": "DynamoGraphDeployment", "name": "chat"}],
        },
        "spec": {"replicas": replicas},
    }


def release(revision: int, status: str, minutes: float) -> dict[str, Any]:
    """Helm's record of one revision of the platform, without its content."""
    return {
        "metadata": {
            "name": f"sh.helm.release.v1.dynamo-platform.v{revision}",
            "creationTimestamp": ago(minutes),
            "labels": {"owner": "helm", "name": "dynamo-platform", "status": status, "version": str(revision)},
        }
    }


def event(kind: str, name: str, reason: str, message: str, minutes: float = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{name}.{reason}.{minutes}"},
        "involvedObject": {"kind": kind, "name": name},
        "reason": reason,
        "message": message,
        "lastTimestamp": ago(minutes),
    }


def changed(snapshot: Snapshot, name: str, change: dict[str, Any]) -> Snapshot:
    """The snapshot with the object of that name changed: the given blocks are merged into the existing ones."""

    def lay(objects: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(_laid(o, change) if o["metadata"]["name"] == name else o for o in objects)

    kinds = ("graphs", "pods", "nodes", "operators", "claims")
    return replace(snapshot, **{kind: lay(getattr(snapshot, kind)) for kind in kinds})


def _laid(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        inner = result.get(key)
        result[key] = _laid(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return result


def unplaced(snapshot: Snapshot, role: str, says: str, reason: str = "Unschedulable") -> Snapshot:
    """The snapshot with the pod of a role Pending, as the scheduler says."""
    status = {
        "phase": "Pending",
        "conditions": [cond("PodScheduled", False, reason, says), cond("Ready", False)],
        "containerStatuses": [],
    }
    return not_ready(changed(snapshot, pod_name(role), {"spec": {"nodeName": None}, "status": status}))


def contained(snapshot: Snapshot, role: str, **status: Any) -> Snapshot:
    """The snapshot with the container of a role's pod in another state, and so the pod not Ready."""
    (before,) = [p for p in snapshot.pods if p["metadata"]["name"] == pod_name(role)]
    main = {**before["status"]["containerStatuses"][0], "ready": False, **status}
    phase = "Running" if "running" in main["state"] else "Pending"
    over = {
        "phase": phase,
        "conditions": [cond("PodScheduled", True), cond("Ready", False)],
        "containerStatuses": [main],
    }
    return not_ready(changed(snapshot, pod_name(role), {"status": over}))


def not_ready(snapshot: Snapshot) -> Snapshot:
    says = "Resources not ready: chat: Component deployment not ready"
    status = {"state": "pending", "conditions": [cond("Ready", False, "some_resources_are_not_ready", says)]}
    return changed(snapshot, "chat", {"status": status})


def with_events(snapshot: Snapshot, *events: dict[str, Any]) -> Snapshot:
    return replace(snapshot, events=(*snapshot.events, *events))


def without(snapshot: Snapshot, kind: str, *names: str) -> Snapshot:
    """The snapshot without these objects of a kind; without any when none is named."""
    left = tuple(o for o in getattr(snapshot, kind) if names and o["metadata"]["name"] not in names)
    return replace(snapshot, **{kind: left})
