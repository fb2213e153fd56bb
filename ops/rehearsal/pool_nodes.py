"""Creates and deletes the nodes of simulated pools in the cluster, with the devices that they publish."""

from collections.abc import Collection, Iterable

from ops.rehearsal import devices, nodes
from ops.rehearsal.kube import Kube, Object


def create_classes(kube: Kube) -> None:
    """Creates the device classes that GKE installs in every cluster."""
    for each in devices.classes():
        kube.apply(each)


def create_pool(kube: Kube, inputs: nodes.Inputs, zone: str) -> list[Object]:
    """The nodes with which a new pool begins in one of its zones."""
    return [_create(kube, inputs, node) for node in nodes.of_pool(inputs, zone)]


def complete(kube: Kube, inputs: nodes.Inputs, zones: Iterable[str]) -> list[Object]:
    """Creates those of a pool's first nodes that do not exist, as the instance groups of its zones do."""
    existing = {each["metadata"]["name"] for each in of_pool(kube, inputs["name"])}
    first = [node for zone in zones for node in nodes.of_pool(inputs, zone)]
    return [_create(kube, inputs, node) for node in first if node["metadata"]["name"] not in existing]


def create_node(kube: Kube, inputs: nodes.Inputs, zone: str, number: int) -> Object:
    """The node of that number."""
    return _create(kube, inputs, nodes.node(inputs, zone, number))


def _create(kube: Kube, inputs: nodes.Inputs, node: nodes.Node) -> Object:
    """The node, which kwok then reports ready. Its devices vanish with it, because it owns them."""
    created = kube.apply(node)
    owner = {"apiVersion": "v1", "kind": "Node", "name": created["metadata"]["name"], "uid": created["metadata"]["uid"]}
    for each in devices.slices(inputs, owner["name"]):
        kube.apply({**each, "metadata": {**each["metadata"], "ownerReferences": [owner]}})
    return created


def of_pool(kube: Kube, pool: str) -> list[Object]:
    """The pool's nodes in the cluster."""
    return kube.list("v1", "Node", selector=f"{nodes.NODE_POOL}={pool}")


def delete_pool(kube: Kube, pool: str) -> None:
    """Deletes the pool's nodes, and their pods without a grace period, which GKE grants when it drains a node."""
    delete_nodes(kube, {each["metadata"]["name"] for each in of_pool(kube, pool)})


def delete_nodes(kube: Kube, names: Collection[str]) -> None:
    """Deletes nodes, and their pods without a grace period."""
    if not names:
        return
    for pod in kube.list("v1", "Pod"):
        if pod["spec"].get("nodeName") in names:
            kube.delete("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], at_once=True)
    for name in names:
        kube.delete("v1", "Node", name)
