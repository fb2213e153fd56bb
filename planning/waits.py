"""How long `pulumi up` and `pulumi destroy` wait for a resource before they give up."""

from dataclasses import dataclass

from catalog.purchases import NodePurchase


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Durations as Pulumi writes them; None leaves the provider's own."""

    create: str | None = None
    update: str | None = None
    delete: str | None = None


@dataclass(frozen=True, kw_only=True)
class Waits:
    """The waits that are the same in every stack."""

    service: Wait = Wait(create="5m")
    """For an API of Google Cloud to be enabled."""
    network: Wait = Wait(create="5m")
    """Each part takes under a minute; the provider would wait 20 minutes for each of four in a row."""
    address: Wait = Wait(create="5m")
    cluster: Wait = Wait(create="45m", update="60m", delete="90m")
    system_pool: Wait = Wait(create="30m", update="1h", delete="1h")
    graph: Wait = Wait(create="70m", update="70m", delete="30m")
    """Image, weights and compiling take about 15 minutes. Longer waits, such as for flex-start capacity, continue after
    Pulumi stops waiting (the operator gives a worker two hours), and the next `pulumi up` waits again."""
    graph_ready_seconds: int = 70 * 60
    """As `graph`, for Pulumi's own wait until the graph is Ready."""
    verification: Wait = Wait(create="35m")


def gpu_pool_wait(buys: NodePurchase) -> Wait:
    """How long Pulumi waits for a GPU pool.

    The provider silently retries a refused create or update until its timeout (HTTP 400 failedPrecondition, quota),
    so the timeouts limit that. GKE gives up on missing nodes after some 35 minutes, and a create must last longer to
    get that error; a pool that is created empty waits for no node. An update may recreate the nodes one by one.
    """
    return Wait(
        create="45m" if buys.min_nodes else "30m",
        update=f"{min(240, 40 + 20 * buys.max_nodes)}m",
        delete="60m",
    )
