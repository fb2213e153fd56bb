"""The plan as data: what the components build, with every number decided. No logic but sums over itself."""

from dataclasses import dataclass

from catalog import sizing, weights
from catalog.contracts import (
    NO_NICS,
    NicClaim,
    NicRequest,
    NodePurchase,
    Role,
)
from catalog.engines import Engine, engine
from catalog.machines import CpuMachine, GpuMachine
from catalog.models import Card, Placement
from catalog.rdma import KvTransfer, RdmaMode
from planning.cluster import ClusterRef
from planning.first_token import FirstToken
from planning.graph_parts import Autoscaling, Verification
from planning.surroundings import (
    Budget,
    CostItem,
    Endpoint,
    ExistingNetwork,
    Maintenance,
    PodSecurity,
    Ranges,
    TokenSecret,
    total,
)


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One role of a graph: how many engines, each over how many GPUs of which pool."""

    role: Role
    replicas: int
    max_replicas: int
    """More than `replicas` where an autoscaler may add engines."""
    tensor_parallel: int
    pool: str
    machine: GpuMachine | None
    """The machine type of its pods; None for a simulated engine, which runs on any CPU node."""
    memory: sizing.EngineMemory | None
    """None on CPU nodes."""
    autoscaling: Autoscaling | None
    """None where the number of engines is fixed; else `replicas` is only where the autoscaler begins."""
    drain_seconds: int
    """How long a stopping engine continues to serve."""
    nics: NicRequest = NO_NICS
    """The RDMA NICs that its pods request; none if KV cache does not move by RDMA."""
    extra_args: tuple[str, ...] = ()
    """Words of card and stack at the end of its command line, flag and value apart."""

    @property
    def autoscaled(self) -> bool:
        return self.autoscaling is not None

    @property
    def gpus(self) -> int:
        return self.replicas * self.tensor_parallel if self.machine else 0


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One DynamoGraphDeployment before it is written in the operator's terms."""

    name: str
    namespace: str
    card: Card
    served_name: str
    """What clients send as `model`."""
    layout: str
    layout_why: str
    """One sentence for the reader of a preview."""
    placement: Placement
    workers: tuple[Worker, ...]
    runtime: str
    """The version of the images."""
    engine: str
    """Its name in the catalog; `runs` is the engine itself."""
    max_model_len: int
    kv_cache_dtype: sizing.KvCacheDtype
    gpu_memory_utilization: float
    kv_lease_seconds: int | None
    """How long prefill keeps KV cache that decode does not fetch; None for the engine's own default."""
    reads_bucket: bool
    """Whether its pods read the model from the weights bucket.

    Simulated engines have no weights. Without a pinned revision there is nothing that could be fetched beforehand and
    be the same for all workers; each then takes what the hub has.
    """
    frontend_replicas: int
    verification: Verification
    metrics_ports: tuple[int, ...]
    """Ports on which engines serve metrics."""
    hf_token_secret: str
    """The Kubernetes Secret with the token for gated models."""
    kv_transfer: KvTransfer | None
    """What KV cache moves over between prefill and decode pods; None where none moves between GPUs."""
    on_system_pool: bool = True
    on_gpu_pools: bool = True
    """Whether pods run only on the stack's own pools; in an existing cluster, on any suitable node."""

    @property
    def runs(self) -> Engine:
        """The engine that its workers run."""
        return engine(self.engine)

    @property
    def rdma(self) -> bool:
        return self.kv_transfer is KvTransfer.RDMA

    @property
    def gpus(self) -> int:
        return sum(worker.gpus for worker in self.workers)

    def pool_of(self, worker: Worker) -> str | None:
        """The pool that a worker's pods run on; None for any suitable node."""
        bound = self.on_gpu_pools if worker.machine else self.on_system_pool
        return worker.pool if bound else None

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
    """What the stack calls it: `system`, `shared` or a role, with what tells it from the role's other pools."""
    name: str
    """In GKE, where all pools of a cluster share one set of names."""
    machine: CpuMachine | GpuMachine
    nodes: int
    max_nodes: int
    """As `nodes`, or more where an autoscaler may add some."""
    graphs: tuple[str, ...] = ()

    @property
    def gpus(self) -> int:
        return 0

    @property
    def nics(self) -> int:
        """RDMA NICs."""
        return 0


@dataclass(frozen=True, kw_only=True)
class WorkerPool(Pool):
    """A node pool with GPUs, for the engines of roles."""

    machine: GpuMachine
    rdma: RdmaMode
    """How pods get at the RDMA NICs; mode `none` where nodes have none."""
    purchase: NodePurchase | None = None
    """How its nodes are bought; None for a pool that the stack does not make."""

    @property
    def gpus(self) -> int:
        return self.nodes * self.machine.gpus.count

    @property
    def nics(self) -> int:
        return self.nodes * self.machine.rdma_nics if self.rdma.carries else 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that the components need, decided. Built by `planning.plan.plan`."""

    stack: str
    project: str
    platform: str
    """The version of the operator and its chart."""
    platform_chart: str
    """Where Helm finds the operator's chart: an address, a folder or an `oci://` reference."""
    platform_namespace: str | None
    """Where the stack installs the operator; None where it uses one that the cluster already has."""
    namespace: str
    """Namespace of the graphs and of all objects created for them."""
    cluster: ClusterRef
    region: str
    zone: str
    labels: dict[str, str]
    rdma: RdmaMode
    """Mode `none` without GPU nodes."""
    multi_networking: bool
    """Of the cluster, which has it from its creation or never: as the setting wants it, GPU nodes or not."""
    network: ExistingNetwork | None
    """The VPC to use; None for one of the stack's own."""
    endpoint: Endpoint
    client_ranges: tuple[str, ...]
    """Addresses outside the cluster from which requests reach the frontends."""
    control_plane_ranges: tuple[str, ...]
    """Addresses that the control plane may call the operator's webhook from."""
    missing_token: str | None
    """What to do about the token that a gated model needs and the stack lacks: a preview warns, `pulumi up` stops."""
    token_secret: TokenSecret | None
    """Where in Secret Manager the token for gated models is; None where none is needed from there."""
    binary_authorization: bool
    secrets_key: str | None
    """The Cloud KMS key by which the cluster encrypts its Secrets; None for Google's own."""
    alert_emails: tuple[str, ...]
    budget: Budget | None
    pod_security: PodSecurity
    preflight: bool
    """Whether the preflight checks the plan at Google Cloud before anything is created."""
    deletion_protection: bool
    keeps_weights: bool
    """Whether the weights bucket stays when the stack is destroyed."""
    release_channel: str
    maintenance: Maintenance
    system_pool: Pool | None
    """None in an existing cluster, whose own CPU nodes are used."""
    gpu_pools: tuple[WorkerPool, ...]
    """The pools that the engines need, created by the stack or existing in the cluster."""
    creates_gpu_pools: bool
    graphs: tuple[Graph, ...]
    costs: tuple[CostItem, ...]
    first_token: FirstToken | None
    """None if the stack creates no GPU node."""
    warnings: tuple[str, ...]
    ranges: Ranges

    @property
    def title(self) -> str:
        """How dashboard and alerts are called in the console, where other stacks of the project have theirs."""
        return f"{self.cluster.name}/{self.namespace}" if self.cluster.existing else str(self.cluster.name)

    @property
    def network_objects(self) -> bool:
        """Whether pods name the networks of their NICs, which then must be objects of the cluster."""
        return self.rdma.network_objects and any(graph.rdma for graph in self.graphs)

    @property
    def creates_nic_networks(self) -> bool:
        """Whether the stack creates the networks of GPU nodes' additional NICs."""
        return self.creates_gpu_pools and self.rdma.own_networks

    @property
    def network_profiles(self) -> tuple[str, ...]:
        """Of the RDMA NICs' networks, in the zone of the nodes."""
        profiles = [pool.machine.rdma.network_profile for pool in self.gpu_pools if pool.machine.rdma]
        return tuple(dict.fromkeys(profile.replace("{zone}", self.zone) for profile in profiles))

    @property
    def second_gvnic(self) -> bool:
        """Whether nodes have one."""
        return any(pool.machine.rdma and pool.machine.rdma.second_gvnic for pool in self.gpu_pools)

    @property
    def nic_claims(self) -> tuple[NicClaim, ...]:
        """The claims for RDMA NICs that worker pods make, each size once."""
        found = [w.nics.claim for graph in self.graphs for w in graph.workers if w.nics.claim]
        return tuple({claim.size: claim for claim in sorted(found, key=lambda claim: claim.count)}.values())

    @property
    def purchases(self) -> tuple[NodePurchase, ...]:
        """How GPU nodes are bought, pool by pool; empty where none is the stack's."""
        return tuple(pool.purchase for pool in self.gpu_pools if pool.purchase)

    @property
    def creates_nodes(self) -> bool:
        return self.system_pool is not None or self.creates_gpu_pools

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
        return total([item.usd_per_hour for item in self.costs])

    @property
    def cost_known(self) -> float:
        """USD per hour of the parts whose price is known."""
        return round(sum(item.usd_per_hour or 0 for item in self.costs), 2)

    @property
    def cost_bound(self) -> float | None:
        """USD per hour that the plan does not exceed; as `cost_per_hour` where that is known."""
        return total([item.usd_bound for item in self.costs])

    @property
    def cost_outputs(self) -> dict[str, float | None]:
        """The stack outputs that tell the cost: the sum, and where part of it is unknown or changes, its bound."""
        cost, bound = self.cost_per_hour, self.cost_bound
        return {"costPerHour": cost} | ({"costPerHourUpperBound": bound} if bound not in (cost, None) else {})

    @property
    def cost_max(self) -> float | None:
        """USD per hour that the plan does not exceed with all nodes that an autoscaler may add."""
        return total([item.usd_max for item in self.costs])


def fetched(graphs: tuple[Graph, ...]) -> tuple[Card, ...]:
    """The models that are brought into the bucket, each revision once however many graphs serve it."""
    cards = {(graph.card.repository, graph.card.revision): graph.card for graph in graphs if graph.reads_bucket}
    return tuple(cards.values())
