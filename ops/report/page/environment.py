"""The environment as a picture shows it: networks, cluster, pools, nodes, and the path of a request. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.contracts import Role
from ops.offline.recorded import Recording
from ops.report.page.placement import Nodes, arranged, mark
from ops.report.page.request import Entrance, Reach, Step, Transfer, entrance, steps, transfers
from planning.types import Plan, WorkerPool
from policies import kinds


@dataclass(frozen=True, kw_only=True)
class Pod:
    """Pods of one kind on the CPU nodes."""

    name: str
    what: str
    count: str = ""
    role: Role | None = None
    """Role of a simulated engine; None for other pods."""
    deployment: str = ""
    step: str = ""
    """The step of a request that happens here; empty for none."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A GPU node pool."""

    name: str
    machine: str
    gpu: str
    nodes: tuple[Nodes, ...]
    count: str
    bought: str
    """How the nodes are bought, or that they exist already."""
    nics: int
    """RDMA NICs of a node."""
    gbps: int
    roles: tuple[Role, ...]


@dataclass(frozen=True, kw_only=True)
class Rdma:
    """The networks of the RDMA NICs."""

    name: str
    about: str
    rails: tuple[str, ...]
    """Range of each rail's subnet; empty where GKE or somebody else owns the networks."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything in the picture, from outside to inside."""

    project: str
    place: str
    vpc: str
    vpc_about: str
    cluster: str
    cluster_about: str
    entrance: Entrance
    cpu: str
    pods: tuple[Pod, ...]
    pools: tuple[Pool, ...]
    rdma: Rdma | None
    transfers: tuple[Transfer, ...]
    reading: tuple[str, ...]
    """Deployments whose engines read the weights bucket."""
    hub: str
    """What comes from the model hub; empty for nothing."""
    bucket: str | None
    services: tuple[Pod, ...]
    """Managed services around the cluster."""
    steps: tuple[Step, ...]
    roles: tuple[Role, ...]
    deployments: tuple[str, ...]

    @property
    def marks(self) -> dict[str, str]:
        """Deployment → letters on its GPUs, as colors repeat and not everybody sees them; empty for a single one."""
        names = self.deployments
        return {name: mark(number) for number, name in enumerate(names, 1)} if len(names) > 1 else {}

    @property
    def at(self) -> dict[str, int]:
        """Place of a step → its number."""
        return {step.where: step.number for step in self.steps}


def environment(plan: Plan, recording: Recording) -> Environment:
    vpc, vpc_about = _vpc(plan)
    cluster = plan.cluster
    return Environment(
        project=plan.project,
        place=f"{plan.region} · GPU zone {plan.zone}" if plan.gpu_pools else plan.region,
        vpc=vpc,
        vpc_about=vpc_about,
        cluster=cluster.name or cluster.context,
        cluster_about="existing" if cluster.existing else f"regional in {cluster.location}, {plan.release_channel}",
        entrance=entrance(plan),
        cpu=_cpu(plan),
        pods=tuple(_pods(plan)),
        pools=tuple(sorted((_pool(pool, plan) for pool in plan.gpu_pools), key=_order)),
        rdma=_rdma(plan, recording),
        transfers=transfers(plan.graphs),
        reading=tuple(graph.name for graph in plan.graphs if graph.reads_bucket),
        hub=_hub(plan),
        bucket=next((_name(r.inputs, r.name) for r in recording.resources if r.type == kinds.BUCKET), None),
        services=tuple(_services(recording)),
        steps=steps(plan),
        roles=tuple(role for role in Role if any(w.role is role for graph in plan.graphs for w in graph.workers)),
        deployments=tuple(graph.name for graph in plan.graphs),
    )


def _name(inputs: dict[str, object], default: str) -> str:
    return str(inputs.get("name") or default)


def _vpc(plan: Plan) -> tuple[str, str]:
    if plan.cluster.existing:
        return "VPC of the cluster", "existing"
    if plan.network:
        return f"VPC {plan.network.vpc}", f"existing, subnet {plan.network.subnet}, project {plan.network.project}"
    ranges = plan.ranges
    about = f"nodes {ranges.nodes}, pods {ranges.pods}, services {ranges.services}, MTU {plan.vpc.mtu}"
    return f"VPC {plan.cluster.name}", about


def _cpu(plan: Plan) -> str:
    pool = plan.system_pool
    if pool is None:
        return "CPU nodes · existing"
    return f"CPU pool {pool.name} · {_range(pool.nodes, pool.max_nodes)} × {pool.machine.name}"


def _pods(plan: Plan) -> Iterator[Pod]:
    for graph in plan.graphs:
        yield Pod(
            name=f"{graph.name} frontend",
            what=f"OpenAI API, {'KV-aware router' if graph.workers else 'router'}",
            count=str(graph.frontend.replicas),
            deployment=graph.name,
            step="Frontend",
        )
        for worker in graph.workers:
            if not worker.machine:
                yield Pod(
                    name=f"{graph.name} {worker.role}",
                    what=f"{graph.engine}, simulated, no GPU",
                    count=_range(worker.replicas, worker.max_replicas),
                    role=worker.role,
                    deployment=graph.name,
                    step=worker.role.title(),
                )
    installed = plan.platform_namespace is not None
    yield Pod(name="Dynamo operator", what=f"{plan.platform}" + ("" if installed else ", existing"))
    if plan.fetched:
        yield Pod(name="Fetch Jobs", what="copy weights into the bucket once", count=str(len(plan.fetched)))
    yield Pod(name="Verification Jobs", what=_verification(plan), count=str(len(plan.graphs)))


def _verification(plan: Plan) -> str:
    required = [graph.name for graph in plan.graphs if graph.verification.required]
    if not required:
        return "report whether serving works"
    reported = ", ".join(graph.name for graph in plan.graphs if graph.name not in required)
    published = entrance(plan).reach is not Reach.CLUSTER
    what = (
        "publish an endpoint only if serving is verified" if published else "fail the update unless serving is verified"
    )
    return what + (f"; of {reported}, only report" if reported else "")


def _range(count: int, max_count: int) -> str:
    return str(count) if max_count == count else f"{count} to {max_count}"


def _pool(pool: WorkerPool, plan: Plan) -> Pool:
    machine, purchase = pool.machine, pool.purchase
    reserved = f" {purchase.reservation}" if purchase and purchase.reservation else ""
    roles = {w.role for graph in plan.graphs for w in graph.workers if w.machine and w.pool == pool.key}
    return Pool(
        name=pool.name,
        machine=machine.name,
        gpu=f"{machine.gpus.count} × {machine.gpus.product}",
        nodes=arranged(pool, plan.graphs),
        count=_range(pool.nodes, pool.max_nodes),
        bought=f"{purchase.mode}{reserved}" if purchase else "existing",
        nics=machine.rdma_nics if pool.rdma.carries else 0,
        gbps=machine.rdma.gbps if machine.rdma and pool.rdma.carries else 0,
        roles=tuple(role for role in Role if role in roles),
    )


def _order(pool: Pool) -> tuple[int, list[int], str]:
    """Pools in the order of a request, prefill before decode, and pools of several roles last."""
    return (len(pool.roles), [list(Role).index(role) for role in pool.roles], pool.name)


def _rdma(plan: Plan, recording: Recording) -> Rdma | None:
    if not plan.rdma.carries or not any(pool.nics for pool in plan.gpu_pools):
        return None
    idle = "" if any(graph.rdma for graph in plan.graphs) else "; idle: no KV cache moves over it"
    if not plan.creates_nic_networks:
        owner = "created by GKE" if plan.creates_gpu_pools else "existing"
        return Rdma(name="RoCE network", about=f"{owner}, mode {plan.rdma}{idle}", rails=())
    networks = (r for r in recording.resources if r.type == kinds.NETWORK and r.inputs.get("networkProfile"))
    name = ", ".join(_name(network.inputs, network.name) for network in networks)
    about = f"VPC with profile {', '.join(plan.network_profiles)}, mode {plan.rdma}, one subnet per rail{idle}"
    return Rdma(name=f"RoCE network {name}", about=about, rails=plan.ranges.rdma_subnets)


def _hub(plan: Plan) -> str:
    if plan.fetched:
        return "weights, copied into the bucket once, at a pinned revision"
    loading = any(not graph.reads_bucket and not graph.runs.simulated for graph in plan.graphs)
    return "weights, loaded by each worker at its start" if loading else ""


def _services(recording: Recording) -> Iterator[Pod]:
    def number(*types: str) -> int:
        return sum(resource.type in types for resource in recording.resources)

    if alerts := number(kinds.ALERT_POLICY):
        yield Pod(name="Cloud Monitoring", what=f"dashboard, {alerts} alerts")
    if number(kinds.GOOGLE_SECRET):
        yield Pod(name="Secret Manager", what="token for gated models")
    if number(kinds.BUDGET):
        yield Pod(name="Budget", what="emails when a share of it is spent")
    if number(kinds.ROUTER_NAT):
        yield Pod(name="Cloud NAT", what="egress; nodes have no public address")
    if number(kinds.SECURITY_POLICY):
        yield Pod(name="Cloud Armor", what="admits the allowed ranges only")
