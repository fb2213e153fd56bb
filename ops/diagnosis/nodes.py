"""The nodes of a graph's pools: pools without nodes, and nodes that offer fewer GPUs than their machine has."""

from collections.abc import Iterator

from catalog.machines import GPU_RESOURCE
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, holds, name, part
from ops.diagnosis.view import View
from planning.types import WorkerPool


def usable(node: Object) -> bool:
    return holds(node, "Ready") and not part(node, "spec", "unschedulable")


def awaited_pools(view: View) -> Iterator[Finding]:
    """Pools without a node, which `pulumi up` waits for before it creates the graph."""
    for pool in view.gpu_pools:
        if pool.purchase and pool.purchase.min_nodes and not view.snapshot.nodes_of(pool.name):
            yield view.finding(
                Cause.CAPACITY,
                f"node pool {pool.name} has no node, and the graph waits for one: {how_nodes_come(view, pool.name)}",
            )


def how_nodes_come(view: View, pool: str) -> str:
    bought = next((p.purchase for p in view.plan.gpu_pools if p.name == pool), None)
    if bought and not bought.min_nodes:
        return (
            f"{bought.mode} adds one when there is capacity, and the autoscaler has written no event yet; see "
            f"{describe_pool(view, pool)}"
        )
    return (
        "the pool is being created, its creation failed, or its node was lost and GKE replaces it; see the status of "
        f"{describe_pool(view, pool)}"
    )


def describe_pool(view: View, pool: str) -> str:
    return (
        f"`gcloud container node-pools describe {pool} --cluster {view.plan.cluster.name} "
        f"--location {view.plan.cluster.location}`"
    )


def gpus_missing(view: View) -> Iterator[Finding]:
    """Nodes that offer fewer GPUs than their machine has. A cordoned node is being repaired and is left out."""
    for pool in view.gpu_pools:
        for node in filter(usable, view.snapshot.nodes_of(pool.name)):
            offered = gpus_of(node)
            if offered is not None and offered < pool.machine.gpus.count:
                yield _missing(view, pool, node, offered, pool.machine.gpus.count)


def gpus_of(node: Object) -> int | None:
    """The node's allocatable GPUs, 0 until its device plugin has registered them; None if not a number."""
    return _count(node, "allocatable")


def _count(node: Object, of: str) -> int | None:
    given = str((part(node, "status", of) or {}).get(GPU_RESOURCE, 0))
    return int(given) if given.isdecimal() else None


def _missing(view: View, pool: WorkerPool, node: Object, offered: int, has: int) -> Finding:
    where, registered = f"node/{name(node)}", _count(node, "capacity") or 0
    unhealthy = f" ({registered - offered} are registered and unhealthy)" if registered > offered else ""
    if offered == 0:
        age = view.snapshot.age(part(node, "metadata", "creationTimestamp"))
        return view.finding(
            Cause.NODE_GPUS,
            f"node {name(node)} of pool {pool.name} offers none of its {has} GPUs{unhealthy}: its driver is not "
            f"installed yet, or its device plugin does not run; the node was created {age} ago, and the driver takes "
            "up to 15 min; wait, then see `kubectl -n kube-system get pods -l k8s-app=nvidia-gpu-device-plugin "
            f"--field-selector spec.nodeName={name(node)}`",
            where,
        )
    return view.finding(
        Cause.NODE_GPUS,
        f"node {name(node)} of pool {pool.name} offers {offered} of its {has} GPUs{unhealthy}: {has - offered} "
        f"{'was' if has - offered == 1 else 'were'} lost; move the pods away with `kubectl drain {name(node)} "
        "--ignore-daemonsets --delete-emptydir-data` and have the machine repaired: docs/runbooks/gpu-xid.md",
        where,
    )
