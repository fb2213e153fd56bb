"""Finds the access that pods get to their node. Reports every field that is not known to be harmless."""

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.contracts import Role
from manifests.pod_security import RDMA_CAPABILITIES, VOLUMES
from policies import kinds
from policies.inputs import at, block, is_object, items
from policies.pods import blocks, containers, pod_specs

_VOLUMES = frozenset(VOLUMES)
_DRIVERS = frozenset({"gcsfuse.csi.storage.gke.io", "secrets-store-gke.csi.k8s.io", "pd.csi.storage.gke.io"})
_RDMA = frozenset(RDMA_CAPABILITIES)
_WORKERS = frozenset(role.value for role in Role)
# Fields of a PersistentVolume that do not name its source.
_NO_SOURCE = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)
# Fields of a securityContext: profiles may only be RuntimeDefault, the others must be unset.
_PROFILES = ("seccompProfile", "appArmorProfile")
_NEVER = ("sysctls", "windowsOptions", "seLinuxOptions")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"


def violations(resource_type: str, props: Mapping[str, Any]) -> Iterator[str]:
    """Each access to a node that a Kubernetes object would give to pods."""
    capabilities = _RDMA if resource_type == kinds.GRAPH else frozenset[str]()
    for pod in pod_specs(resource_type, props):
        yield from _of_pod(pod, capabilities)
    if resource_type == kinds.GRAPH:
        yield from _of_components(props)
    if resource_type == kinds.PERSISTENT_VOLUME:
        yield from _of_source("the volume", block(props, "spec"), frozenset({"csi"}), ignored=_NO_SOURCE)
    for found in blocks(props):
        for key in found:
            if str(key).startswith(_APPARMOR) and at(found, key) != "runtime/default":
                yield f"a pod sets {key} to {at(found, key)}"


def _of_pod(pod: Mapping[str, Any], capabilities: frozenset[str]) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if at(pod, key):
            yield f"a pod sets {key}"
    for volume in items(pod, "volumes"):
        if is_object(volume):
            yield from _of_source(f"volume {at(volume, 'name')}", volume, _VOLUMES, ignored=frozenset({"name"}))
    yield from _of_context("a pod", block(pod, "securityContext"))
    for container in containers(pod):
        yield from _of_container(container, capabilities)


def _of_components(graph: Mapping[str, Any]) -> Iterator[str]:
    """RDMA capabilities of containers without an engine. In a graph, only a worker's `main` container may have them."""
    for component in items(graph, "spec", "components"):
        worker = at(component, "type") in _WORKERS
        every = [container for pod in pod_specs(kinds.GRAPH, component) for container in containers(pod)]
        for container in every:
            if not (worker and at(container, "name") == "main"):
                for capability in _rdma_capabilities(container):
                    yield f"container {at(container, 'name')} of {at(component, 'name')} adds {capability}"


def _rdma_capabilities(container: Mapping[str, Any]) -> list[Any]:
    added = items(container, "securityContext", "capabilities", "add")
    return [capability for capability in added if _plain_name(capability) in _RDMA]


def _plain_name(capability: Any) -> str:
    return str(capability).upper().removeprefix("CAP_")


def _of_source(
    what: str, source: Mapping[str, Any], known: frozenset[str], *, ignored: frozenset[str]
) -> Iterator[str]:
    for kind in sorted(set(source) - ignored - known):
        yield f"{what} is a {kind}"
    if "csi" in source and at(source, "csi", "driver") not in _DRIVERS:
        yield f"{what} uses the driver {at(source, 'csi', 'driver')}"


def _of_container(container: Mapping[str, Any], capabilities: frozenset[str]) -> Iterator[str]:
    name = f"container {at(container, 'name')}"
    context = block(container, "securityContext")
    if at(context, "privileged"):
        yield f"{name} is privileged"
    if at(context, "procMount") not in (None, "Default"):
        yield f"{name} sets procMount {at(context, 'procMount')}"
    for capability in items(context, "capabilities", "add"):
        if _plain_name(capability) not in capabilities:
            yield f"{name} adds the capability {capability}"
    for port in items(container, "ports"):
        if at(port, "hostPort"):
            yield f"{name} uses port {at(port, 'hostPort'):g} of its node"
    yield from _of_context(name, context)


def _of_context(name: str, context: Mapping[str, Any]) -> Iterator[str]:
    for profile in _PROFILES:
        if at(context, profile, "type") not in (None, "RuntimeDefault"):
            yield f"{name} sets {profile} {at(context, profile, 'type')}"
    for key in _NEVER:
        if at(context, key):
            yield f"{name} sets {key}"
