"""Pods of the simulated cluster as peers of NetworkPolicies, and pods of others beside a stack."""

from collections.abc import Mapping

from ops.rehearsal.kube import ApiError, Kube, Object
from tests.network_rules import Pod
from tests.rehearsal.simulated import wait_until

MANAGED_PROMETHEUS = ("gmp-system", "gke-gmp-system")


def peer(kube: Kube, pod: Object) -> Pod:
    """A pod as its labels, its namespace's and its ports show it to policies."""
    metadata = pod["metadata"]
    namespace = kube.get("v1", "Namespace", metadata["namespace"])["metadata"]
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports", ())]
    return Pod(
        metadata.get("labels", {}),
        metadata["namespace"],
        tuple(sorted(namespace.get("labels", {}).items())),
        {port["name"]: port["containerPort"] for port in ports if "name" in port},
    )


def bystander(kube: Kube, name: str, namespace: str, labels: Mapping[str, str], **of_namespace: str) -> Object:
    """A pod that no stack has made, in a namespace that may be new."""
    metadata = {"name": namespace, "labels": of_namespace}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {"containers": [{"name": "main", "image": "bystander"}]},
    }

    def applied() -> bool:
        try:
            kube.apply(pod)
        except ApiError as error:
            if "serviceaccount" not in str(error):
                raise
            return False
        return True

    wait_until(applied)  # the namespace's service account comes a moment later
    return kube.get("v1", "Pod", name, namespace)
