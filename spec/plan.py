"""Settings → Plan: the graphs with every number decided, the node pools that hold them, the cost, the warnings."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from spec import extra_args, names, sizing, versions, weights
from spec.addresses import AddressPlan
from spec.capacity import CapacityMode
from spec.check import effective_roles, engine_memory, max_model_len, most_replicas
from spec.machines import GPU_MACHINE, Machine, machine
from spec.models import Card, Placement, Role, card
from spec.settings import BudgetSettings, Endpoint, ModelSettings, ProofMode, RdmaMode, SecretStore, Settings

SYSTEM_POOL = "system"

# As Google Cloud counts a month, 365 days in twelve.
HOURS_A_MONTH = 730

# List price of a GKE cluster, USD per hour (Google Cloud price list, 2026-09-07).
CLUSTER_FEE = 0.10


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One role of a graph: how many engines, each over how many GPUs of which pool."""

    role: Role
    replicas: int
    most_replicas: int
    """More than `replicas` where an autoscaler may add engines."""
    tensor_parallel: int
    pool: str
    memory: sizing.EngineMemory | None
    """None for a simulated engine."""
    autoscaled: bool
    """Whether `replicas` is only where the autoscaler begins."""

    @property
    def gpus(self) -> int:
        return self.replicas * self.tensor_parallel if self.memory else 0


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One DynamoGraphDeployment before it is written in the operator's terms."""

    name: str
    card: Card
    layout: str
    placement: Placement
    workers: tuple[Worker, ...]
    runtime: str
    """The version of the images."""
    engine: str
    """The module of `spec.engines` that writes the workers' command lines."""
    max_model_len: int
    kv_cache_dtype: sizing.KvCacheDtype
    gpu_memory_utilization: float
    extra_args: tuple[str, ...]
    """Words of the stack at the end of every worker's command line, flag and value apart."""
    frontend_replicas: int
    proof_required: bool
    """Whether an update fails when disaggregation does not happen."""
    rdma: bool
    """Whether each worker pod claims one RDMA NIC a GPU."""

    @property
    def gpus(self) -> int:
        return sum(worker.gpus for worker in self.workers)

    @property
    def reads_bucket(self) -> bool:
        """Whether its pods read the model from the weights bucket.

        Simulated engines have no weights. Without a pinned revision there is nothing that could be fetched beforehand
        and be the same for all workers; each then takes what the hub has.
        """
        return self.placement is not Placement.CPU and self.card.revision is not None

    @property
    def model(self) -> str:
        """What workers get as `--model`: a folder of the bucket, or the hub's repository. Every role gets the same."""
        return weights.path(self.card) if self.reads_bucket else self.card.repository

    @property
    def disaggregated(self) -> bool:
        return any(worker.role is Role.PREFILL for worker in self.workers)

    @property
    def transfers_kv(self) -> bool:
        """Whether NIXL moves KV cache between its workers; simulated engines have none to move."""
        return self.disaggregated and self.gpus > 0


@dataclass(frozen=True, kw_only=True)
class Pool:
    """One GKE node pool. `nodes` counts whole machines."""

    name: str
    machine: Machine
    nodes: int
    most_nodes: int
    """As `nodes`, or more where an autoscaler may add some."""
    graphs: tuple[str, ...] = ()

    @property
    def gpus(self) -> int:
        return self.nodes * self.machine.gpus.count if self.machine.gpus else 0

    @property
    def nics(self) -> int:
        return self.nodes * self.machine.rdma_nics


@dataclass(frozen=True, kw_only=True)
class TokenSecret:
    """A secret of Secret Manager."""

    name: str
    exists: bool
    """It was put there by somebody else, so that the token never passes through Pulumi."""


@dataclass(frozen=True, kw_only=True)
class CostItem:
    what: str
    usd_per_hour: float | None
    """None where no price is known."""
    usd_at_most: float | None
    """With all nodes that an autoscaler may add."""
    basis: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that the components need, decided. Built by `plan`, from settings that passed `spec.load`."""

    stack: str
    project: str
    platform: str
    """The version of the operator and its chart."""
    region: str
    zone: str
    labels: dict[str, str]
    rdma: RdmaMode
    capacity_mode: CapacityMode | None
    reservation: str | None
    endpoint: Endpoint
    token_secret: TokenSecret | None
    """Where in Secret Manager the token for gated models is; None where none is needed from there."""
    binary_authorization: bool
    secrets_key: str | None
    """The Cloud KMS key by which the cluster encrypts its Secrets; None for Google's own."""
    alert_emails: tuple[str, ...]
    budget: BudgetSettings | None
    deletion_protection: bool
    release_channel: str
    system_pool: Pool
    gpu_pools: tuple[Pool, ...]
    graphs: tuple[Graph, ...]
    costs: tuple[CostItem, ...]
    warnings: tuple[str, ...]
    addresses: AddressPlan = field(default_factory=AddressPlan)

    @property
    def pools(self) -> tuple[Pool, ...]:
        return (self.system_pool, *self.gpu_pools)

    @property
    def gpus(self) -> int:
        return sum(pool.gpus for pool in self.gpu_pools)

    @property
    def fetched(self) -> tuple[Card, ...]:
        """The models that are brought into the bucket, each revision once however many graphs serve it."""
        cards = {(g.card.repository, g.card.revision): g.card for g in self.graphs if g.reads_bucket}
        return tuple(cards.values())

    @property
    def cost_per_hour(self) -> float | None:
        """USD; None when a part has no known price, so that half a sum is never taken for the whole."""
        return _total([item.usd_per_hour for item in self.costs])

    @property
    def cost_at_most(self) -> float | None:
        """USD per hour with all nodes that an autoscaler may add; None as for `cost_per_hour`."""
        return _total([item.usd_at_most for item in self.costs])

    def summary(self) -> dict[str, Any]:
        """The plan as plain data for `--json`, goldens and stack outputs."""
        return {
            "gpus": self.gpus,
            "nodes": sum(pool.nodes for pool in self.pools),
            "pools": [
                {
                    "name": p.name,
                    "machine": p.machine.name,
                    "nodes": p.nodes,
                    "mostNodes": p.most_nodes,
                    "gpus": p.gpus,
                    "rdmaNics": p.nics if self.rdma is not RdmaMode.NONE else 0,
                    "graphs": list(p.graphs),
                }
                for p in self.pools
            ],
            "graphs": {graph.name: _graph_summary(graph) for graph in self.graphs},
            "costPerHour": self.cost_per_hour,
            "costPerHourAtMost": self.cost_at_most,
            "costs": [
                {"what": c.what, "usdPerHour": c.usd_per_hour, "usdPerHourAtMost": c.usd_at_most, "basis": c.basis}
                for c in self.costs
            ],
            "warnings": list(self.warnings),
        }


def _total(usd: list[float | None]) -> float | None:
    known = [value for value in usd if value is not None]
    return round(sum(known), 2) if len(known) == len(usd) else None


def _graph_summary(graph: Graph) -> dict[str, Any]:
    return {
        "model": graph.card.name,
        "repository": graph.card.repository,
        "revision": graph.card.revision,
        "layout": graph.layout,
        "gpus": graph.gpus,
        "maxModelLen": graph.max_model_len,
        "roles": {w.role.value: _worker_summary(w) for w in graph.workers},
    }


def _worker_summary(worker: Worker) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "replicas": worker.replicas,
        "mostReplicas": worker.most_replicas,
        "tensorParallel": worker.tensor_parallel,
        "gpus": worker.gpus,
        "pool": worker.pool,
    }
    if worker.memory:
        shape |= {
            "weightsGibPerGpu": round(worker.memory.weights / sizing.GIB, 2),
            "kvTokens": worker.memory.kv_tokens,
            "fullSequences": worker.memory.full_sequences,
        }
    return shape


def plan(settings: Settings) -> Plan:
    """Everything decided. `settings` come from `spec.load`, which has refused what cannot be built."""
    node = machine(GPU_MACHINE)
    graphs = tuple(_graph(name, model, settings, node) for name, model in sorted(settings.models.items()))
    gpu_pools = _gpu_pools(graphs, node)
    system = settings.cluster.system_pool
    system_pool = Pool(
        name=SYSTEM_POOL,
        machine=machine(system.machine),
        nodes=system.nodes,
        most_nodes=2 * system.nodes,
        graphs=tuple(g.name for g in graphs if g.placement is Placement.CPU),
    )
    mode = settings.capacity.mode if settings.capacity and gpu_pools else None
    costs = tuple(_costs(system_pool, gpu_pools, mode))
    return Plan(
        stack=settings.stack,
        project=settings.project,
        platform=settings.versions.platform,
        region=settings.location.region,
        zone=settings.location.zone,
        labels={"managed-by": "pulumi", "stack": settings.stack} | _cloud_labels(settings.labels),
        rdma=settings.network.rdma if gpu_pools else RdmaMode.NONE,
        capacity_mode=mode,
        reservation=settings.capacity.reservation if settings.capacity else None,
        endpoint=settings.endpoint,
        token_secret=_token_secret(settings, graphs),
        binary_authorization=settings.cluster.binary_authorization,
        secrets_key=settings.cluster.secrets_key,
        alert_emails=settings.alerts.emails,
        budget=settings.budget,
        deletion_protection=settings.cluster.deletion_protection,
        release_channel=settings.cluster.release_channel.upper(),
        system_pool=system_pool,
        gpu_pools=gpu_pools,
        graphs=graphs,
        costs=costs,
        warnings=(*_warnings(settings, graphs, gpu_pools, mode), *_budget_warnings(settings.budget, gpu_pools, costs)),
    )


def _token_secret(settings: Settings, graphs: tuple[Graph, ...]) -> TokenSecret | None:
    if settings.secrets.store is not SecretStore.SECRET_MANAGER or not any(graph.card.gated for graph in graphs):
        return None
    theirs = settings.secrets.hf_token
    return TokenSecret(name=theirs or names.token_secret(settings.stack), exists=theirs is not None)


def _cloud_labels(labels: dict[str, str]) -> dict[str, str]:
    """`costCenter` → `cost-center`: label keys of Google Cloud have no capitals."""
    return {"".join(f"-{c.lower()}" if c.isupper() else c for c in key): value for key, value in labels.items()}


def _graph(name: str, model: ModelSettings, settings: Settings, node: Machine) -> Graph:
    chosen = card(model.model)
    layout = chosen.layouts[model.layout]
    gpus = node.gpus if layout.placement is not Placement.CPU else None

    return Graph(
        name=name,
        card=chosen,
        layout=model.layout,
        placement=layout.placement,
        workers=tuple(
            Worker(
                role=role,
                replicas=given.replicas,
                most_replicas=most_replicas(model, role, given),
                autoscaled=role in model.autoscaling.ranges,
                tensor_parallel=given.tensor_parallel,
                pool=_pool_name(layout.placement, role),
                memory=gpus and engine_memory(chosen, model, gpus, given.tensor_parallel),
            )
            for role, given in effective_roles(model, layout).items()
        ),
        runtime=settings.versions.runtime,
        engine="vllm" if gpus else "mocker",
        max_model_len=max_model_len(chosen, model),
        kv_cache_dtype=model.engine.kv_cache_dtype,
        gpu_memory_utilization=model.engine.gpu_memory_utilization,
        extra_args=extra_args.words(model.engine.extra_args),
        frontend_replicas=model.frontend.replicas or (2 if gpus else 1),
        proof_required=model.proof is ProofMode.REQUIRED,
        rdma=bool(gpus and layout.prefill and settings.network.rdma is not RdmaMode.NONE),
    )


def _pool_name(placement: Placement, role: Role) -> str:
    match placement:
        case Placement.CPU:
            return SYSTEM_POOL
        case Placement.SHARED:
            return "shared"
        case Placement.PER_ROLE:
            return role.value


def _gpu_pools(graphs: tuple[Graph, ...], node: Machine) -> tuple[Pool, ...]:
    """The pools that hold every engine of every graph, sized to the sum."""
    assert node.gpus is not None  # GPU_MACHINE has them
    pools = sorted({worker.pool for graph in graphs for worker in graph.workers if worker.memory})
    return tuple(
        Pool(
            name=name,
            machine=node,
            nodes=nodes_for(_parcels(graphs, name, most=False), node.gpus.count),
            most_nodes=nodes_for(_parcels(graphs, name, most=True), node.gpus.count),
            graphs=tuple(graph.name for graph in graphs if any(worker.pool == name for worker in graph.workers)),
        )
        for name in pools
    )


def _parcels(graphs: tuple[Graph, ...], pool: str, *, most: bool) -> list[int]:
    """What must lie on one node of a pool, in GPUs: an engine; in the shared pool all engines of a graph."""
    parcels: list[int] = []
    for graph in graphs:
        engines = [
            worker.tensor_parallel
            for worker in graph.workers
            if worker.pool == pool
            for _ in range(worker.most_replicas if most else worker.replicas)
        ]
        parcels += [sum(engines)] if graph.placement is Placement.SHARED and engines else engines
    return parcels


def nodes_for(parcels: list[int], capacity: int) -> int:
    """Nodes that hold the parcels (GPUs that must lie on one node) when the largest are placed first."""
    free: list[int] = []
    for size in sorted(parcels, reverse=True):
        fitting = next((i for i, room in enumerate(free) if room >= size), None)
        if fitting is None:
            free.append(capacity - size)
        else:
            free[fitting] -= size
    return len(free)


def _costs(system: Pool, gpu_pools: tuple[Pool, ...], mode: CapacityMode | None) -> Iterator[CostItem]:
    fee = CLUSTER_FEE
    yield CostItem(what="GKE cluster", usd_per_hour=fee, usd_at_most=fee, basis="list price, 2026-09-07")
    for pool in (system, *gpu_pools):
        wanted = mode if pool.machine.gpus and mode else CapacityMode.ON_DEMAND
        price = pool.machine.prices.get(wanted)
        count = f"{pool.nodes}" if pool.nodes == pool.most_nodes else f"{pool.nodes} to {pool.most_nodes}"
        yield CostItem(
            what=f"{pool.name}: {count} × {pool.machine.name}",
            usd_per_hour=price and round(pool.nodes * price.usd_per_hour, 4),
            usd_at_most=price and round(pool.most_nodes * price.usd_per_hour, 4),
            basis=f"{wanted}: {price.kind}, {price.region}, {price.date}" if price else f"no fixed price for {wanted}",
        )


_CAPACITY_WARNINGS = {
    CapacityMode.SPOT: "capacity: spot nodes can be taken back at any time, and their price is not fixed",
    CapacityMode.FLEX_START: "capacity: flexStart nodes vanish after 7 days at most, and their price is of one "
    "unverified source",
    CapacityMode.ON_DEMAND: "capacity: H200 nodes are listed on demand but in practice not sold so",
}


def _warnings(
    settings: Settings, graphs: tuple[Graph, ...], gpu_pools: tuple[Pool, ...], mode: CapacityMode | None
) -> Iterator[str]:
    if settings.versions.platform != versions.PLATFORM:
        yield f"versions.platform: only {versions.PLATFORM} is tried here; others may not take the graphs as written"
    if settings.versions.runtime != versions.RUNTIME:
        yield f"versions.runtime: command lines are written for {versions.RUNTIME}; others may not know every flag"
    region = settings.location.region
    for pool in gpu_pools[:1]:
        if region not in pool.machine.regions:
            yield f"location.region: {pool.machine.name} was not listed in {region} when last looked up"
        priced = {price.region for price in pool.machine.prices.values()}
        if region not in priced:
            yield f"cost: prices are those of {', '.join(sorted(priced))}; {region} may differ"
    if warning := _CAPACITY_WARNINGS.get(mode) if mode else None:
        yield warning
    for pool in gpu_pools:
        if mode is CapacityMode.RESERVATION and pool.most_nodes > pool.nodes:
            yield f"pool {pool.name}: may grow to {pool.most_nodes} nodes; the reservation must hold that many"
    if gpu_pools and not settings.cluster.deletion_protection:
        yield "cluster.deletionProtection: off, so one `pulumi destroy` gives the GPU nodes back"
    if settings.cluster.binary_authorization:
        yield (
            "cluster.binaryAuthorization: on, so the project's policy decides which images start; it must admit "
            "nvcr.io, us-docker.pkg.dev/gce-ai-infra and gke.gcr.io, else no pod of Dynamo's or GKE's does"
        )
    if gpu_pools and not settings.alerts.emails:
        yield "alerts.emails: none, so alerts open incidents in the console and nobody is told"
    for pool in gpu_pools:
        sizes = {w.tensor_parallel for g in graphs for w in g.workers if w.pool == pool.name and w.memory}
        if pool.nodes > 1 and len(sizes) > 1:
            yield (
                f"pool {pool.name}: engines of {' and '.join(map(str, sorted(sizes)))} GPUs share {pool.nodes} nodes; "
                "spread badly, a large one may find no whole node free"
            )
    for graph in graphs:
        yield from _graph_warnings(settings, graph)


def _budget_warnings(
    budget: BudgetSettings | None, gpu_pools: tuple[Pool, ...], costs: tuple[CostItem, ...]
) -> Iterator[str]:
    per_hour = _total([item.usd_per_hour for item in costs])
    if not budget and gpu_pools:
        yield "budget: none, so nobody is told what the month costs; set {monthlyUsd, emails}"
    elif budget and per_hour and budget.monthly_usd < per_hour * HOURS_A_MONTH:
        month = per_hour * HOURS_A_MONTH
        yield f"budget.monthlyUsd: {budget.monthly_usd:,} is less than the {month:,.0f} that the plan costs in a month"


def _graph_warnings(settings: Settings, graph: Graph) -> Iterator[str]:
    path = f"models.{graph.name}"
    if graph.card.revision is None:
        yield (
            f"{path}.model: {graph.card.name} has no pinned revision ({graph.card.revision_source}), so every pod "
            f"fetches what the hub has by then; pin it with `python -m ops models pin {graph.card.name}`"
        )
    if graph.placement is Placement.CPU:
        for role, override in settings.models[graph.name].overrides.items():
            if override.tensor_parallel:
                yield f"{path}.{role}.tensorParallel: has no effect on simulated engines"
        return
    if graph.disaggregated and not graph.rdma:
        yield (
            f"network.rdma: none, so {path} depends on NVLink between pods of one node for its KV cache; "
            "whether NIXL gets that is unverified, and the fall-back is TCP"
        )
    if not graph.proof_required:
        yield f"{path}.proof: reported, so the endpoint is handed out even if disaggregation does not happen"
    if any(worker.replicas == 1 for worker in graph.workers):
        yield f"{path}: a role with one engine and no spare node is down while an update of the workers loads the model"
