"""Losses when a resource is replaced, deleted or updated, and the changes that need --allow-replace. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.capacity import labeled_mode
from catalog.machines import with_accelerator
from catalog.purchases import CAPACITY_LABEL
from ops.changes.effects import Effect
from ops.changes.gcp_inputs import table
from ops.changes.pool_size import Nodes
from ops.changes.previewed import Registered
from policies import kinds

_NODES = "destroys the pool's nodes and stops their pods"
_ADDRESS = "releases the address of an endpoint"

LOSSES: Mapping[str, str] = {
    kinds.CLUSTER: "destroys the cluster and everything in it",
    kinds.NODE_POOL: _NODES,
    kinds.NETWORK: "destroys the network and everything on it",
    kinds.SUBNETWORK: "destroys everything in the subnet",
    kinds.ROUTER_NAT: "interrupts the nodes' access to registries and Hugging Face",
    kinds.ADDRESS: _ADDRESS,
    "gcp:compute/globalAddress:GlobalAddress": _ADDRESS,
    kinds.BUCKET: "deletes all weights",
    kinds.CERTIFICATE: "the endpoint needs another certificate",
    kinds.DNS_AUTHORIZATION: "the domain needs another DNS record",
    kinds.GOOGLE_SECRET: "deletes the token for gated models",
    kinds.NAMESPACE: "deletes everything in the namespace",
    kinds.RELEASE: "uninstalls the Dynamo operator",
    kinds.GRAPH: "stops all workers of the graph",
}

GUARDED = (kinds.CLUSTER, kinds.NODE_POOL, kinds.NETWORK, kinds.BUCKET)
"""Replacing or deleting these ends `ops diff` with 4."""

RECREATES = {
    kinds.NODE_POOL: "recreates the pool's nodes one by one; their pods restart",
    kinds.CLUSTER: "recreates the nodes of every pool one by one; their pods restart",
}


_ZONES = "releases the nodes of every pool in the removed zones"


@dataclass(frozen=True, kw_only=True)
class ReleasedNodes:
    """GPU nodes that the stack releases. `what` is how they were bought and their GPU, as words before "nodes"."""

    nodes: Nodes
    what: str

    def __str__(self) -> str:
        minimum, maximum = self.nodes.minimum, self.nodes.maximum
        count = f"{maximum}" if minimum == maximum else f"{minimum} to {maximum}" if minimum else f"up to {maximum}"
        return f"{'releases' if minimum else 'may release'} {count} {self.what} {'node' if maximum == 1 else 'nodes'}"


def guarded(old: Registered) -> bool:
    """Whether replacing or deleting needs --allow-replace: an expensive, protected or unknown resource."""
    unknown = old.type.startswith("gcp:") and old.type not in table()
    return old.type in GUARDED or bool(old.options.get("protect")) or unknown


def loss(old: Registered) -> str:
    """The loss with the old resource; empty if it holds nothing important."""
    if old.options.get("retainOnDelete"):
        return "keeps the bucket with all weights, unmanaged" if old.type == kinds.BUCKET else ""
    return LOSSES.get(old.type.replace("kubernetes:v1:", "kubernetes:core/v1:"), "")


def gpu(pool: Registered) -> str:
    """Product name of a pool's GPUs: GKE's name if no machine of the catalog has them, empty without GPUs."""
    accelerators: Sequence[Mapping[str, Any]] = (pool.inputs.get("nodeConfig") or {}).get("guestAccelerators") or ()
    for found in accelerators:
        accelerator = str(found["type"])
        return next((machine.gpus.product for machine in with_accelerator(accelerator)), accelerator)
    return ""


def released(pool: Registered, nodes: Nodes) -> ReleasedNodes | None:
    """The GPU nodes that a pool releases; None if there are none."""
    if pool.type != kinds.NODE_POOL or not gpu(pool) or not nodes.maximum:
        return None
    return ReleasedNodes(nodes=nodes, what=f"{_bought(pool)} {gpu(pool)}".lstrip())


def _bought(pool: Registered) -> str:
    """How the nodes were bought, in one word; empty for on-demand and unknown modes."""
    node: Mapping[str, Any] = pool.inputs["nodeConfig"]
    if mode := labeled_mode((node.get("resourceLabels") or {}).get(CAPACITY_LABEL)):
        return mode.adjective
    # Pools from before the label existed; only reservations matter enough to detect.
    affinity = (node.get("reservationAffinity") or {}).get("consumeReservationType")
    return "reserved" if affinity == "SPECIFIC_RESERVATION" else ""


def lost_in_place(type_: str, effects: Sequence[Effect]) -> str:
    """The loss by an update in place; empty if nothing is lost."""
    if Effect.RELEASES_NODES in effects:
        return _NODES if type_ == kinds.NODE_POOL else _ZONES
    return RECREATES.get(type_, "") if Effect.RECREATES_NODES in effects else ""
