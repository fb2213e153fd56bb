"""Settings → Plan: the graphs with every number decided, the node pools that hold them, the cost, the warnings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spec import extra_args, names, sizing, weights
from spec.addresses import AddressPlan
from spec.capacity import CapacityMode
from spec.check import effective_roles, engine_memory, gpu_engines, kv_transfer, max_model_len, most_replicas
from spec.cluster import ClusterRef, cluster_ref
from spec.first_token import FirstToken, estimate
from spec.lifecycle import DRAIN_SECONDS
from spec.machines import GPU_MACHINE, Machine, machine
from spec.models import Card, Placement, Role, card
from spec.pools import SYSTEM_POOL, node_counts, pool_name
from spec.rdma import KvTransfer, RdmaMode
from spec.settings import (
    BudgetSettings,
    Endpoint,
    ExistingNetwork,
    Maintenance,
    ModelSettings,
    SecretStore,
    Settings,
    VerificationMode,
    cloud_label,
)
from spec.warnings import missing_token, warnings

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
    drain_seconds: int
    """How long an engine that is told to stop serves on."""

    @property
    def gpus(self) -> int:
        return self.replicas * self.tensor_parallel if self.memory else 0


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One DynamoGraphDeployment before it is written in the operator's terms."""

    name: str
    namespace: str
    card: Card
    served_name: str
    """What clients send as `model`."""
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
    kv_lease_seconds: int | None
    """How long prefill keeps KV cache that decode does not fetch; None for the engine's own default."""
    frontend_replicas: int
    verification_required: bool
    """Whether an update fails when disaggregation does not happen."""
    hf_token_secret: str
    """The Kubernetes Secret with the token for gated models."""
    kv_transfer: KvTransfer | None
    """What KV cache moves over between prefill and decode pods; None where none moves between GPUs."""
    rdma_mode: RdmaMode
    """How each worker pod comes by one RDMA NIC a GPU; none where KV cache does not move by RDMA."""
    on_system_pool: bool = True
    on_gpu_pools: bool = True
    """Whether pods are bound to the stack's own pools; in a cluster that is there any node that fits will do."""

    @property
    def rdma(self) -> bool:
        return self.rdma_mode is not RdmaMode.NONE

    @property
    def gpus(self) -> int:
        return sum(worker.gpus for worker in self.workers)

    def pool_of(self, worker: Worker) -> str | None:
        """The pool that a worker's pods are bound to; None where any node that fits will do."""
        bound = self.on_gpu_pools if worker.memory else self.on_system_pool
        return worker.pool if bound else None

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


@dataclass(frozen=True, kw_only=True)
class Pool:
    """One GKE node pool. `nodes` counts whole machines."""

    key: str
    """What the stack calls it: `system`, `shared` or a role."""
    name: str
    """In GKE, where all pools of a cluster share one set of names."""
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
    usd_bound: float | None
    """As `usd_per_hour`, or where that is unknown what it never exceeds."""
    usd_at_most: float | None
    """An upper bound with all nodes that an autoscaler may add."""
    basis: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that the components need, decided. Built by `plan`, from settings that passed `spec.load`."""

    stack: str
    project: str
    platform: str
    """The version of the operator and its chart."""
    platform_namespace: str | None
    """Where the stack installs the operator; None where it uses one that the cluster already has."""
    namespace: str
    """Of the graphs, and of all that is made for them."""
    cluster: ClusterRef
    region: str
    zone: str
    labels: dict[str, str]
    rdma: RdmaMode
    """None without GPU nodes."""
    multi_networking: bool
    """Of the cluster, which has it from its creation or never: as the setting wants it, GPU nodes or not."""
    capacity_mode: CapacityMode | None
    reservation: str | None
    """As a node pool takes it: `[projects/OWNER/reservations/]NAME[/reservationBlocks/B[/reservationSubBlocks/S]]`."""
    compact_placement: bool
    """Whether GPU nodes have to lie close together."""
    network: ExistingNetwork | None
    """The VPC to use; None for one of the stack's own."""
    endpoint: Endpoint
    missing_token: str | None
    """What to do about the token that a gated model needs and the stack lacks: a preview warns, `pulumi up` stops."""
    token_secret: TokenSecret | None
    """Where in Secret Manager the token for gated models is; None where none is needed from there."""
    binary_authorization: bool
    secrets_key: str | None
    """The Cloud KMS key by which the cluster encrypts its Secrets; None for Google's own."""
    alert_emails: tuple[str, ...]
    budget: BudgetSettings | None
    preflight: bool
    """Whether Google Cloud is asked about the plan before anything is made."""
    deletion_protection: bool
    keeps_weights: bool
    """Whether the weights bucket stays when the stack is destroyed."""
    release_channel: str
    maintenance: Maintenance
    system_pool: Pool | None
    """None in a cluster that is there: its own CPU nodes do."""
    gpu_pools: tuple[Pool, ...]
    """What the engines need; made by the stack or found in the cluster."""
    makes_gpu_pools: bool
    graphs: tuple[Graph, ...]
    costs: tuple[CostItem, ...]
    first_token: FirstToken | None
    """None where no GPU node is the stack's to pay."""
    warnings: tuple[str, ...]
    addresses: AddressPlan

    @property
    def title(self) -> str:
        """How dashboard and alerts are called in the console, where other stacks of the project have theirs."""
        return f"{self.cluster.name}/{self.namespace}" if self.cluster.existing else str(self.cluster.name)

    @property
    def makes_nic_networks(self) -> bool:
        """Whether the networks of GPU nodes' further NICs are the stack's to make."""
        return self.makes_gpu_pools and self.rdma.own_networks

    @property
    def makes_nodes(self) -> bool:
        return self.system_pool is not None or self.makes_gpu_pools

    @property
    def pools(self) -> tuple[Pool, ...]:
        return (*([self.system_pool] if self.system_pool else []), *self.gpu_pools)

    @property
    def gpus(self) -> int:
        return sum(pool.gpus for pool in self.gpu_pools)

    @property
    def fetched(self) -> tuple[Card, ...]:
        return fetched(self.graphs)

    @property
    def cost_per_hour(self) -> float | None:
        """USD; None when a part has no known price, or all is somebody else's: half a sum is never the whole."""
        return _total([item.usd_per_hour for item in self.costs])

    @property
    def cost_known(self) -> float:
        """USD per hour of the parts whose price is known."""
        return round(sum(item.usd_per_hour or 0 for item in self.costs), 2)

    @property
    def cost_bound(self) -> float | None:
        """USD per hour that the plan does not exceed; as `cost_per_hour` where that is known."""
        return _total([item.usd_bound for item in self.costs])

    @property
    def cost_at_most(self) -> float | None:
        """USD per hour that the plan does not exceed with all nodes that an autoscaler may add."""
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
            "costPerHourKnown": self.cost_known,
            "costPerHourUpperBound": self.cost_bound,
            "costPerHourAtMost": self.cost_at_most,
            "costs": [
                {
                    "what": c.what,
                    "usdPerHour": c.usd_per_hour,
                    "usdPerHourUpperBound": c.usd_bound,
                    "usdPerHourAtMost": c.usd_at_most,
                    "basis": c.basis,
                }
                for c in self.costs
            ],
            "firstToken": self.first_token and _first_token_summary(self.first_token),
            "warnings": list(self.warnings),
        }


def fetched(graphs: tuple[Graph, ...]) -> tuple[Card, ...]:
    """The models that are brought into the bucket, each revision once however many graphs serve it."""
    cards = {(graph.card.repository, graph.card.revision): graph.card for graph in graphs if graph.reads_bucket}
    return tuple(cards.values())


def _total(usd: Iterable[float | None]) -> float | None:
    """The sum; None when a part of it is unknown, or there is nothing to add up."""
    parts = list(usd)
    known = [part for part in parts if part is not None]
    return round(sum(known), 2) if known and len(known) == len(parts) else None


def _first_token_summary(first: FirstToken) -> dict[str, Any]:
    return {
        "minutes": round(first.minutes),
        "paidGpuMinutes": round(first.paid_gpu_minutes),
        "usd": None if first.usd is None else round(first.usd, 2),
        "phases": [
            {"what": p.what, "minutes": round(p.minutes, 1), "gpusPaid": p.gpus_paid, "assumes": p.assumes}
            for p in first.phases
        ],
    }


def _graph_summary(graph: Graph) -> dict[str, Any]:
    return {
        "model": graph.card.name,
        "servedName": graph.served_name,
        "repository": graph.card.repository,
        "revision": graph.card.revision,
        "layout": graph.layout,
        "gpus": graph.gpus,
        "kvTransfer": graph.kv_transfer and graph.kv_transfer.value,
        "maxModelLen": graph.max_model_len,
        "roles": {w.role.value: _worker_summary(graph, w) for w in graph.workers},
    }


def _worker_summary(graph: Graph, worker: Worker) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "replicas": worker.replicas,
        "mostReplicas": worker.most_replicas,
        "tensorParallel": worker.tensor_parallel,
        "gpus": worker.gpus,
        "pool": graph.pool_of(worker),
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
    labels = {cloud_label(key): value for key, value in settings.labels.items()}
    graphs = tuple(_graph(name, model, settings, node) for name, model in sorted(settings.models.items()))
    gpu_pools = _gpu_pools(settings, graphs, node)
    system_pool = None if settings.cluster.existing else _system_pool(settings, graphs)
    made = gpu_pools if settings.makes_gpu_pools else ()
    mode = settings.capacity.mode if settings.capacity and made else None
    costs = tuple(_costs(system_pool, made, mode))
    return Plan(
        stack=settings.stack,
        project=settings.project,
        platform=settings.versions.platform,
        platform_namespace=names.platform_namespace(settings.namespace) if settings.installs_platform else None,
        namespace=settings.namespace,
        cluster=cluster_ref(settings),
        region=settings.location.region,
        zone=settings.location.zone,
        labels={"managed-by": "pulumi", "stack": settings.stack} | labels,
        rdma=settings.network.rdma if gpu_pools else RdmaMode.NONE,
        multi_networking=settings.network.rdma.multi_networking,
        capacity_mode=mode,
        reservation=_pool_reservation(settings) if mode else None,
        compact_placement=bool(made) and _compact_placement(settings),
        network=settings.network.existing,
        endpoint=settings.endpoint,
        missing_token=missing_token(settings, graphs),
        token_secret=_token_secret(settings, graphs),
        binary_authorization=settings.cluster.binary_authorization,
        secrets_key=settings.cluster.secrets_key,
        alert_emails=settings.alerts.emails,
        budget=settings.budget,
        preflight=settings.preflight,
        deletion_protection=settings.cluster.deletion_protection,
        keeps_weights=settings.keeps_weights,
        release_channel=settings.cluster.release_channel.upper(),
        maintenance=settings.cluster.maintenance,
        system_pool=system_pool,
        gpu_pools=gpu_pools,
        makes_gpu_pools=bool(made),
        graphs=graphs,
        costs=costs,
        first_token=_first_token(settings, graphs, made, mode),
        warnings=tuple(warnings(settings, graphs, gpu_pools, _total([item.usd_at_most for item in costs]))),
        addresses=settings.network.ranges,
    )


def _first_token(
    settings: Settings, graphs: tuple[Graph, ...], made: tuple[Pool, ...], mode: CapacityMode | None
) -> FirstToken | None:
    if mode is None:
        return None
    node = made[0].machine
    assert node.gpus is not None  # a GPU pool's machine has them
    price = node.prices.get(mode)
    return estimate(
        mode,
        cluster_is_there=settings.cluster.existing is not None,
        fetched=fetched(graphs),
        served=[graph.card for graph in graphs if graph.gpus],
        gpus=sum(pool.gpus for pool in made),
        usd_per_gpu_hour=price and price.usd_per_hour / node.gpus.count,
    )


def _system_pool(settings: Settings, graphs: tuple[Graph, ...]) -> Pool:
    given = settings.cluster.system_pool
    return Pool(
        key=SYSTEM_POOL,
        name=SYSTEM_POOL,
        machine=machine(given.machine),
        nodes=given.nodes,
        most_nodes=given.most_nodes,
        graphs=tuple(g.name for g in graphs if g.placement is Placement.CPU),
    )


def _compact_placement(settings: Settings) -> bool:
    if settings.capacity is None:
        return False
    given = settings.capacity.compact_placement
    return settings.capacity.mode.compact_placement if given is None else given


def _pool_reservation(settings: Settings) -> str | None:
    """Without the zone, which a pool's own says already."""
    given = settings.capacity.reservation if settings.capacity else None
    return given and given.replace(f"/zones/{settings.location.zone}/", "/")


def _token_secret_name(settings: Settings) -> str:
    synced = settings.secrets.store is SecretStore.SECRET_MANAGER
    return names.SYNCED_HF_TOKEN_SECRET if synced else names.HF_TOKEN_SECRET


def _token_secret(settings: Settings, graphs: tuple[Graph, ...]) -> TokenSecret | None:
    if settings.secrets.store is not SecretStore.SECRET_MANAGER or not any(graph.card.gated for graph in graphs):
        return None
    theirs = settings.secrets.hf_token
    return TokenSecret(name=theirs or names.token_secret(settings.stack), exists=theirs is not None)


def _graph(name: str, model: ModelSettings, settings: Settings, node: Machine) -> Graph:
    chosen = card(model.model)
    layout = chosen.layouts[model.layout]
    gpus = node.gpus if layout.placement is not Placement.CPU else None
    moves_over = kv_transfer(model, layout)
    return Graph(
        name=name,
        namespace=settings.namespace,
        card=chosen,
        served_name=model.served_name or chosen.name,
        layout=model.layout,
        placement=layout.placement,
        workers=tuple(
            Worker(
                role=role,
                replicas=given.replicas,
                most_replicas=most_replicas(model, role, given),
                autoscaled=role in model.autoscaling.ranges,
                drain_seconds=_drain_seconds(model, role),
                tensor_parallel=given.tensor_parallel,
                pool=_pool_in_gke(settings, pool_name(layout.placement, role)),
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
        kv_lease_seconds=model.engine.kv_lease_seconds,
        frontend_replicas=model.frontend.replicas or (2 if gpus else 1),
        verification_required=model.verification is VerificationMode.REQUIRED,
        hf_token_secret=_token_secret_name(settings),
        kv_transfer=moves_over,
        rdma_mode=settings.network.rdma if moves_over is KvTransfer.RDMA else RdmaMode.NONE,
        on_system_pool=settings.cluster.existing is None,
        on_gpu_pools=settings.makes_gpu_pools,
    )


def _drain_seconds(model: ModelSettings, role: Role) -> int:
    given = model.overrides.get(role)
    return DRAIN_SECONDS[role] if given is None or given.drain_seconds is None else given.drain_seconds


def _gpu_pools(settings: Settings, graphs: tuple[Graph, ...], node: Machine) -> tuple[Pool, ...]:
    """The pools that hold every engine of every graph, sized to the sum."""
    assert node.gpus is not None  # GPU_MACHINE has them
    engines = [
        engine
        for graph in graphs
        for engine in gpu_engines(graph.name, settings.models[graph.name], graph.card.layouts[graph.layout])
    ]
    return tuple(
        Pool(
            key=key,
            name=_pool_in_gke(settings, key),
            machine=node,
            nodes=count.nodes,
            most_nodes=count.most_nodes,
            graphs=tuple(dict.fromkeys(engine.graph for engine in engines if engine.pool == key)),
        )
        for key, count in node_counts(engines, node.gpus.count).items()
    )


def _pool_in_gke(settings: Settings, key: str) -> str:
    """Name of a pool in GKE: that of a pool added to an existing cluster must not be another stack's too."""
    return names.cluster_scoped(settings.namespace, key) if settings.makes_gpu_pools else key


def _costs(system: Pool | None, gpu_pools: tuple[Pool, ...], mode: CapacityMode | None) -> Iterator[CostItem]:
    """Of what the stack makes; a cluster that is there is somebody else's bill, and so are its nodes."""
    if system:
        fee = CLUSTER_FEE
        yield CostItem(
            what="GKE cluster", usd_per_hour=fee, usd_bound=fee, usd_at_most=fee, basis="list price, 2026-09-07"
        )
    for pool in (*([system] if system else []), *gpu_pools):
        wanted = mode if pool.machine.gpus and mode else CapacityMode.ON_DEMAND
        price, bound = pool.machine.prices.get(wanted), pool.machine.upper_bound(wanted)
        count = f"{pool.nodes}" if pool.nodes == pool.most_nodes else f"{pool.nodes} to {pool.most_nodes}"
        basis = f"{wanted}: no price known"
        if bound:
            bounded = "" if price else f"no fixed price, at most {CapacityMode.ON_DEMAND}'s: "
            basis = f"{wanted}: {bounded}{bound.kind}, {bound.region}, {bound.date}"
        yield CostItem(
            what=f"{pool.name}: {count} × {pool.machine.name}",
            usd_per_hour=price and round(pool.nodes * price.usd_per_hour, 4),
            usd_bound=bound and round(pool.nodes * bound.usd_per_hour, 4),
            usd_at_most=bound and round(pool.most_nodes * bound.usd_per_hour, 4),
            basis=basis,
        )
