"""Pods that the graphs' namespace must refuse: the real API server is asked, and creates none."""

from collections.abc import Iterator, Mapping
from typing import Any

from ops.rehearsal.kube import ApiError, Kube

REFUSALS = ("ValidatingAdmissionPolicy", "violates PodSecurity")
"""What the API server says if the admission policy, or the namespace's Pod Security level, refuses a pod."""
TRAITS: Mapping[str, Mapping[str, Any]] = {
    "is privileged": {"container": {"securityContext": {"privileged": True}}},
    "adds SYS_ADMIN": {"container": {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}},
    "uses the node's network": {"spec": {"hostNetwork": True}},
    "sees the node's processes": {"spec": {"hostPID": True}},
    "mounts a folder of the node": {"spec": {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}},
}
"""What a pod does that no pod of a graph may → its parts."""


def violations(kube: Kube, namespace: str) -> Iterator[str]:
    """A sentence for each pod that could exist in the namespace, or is refused for another reason."""
    for trait in TRAITS:
        try:
            kube.apply(pod(trait, namespace), dry_run=True)
        except ApiError as error:
            if not any(reason in str(error) for reason in REFUSALS):
                yield f"a pod in {namespace} that {trait} was refused for another reason: {error}"
        else:
            yield f"{namespace} accepts a pod that {trait}: neither an admission policy nor Pod Security refuses it"


def pod(trait: str, namespace: str) -> dict[str, Any]:
    """A pod with the trait and nothing else that could be refused."""
    parts = TRAITS[trait]
    harmless = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "hostile", "namespace": namespace},
        "spec": {
            "containers": [
                {"name": "main", "image": "hostile", "securityContext": harmless, **parts.get("container", {})}
            ],
            **parts.get("spec", {}),
        },
    }
