"""Hourly cost of a stack: its cluster and the nodes that it creates, at list prices."""

from collections.abc import Iterator

from catalog.capacity import capacity_mode
from catalog.machines import ON_DEMAND
from planning.surroundings import CostItem
from planning.types import Pool, WorkerPool

# List price of a GKE cluster, USD per hour (Google Cloud price list, 2026-09-07).
CLUSTER_FEE = 0.10


def costs(system: Pool | None, gpu_pools: tuple[Pool, ...]) -> Iterator[CostItem]:
    """Costs of the resources that the stack creates, without an existing cluster and its nodes."""
    if system:
        fee = CLUSTER_FEE
        yield CostItem(name="GKE cluster", usd_per_hour=fee, usd_bound=fee, usd_max=fee, basis="list price, 2026-09-07")
    for pool in (*([system] if system else []), *gpu_pools):
        wanted = pool.purchase.mode if isinstance(pool, WorkerPool) and pool.purchase else ON_DEMAND
        below = capacity_mode(wanted).below_on_demand
        price, bound = pool.machine.prices.get(wanted), pool.machine.upper_bound(wanted, below_on_demand=below)
        count = f"{pool.nodes}" if pool.nodes == pool.max_nodes else f"{pool.nodes} to {pool.max_nodes}"
        basis = f"{wanted}: price not known"
        if price:
            bounded = "" if price.holds else f"; ≤ {ON_DEMAND}'s" if bound else "; max unknown"
            basis = f"{wanted}: {price.described}{bounded}"
        elif bound:
            basis = f"{wanted}: no fixed price, at most {ON_DEMAND}'s: {bound.described}"
        yield CostItem(
            name=f"{pool.name}: {count} × {pool.machine.name}",
            usd_per_hour=price and round(pool.nodes * price.usd_per_hour, 4),
            usd_bound=bound and round(pool.nodes * bound.usd_per_hour, 4),
            usd_max=bound and round(pool.max_nodes * bound.usd_per_hour, 4),
            basis=basis,
        )
