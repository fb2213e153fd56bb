"""What a plan is warned of: right as far as is known, and yet worth a look before money runs."""

from collections.abc import Iterator, Sequence

from catalog import gke_versions, versions
from catalog.capacity import CapacityMode
from catalog.contracts import Role
from catalog.flags import speculation
from catalog.lifecycle import KV_LEASE_SECONDS
from catalog.models import Placement
from catalog.rdma import KvTransfer, RdmaMode
from planning import place
from planning.types import Graph, Pool
from settings import client_ranges
from settings.schema import USD, BudgetSettings, ReleaseChannel, SecretStore, Settings

# As Google Cloud counts a month, 365 days in twelve.
HOURS_A_MONTH = 730

_CAPACITY_WARNINGS = {
    CapacityMode.SPOT: "capacity: spot nodes can be taken back at any time, and their price changes daily; costs are "
    "given with the price on demand as an upper bound; pods get seconds to end (15 by GKE's default), whatever "
    "drainSeconds says",
    CapacityMode.FLEX_START: "capacity: flexStart nodes vanish after 7 days at most, and their price is of one "
    "unverified source",
    CapacityMode.ON_DEMAND: "capacity: H200 nodes are listed on demand but in practice not sold so",
}

_RDMA_WARNINGS = {
    RdmaMode.DRANET_AUTO: "network.rdma: with dranetAuto GKE makes and owns the networks of the NICs: their ranges "
    "cannot be chosen, and deleting them was reported stuck (GKE 1.36, August 2026)",
    RdmaMode.MULTI_NETWORK: f"network.rdma: multiNetwork is for clusters older than GKE {gke_versions.DRANET.version}; "
    "from there on prefer dranet, where the pods of a node can share its NICs",
}


def warnings(
    settings: Settings, graphs: Sequence[Graph], gpu_pools: Sequence[Pool], usd_at_most: float | None
) -> Iterator[str]:
    """One sentence each, most general first. `gpu_pools` are those that the graphs need, the stack's to make or not."""
    made = gpu_pools if settings.makes_gpu_pools else ()
    if missing := missing_token(settings, graphs):
        yield missing
    yield from place.warnings(settings, gpu_pools)
    for old, new in settings.renamed.items():
        yield f"{old}: is called {new.rpartition('.')[2]} now; the old name still works"
    yield from _version_warnings(settings)
    yield from _pool_warnings(settings, graphs, made)
    for cidr in settings.endpoint.allowed_cidrs:
        if why := client_ranges.without_effect(cidr):
            yield f"endpoint.allowedCidrs: {why}"
    if settings.cluster.binary_authorization:
        yield (
            "cluster.binaryAuthorization: on, so the project's policy decides which images start; it must admit "
            "nvcr.io, us-docker.pkg.dev/gce-ai-infra and gke.gcr.io, else no pod of Dynamo's or GKE's does"
        )
    if settings.secrets.store is SecretStore.SECRET_MANAGER and not any(graph.card.gated for graph in graphs):
        yield "secrets.store: has no effect, no model is gated"
    for graph in graphs:
        yield from _graph_warnings(settings, graph)
    yield from _shared_names(graphs)
    yield from _budget_warnings(settings.budget, made, usd_at_most)


def missing_token(settings: Settings, graphs: Sequence[Graph]) -> str | None:
    """Why `pulumi up` would stop, where a model is gated and no token is given; None where nothing is missing.

    Only a warning before that: pull requests and the shipped stacks are previewed without a secret.
    """
    gated = next((graph for graph in graphs if graph.card.gated), None)
    if gated is None or settings.hf_token_given or settings.secrets.hf_token:
        return None
    return (
        f"hfToken: missing, and models.{gated.name} serves {gated.card.repository}, which only approved accounts may "
        "fetch, so `pulumi up` stops; set it with `pulumi config set --secret dynamo-gke:hfToken`, or name a secret of "
        "Secret Manager in secrets.hfToken, with secrets.store secretManager"
    )


def _shared_names(graphs: Sequence[Graph]) -> Iterator[str]:
    """Deployments that clients call by one name. Each has a frontend of its own, so this is no error."""
    for name in sorted({graph.served_name for graph in graphs}):
        if len(sharing := [graph.name for graph in graphs if graph.served_name == name]) > 1:
            yield (
                f"models: {' and '.join(sharing)} are served by one name, {name}: clients tell them apart by "
                "their endpoints only. Set servedName of one of them, unless that is what you want"
            )


def _version_warnings(settings: Settings) -> Iterator[str]:
    if settings.versions.platform != versions.PLATFORM:
        yield f"versions.platform: only {versions.PLATFORM} is tried here; others may not take the graphs as written"
    if settings.versions.runtime != versions.RUNTIME:
        yield f"versions.runtime: command lines are written for {versions.RUNTIME}; others may not know every flag"


def _pool_warnings(settings: Settings, graphs: Sequence[Graph], gpu_pools: Sequence[Pool]) -> Iterator[str]:
    region = settings.location.region
    mode = settings.capacity.mode if settings.capacity and gpu_pools else None
    for pool in gpu_pools[:1]:
        if (zone := settings.location.zone) not in pool.machine.zones:
            there = [listed for listed in pool.machine.zones if listed.startswith(f"{region}-")]
            where = f"in {' and '.join(there)}" if there else f"only in {', '.join(pool.machine.zones)}"
            yield f"location.zone: {pool.machine.name} was not listed in {zone} when last looked up, but {where}"
        priced = {price.region for price in pool.machine.prices.values()}
        if region not in priced:
            yield f"cost: prices are those of {', '.join(sorted(priced))}; {region} may differ"
    if warning := _CAPACITY_WARNINGS.get(mode) if mode else None:
        yield warning
    if mode is CapacityMode.FLEX_START and settings.capacity and settings.capacity.compact_placement:
        yield (
            "capacity.compactPlacement: true, so flexStart nodes come only where all of them lie close together, which "
            "may take longer; that GKE takes the two together is unverified"
        )
    if gpu_pools and (warning := _RDMA_WARNINGS.get(settings.network.rdma)):
        yield warning
    for pool in gpu_pools:
        if mode is CapacityMode.RESERVATION and pool.most_nodes > pool.nodes:
            yield f"pool {pool.name}: may grow to {pool.most_nodes} nodes; the reservation must hold that many"
    if gpu_pools and not settings.cluster.deletion_protection:
        weights = "" if settings.keeps_weights else " and deletes the weights; weights.keep: true keeps those"
        yield f"cluster.deletionProtection: off, so one `pulumi destroy` releases the GPU nodes{weights}"
    if gpu_pools and not settings.alerts.emails:
        yield "alerts.emails: none, so alerts open incidents in the console and nobody is told"
    for pool in gpu_pools:
        sizes = {w.tensor_parallel for g in graphs for w in g.workers if w.pool == pool.name and w.memory}
        if pool.nodes > 1 and len(sizes) > 1:
            yield (
                f"pool {pool.name}: engines of {' and '.join(map(str, sorted(sizes)))} GPUs share {pool.nodes} nodes; "
                "spread badly, a large one may find no whole node free"
            )


def _budget_warnings(budget: BudgetSettings | None, gpu_pools: Sequence[Pool], most: float | None) -> Iterator[str]:
    """`most` is what an hour costs with all nodes that an autoscaler may add, USD."""
    if not budget:
        if gpu_pools:
            yield "budget: none, so nobody is notified of what the month costs; set {monthly, currency, emails}"
        return
    if budget.monthly_usd and budget.currency != USD:
        yield f"budget.monthlyUsd: {budget.monthly_usd:,} is taken for {budget.currency}; write budget.monthly instead"
    if budget.currency != USD:
        yield f"budget: not compared with the plan, whose prices are in USD and not in {budget.currency}"
    elif most is None:
        yield "budget: not compared with the plan, because part of its cost is unknown"
    elif budget.amount < most * HOURS_A_MONTH:
        month = f"{most * HOURS_A_MONTH:,.0f}"
        yield f"budget: {budget.amount:,} USD is less than the {month} that the plan may cost in a month"


def _graph_warnings(settings: Settings, graph: Graph) -> Iterator[str]:
    path = f"models.{graph.name}"
    if graph.card.revision is None:
        yield (
            f"{path}.model: {graph.card.name} has no pinned revision ({graph.card.revision_source}), so every pod "
            f"fetches what the hub has by then; pin it with `./dynamo-gke models pin {graph.card.name}`"
        )
    yield from _lease_warnings(graph)
    if graph.placement is Placement.CPU:
        for role, override in settings.models[graph.name].overrides.items():
            for key in ("tensorParallel", "drainSeconds"):
                if key in override.to_wire():
                    yield f"{path}.{role}.{key}: has no effect on simulated engines"
        return
    if graph.kv_transfer is KvTransfer.TCP:
        mode = settings.network.rdma
        unused = (
            "" if mode is RdmaMode.NONE else f" The nodes have RDMA NICs (network.rdma {mode}) that it leaves idle."
        )
        yield (
            f"{path}.kvTransfer: tcp, so KV cache moves over the pod network, and the first token takes 200 to 500 "
            f"times as long as by RDMA (NVIDIA's guide: 98 s in place of 0.2 to 0.5 s). Not for real use.{unused}"
        )
    channel = settings.cluster.release_channel
    if settings.models[graph.name].autoscaling.ranges and channel is not ReleaseChannel.RAPID:
        yield (
            f"{path}.autoscaling: GKE documents the pods' own metrics, which it goes by, for channel rapid only "
            f"(autoscaling.gke.io, a preview feature); in {channel} it may never scale: `kubectl describe hpa` tells"
        )
    if not graph.verification_required:
        yield f"{path}.verification: reported, so the endpoint is handed out even if disaggregation does not happen"
    if draft := speculation.draft(graph.extra_args):
        yield f"{path}.engine.extraArgs: the plan does not count the memory of the draft model {draft}"
    if any(worker.replicas == 1 for worker in graph.workers):
        drain = max(worker.drain_seconds for worker in graph.workers)
        yield (
            f"{path}: a role with one engine and no spare node is down while an update of the workers drains the old "
            f"one ({drain} s, drainSeconds) and loads the model"
        )


def _lease_warnings(graph: Graph) -> Iterator[str]:
    path, lease = f"models.{graph.name}", graph.kv_lease_seconds
    if graph.kv_transfer is None:
        if lease:
            yield f"{path}.engine.kvLeaseSeconds: has no effect, no KV cache goes from engine to engine"
        return
    for worker in graph.workers:
        if worker.role is Role.PREFILL and worker.drain_seconds < (lease or KV_LEASE_SECONDS):
            yield (
                f"{path}.prefill.drainSeconds: {worker.drain_seconds} is less than the {lease or KV_LEASE_SECONDS} s "
                "for which decode may fetch KV cache (engine.kvLeaseSeconds), so a prefill engine may end too early"
            )
