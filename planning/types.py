"""Types of the plan: everything that the components build, with every number. No logic except sums."""

from dataclasses import dataclass

from catalog import sizing, weights
from catalog.contracts import NO_NICS, NicClaim, NicRequest, Role
from catalog.engines import Engine, engine
from catalog.machines import CpuMachine, GpuMachine
from catalog.models import Card, Placement
from catalog.purchases import NodePurchase
from catalog.rdma import KvTransfer, RdmaMode
from planning.cluster import ClusterRef
from planning.first_token import FirstToken
from planning.graph_parts import Autoscaling, Frontend, PodSize, Verification
from planning.observing import Alerting, Collection
from planning.platform import OperatorInstall
from planning.pools import NodeUpgrade
from planning.surroundings import (
    NOT_KNOWN,
    Budget,
    CostItem,
    DefaultNode,
    Endpoint,
    ExistingNetwork,
    Maintenance,
    PodSecurity,
    Ranges,
    TokenSecret,
    Vpc,
    total,
)
from planning.waits import Wait, Waits
from planning.weights import WeightsDelivery


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One role of a graph: the number of engines, the GPUs of each, and their pool."""

    role: Role
    replicas: int
    max_replicas: int
    """Max number of engines; more than `replicas` where an autoscaler may add engines."""
    tensor_parallel: int
    pool: str
    machine: GpuMachine | None
    """Machine type of the pods; None for a simulated engine, which runs on any CPU node."""
    memory: sizing.EngineMemory | None
    """Memory of one engine; None on CPU nodes."""
    autoscaling: Autoscaling | None
    """Autoscaler of the role, which starts at `replicas`; None for a fixed number of engines."""
    size: PodSize
    """Of one engine's pod."""
    drain_seconds: int
    """Seconds in which a stopping engine finishes running requests."""
    nics: NicRequest = NO_NICS
    """RDMA NICs that a pod requests; none if KV cache does not move by RDMA."""
    extra_args: tuple[str, ...] = ()
    """Arguments from card and stack at the end of the command line, flag and value as separate words."""

    @property
    def autoscaled(self) -> bool:
        return self.autoscaling is not None

    @property
    def gpus(self) -> int:
        return self.replicas * self.tensor_parallel if self.machine else 0


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One DynamoGraphDeployment, in the plan's terms instead of the operator's."""

    name: str
    namespace: str
    card: Card
    served_name: str
    """Model name that clients send as `model`."""
    layout: str
    layout_why: str
    """Reason for the layout, one sentence that a preview shows."""
    placement: Placement
    workers: tuple[Worker, ...]
    runtime: str
    """Version of the images."""
    engine: str
    """Name of the engine in the catalog. `runs` is the engine itself."""
    max_model_len: int
    kv_cache_dtype: sizing.KvCacheDtype
    gpu_memory_utilization: float
    kv_lease_seconds: int | None
    """Seconds that prefill keeps KV cache that decode does not fetch; None for the engine's own default."""
    reads_bucket: bool
    """Whether the pods read the model from the weights bucket.

    Simulated engines have no weights. Without a pinned revision, nothing can be fetched beforehand, and each worker
    loads the hub's current revision.
    """
    frontend: Frontend
    verification: Verification
    metrics_ports: tuple[int, ...]
    """Ports on which engines serve metrics."""
    hf_token_secret: str
    """The Kubernetes Secret with the token for gated models."""
    kv_transfer: KvTransfer | None
    """Transport of KV cache between prefill and decode pods; None where none moves between GPUs."""
    recreates: bool
    """Whether an update stops all engines before new ones start, instead of one by one."""
    on_system_pool: bool = True
    on_gpu_pools: bool = True
    """Whether pods run only on the stack's own pools; in an existing cluster, on any suitable node."""

    @property
    def runs(self) -> Engine:
        """The engine that the workers run."""
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
        """The workers' `--model`, the same for every role: a folder of the bucket, or the hub's repository."""
        return weights.path(self.card) if self.reads_bucket else self.card.repository

    @property
    def disaggregated(self) -> bool:
        return any(worker.role is Role.PREFILL for worker in self.workers)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """One GKE node pool. `nodes` counts whole machines."""

    key: str
    """The stack's name of the pool: `system`, `shared` or a role, with a suffix if the role has several pools."""
    name: str
    """Name in GKE, unique in the cluster."""
    machine: CpuMachine | GpuMachine
    nodes: int
    max_nodes: int
    """Max nodes; more than `nodes` where an autoscaler may add nodes."""
    upgrade: NodeUpgrade | None
    """None where GKE chooses."""
    graphs: tuple[str, ...] = ()

    @property
    def gpus(self) -> int:
        return 0

    @property
    def nics(self) -> int:
        """RDMA NICs."""
        return 0


@dataclass(frozen=True, kw_only=True)
class CpuPool(Pool):
    """The pool of CPU nodes. `nodes` counts those that exist after the pool's creation: at least one per zone."""

    machine: CpuMachine
    min_nodes: int
    """Nodes to which the autoscaler may reduce the pool, if they are not needed."""


@dataclass(frozen=True, kw_only=True)
class WorkerPool(Pool):
    """A node pool with GPUs, for the engines of roles."""

    machine: GpuMachine
    rdma: RdmaMode
    """How pods get RDMA NICs; mode `none` where the nodes have none."""
    purchase: NodePurchase | None = None
    """How the nodes are bought; None for a pool that the stack does not create."""
    wait: Wait
    """How long Pulumi waits for it."""
    driver: str = "LATEST"
    """The GPU driver that GKE installs. CUDA 13 in the runtime image needs R580."""

    @property
    def gpus(self) -> int:
        return self.nodes * self.machine.gpus.count

    @property
    def nics(self) -> int:
        return self.nodes * self.machine.rdma_nics if self.rdma.carries else 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that the components need, with every decision. Built by `planning.plan.plan`."""

    stack: str
    project: str
    platform: str
    """Version of the operator and its chart."""
    platform_chart: str
    """The operator's chart for Helm: a URL, a file or an `oci://` reference."""
    platform_namespace: str | None
    """Namespace in which the stack installs the operator; None if the stack uses the cluster's existing operator."""
    operator: OperatorInstall
    """How it is installed."""
    namespace: str
    """Namespace of the graphs and of all objects created for them."""
    cluster: ClusterRef
    region: str
    zone: str
    labels: dict[str, str]
    rdma: RdmaMode
    """RDMA mode; `none` without GPU nodes."""
    multi_networking: bool
    """Whether the cluster has multi-networking. It is fixed at creation by `network.rdma`, even without GPU nodes."""
    network: ExistingNetwork | None
    """The existing VPC to use; None if the stack creates its own."""
    endpoint: Endpoint
    client_ranges: tuple[str, ...]
    """Source addresses, outside the cluster, of requests to the frontends."""
    control_plane_ranges: tuple[str, ...]
    """Source addresses from which the control plane may call the operator's webhook."""
    missing_token: str | None
    """Advice if a gated model needs a token that the stack lacks: preview warns with it, `pulumi up` fails with it."""
    token_secret: TokenSecret | None
    """The token for gated models in Secret Manager; None if the stack does not need one from there."""
    binary_authorization: bool
    secrets_key: str | None
    """The Cloud KMS key that encrypts the cluster's Secrets; None for Google's own key."""
    alert_emails: tuple[str, ...]
    budget: Budget | None
    pod_security: PodSecurity
    preflight: bool
    """Whether the preflight checks the plan against Google Cloud before anything is created."""
    deletion_protection: bool
    keeps_weights: bool
    """Whether the weights bucket stays when the stack is destroyed."""
    release_channel: str
    maintenance: Maintenance
    system_pool: CpuPool | None
    """The pool of CPU nodes; None in an existing cluster, which has its own."""
    gpu_pools: tuple[WorkerPool, ...]
    """The pools that the engines need, created by the stack or existing in the cluster."""
    creates_gpu_pools: bool
    graphs: tuple[Graph, ...]
    fetched: tuple[Card, ...]
    """The models that Jobs copy to the bucket. A revision that several graphs serve is listed once."""
    costs: tuple[CostItem, ...]
    first_token: FirstToken | None
    """Estimate until the first token; None if the stack creates no GPU nodes."""
    warnings: tuple[str, ...]
    ranges: Ranges
    delivery: WeightsDelivery
    collection: Collection
    alerting: Alerting
    waits: Waits
    vpc: Vpc
    default_node: DefaultNode

    @property
    def title(self) -> str:
        """Prefix of the names of dashboard and alerts. The console shows those of all stacks of the project."""
        return f"{self.cluster.name}/{self.namespace}" if self.cluster.existing else str(self.cluster.name)

    @property
    def network_objects(self) -> bool:
        """Whether pods name the networks of their NICs, which the cluster must then have as Network objects."""
        return self.rdma.network_objects and any(graph.rdma for graph in self.graphs)

    @property
    def creates_nic_networks(self) -> bool:
        """Whether the stack creates the networks of GPU nodes' additional NICs."""
        return self.creates_gpu_pools and self.rdma.own_networks

    @property
    def network_profiles(self) -> tuple[str, ...]:
        """Network profiles of the RDMA networks, in the zone of the nodes."""
        profiles = [pool.machine.rdma.network_profile for pool in self.gpu_pools if pool.machine.rdma]
        return tuple(dict.fromkeys(profile.replace("{zone}", self.zone) for profile in profiles))

    @property
    def second_gvnic(self) -> bool:
        """Whether GPU nodes have a second gVNIC."""
        return any(pool.machine.rdma and pool.machine.rdma.second_gvnic for pool in self.gpu_pools)

    @property
    def nic_claims(self) -> tuple[NicClaim, ...]:
        """The claims for RDMA NICs of the worker pods, each size once."""
        found = [w.nics.claim for graph in self.graphs for w in graph.workers if w.nics.claim]
        return tuple({claim.size: claim for claim in sorted(found, key=lambda claim: claim.count)}.values())

    @property
    def purchases(self) -> tuple[NodePurchase, ...]:
        """How the nodes of each GPU pool are bought; empty if the stack creates none."""
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
    def cost_per_hour(self) -> float | None:
        """USD per hour; None if a part has no known price, or the stack creates no billed resource."""
        return total([item.usd_per_hour for item in self.costs])

    @property
    def cost_known(self) -> float:
        """USD per hour of the parts with a known price."""
        return round(sum(item.usd_per_hour or 0 for item in self.costs), 2)

    @property
    def cost_bound(self) -> float | None:
        """Upper bound, USD per hour; same as `cost_per_hour` if that is known."""
        return total([item.usd_bound for item in self.costs])

    @property
    def cost_outputs(self) -> dict[str, float | str]:
        """The stack outputs for the cost: the sum, and an upper bound if a part is not known or changes. Pulumi drops
        an output without a value, so a text says that a cost is not known."""
        cost, bound = self.cost_per_hour, self.cost_bound
        shown: dict[str, float | str] = {"costPerHour": NOT_KNOWN if cost is None else cost}
        return shown if bound is None or bound == cost else shown | {"costPerHourUpperBound": bound}

    @property
    def cost_max(self) -> float | None:
        """Upper bound, USD per hour, with all nodes that an autoscaler may add."""
        return total([item.usd_max for item in self.costs])
