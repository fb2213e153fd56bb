"""Turns the resolved stack into the Plan: graphs, pools, cost and warnings, with every decision."""

from dataclasses import replace

from catalog.contracts import NO_NICS, NicRequest
from catalog.flags.argv import split
from catalog.models import Card
from catalog.purchases import NodePurchase
from catalog.rdma import NO_RDMA, KvTransfer
from planning import checks, names
from planning.autoscaling import autoscaling
from planning.checks.secrets import missing_token
from planning.cluster import cluster_ref
from planning.cost import costs
from planning.deployments import Deployment, DeploymentRole
from planning.endpoint import PRIVATE_RANGES, client_ranges, endpoint
from planning.first_token import FirstToken, Nodes, estimate
from planning.metrics_ports import metrics_ports
from planning.observing import Alerting, Collection
from planning.platform import CHARTS, OperatorInstall, chart
from planning.pod_security import pod_security
from planning.pod_sizes import frontend, worker_size
from planning.resolve import ResolvedStack, pool_in_gke
from planning.surroundings import Budget, DefaultNode, ExistingNetwork, Maintenance, Ranges, TokenSecret, Vpc, total
from planning.types import Graph, Plan, Worker, WorkerPool
from planning.verification import verification
from planning.waits import Waits
from planning.weights import WeightsDelivery
from settings.budget import BudgetSettings
from settings.cluster import OWN_NAMESPACE
from settings.labels import cloud_label
from settings.maintenance import Maintenance as MaintenanceSettings
from settings.models import UpdateStrategy
from settings.schema import Settings
from settings.secrets import SecretStore

# Shares of a budget that trigger an email: of the actual cost, and of the month's forecast.
SPENT_SHARES = (0.5, 0.9, 1.0)
FORECAST_SHARES = (1.0,)


def plan(stack: ResolvedStack) -> Plan:
    """The plan of a stack from `planning.load`, which has rejected stacks that cannot be built."""
    settings, made = stack.settings, stack.own_gpu_pools
    graphs = tuple(_graph(deployment, stack) for deployment in stack.deployments)
    reached = endpoint(settings.endpoint)
    items = tuple(costs(stack.system_pool, made))
    return Plan(
        stack=settings.stack,
        project=settings.project,
        platform=settings.versions.platform,
        platform_chart=chart(settings.versions.platform, settings.versions.charts or CHARTS),
        platform_namespace=names.platform_namespace(settings.namespace) if settings.installs_platform else None,
        operator=OperatorInstall(),
        namespace=settings.namespace,
        cluster=cluster_ref(settings),
        region=settings.location.region,
        zone=settings.location.zone,
        labels={"managed-by": "pulumi", "stack": settings.stack}
        | {cloud_label(key): value for key, value in settings.labels.items()},
        rdma=stack.rdma if any(pool.machine.rdma for pool in stack.gpu_pools) else NO_RDMA,
        multi_networking=stack.rdma.multi_networking,
        network=_existing_network(settings),
        endpoint=reached,
        client_ranges=client_ranges(reached, settings.network.ranges.proxies),
        control_plane_ranges=PRIVATE_RANGES,
        missing_token=missing_token(stack),
        token_secret=_token_secret(settings, graphs),
        binary_authorization=settings.cluster.binary_authorization,
        secrets_key=settings.cluster.secrets_key,
        alert_emails=settings.alerts.emails,
        budget=_budget(settings.budget),
        pod_security=pod_security(graphs),
        preflight=settings.preflight,
        deletion_protection=settings.cluster.deletion_protection,
        keeps_weights=settings.keeps_weights,
        release_channel=settings.cluster.release_channel.upper(),
        maintenance=_maintenance(settings.cluster.maintenance),
        system_pool=stack.system_pool,
        gpu_pools=stack.gpu_pools,
        creates_gpu_pools=bool(made),
        graphs=graphs,
        fetched=_fetched(graphs),
        costs=items,
        first_token=_first_token(settings, graphs, made),
        warnings=tuple(checks.warnings(stack, total([item.usd_max for item in items]))),
        ranges=_ranges(stack),
        delivery=WeightsDelivery(),
        collection=Collection(),
        alerting=Alerting(),
        waits=Waits(),
        vpc=Vpc(),
        default_node=DefaultNode(),
    )


def _existing_network(settings: Settings) -> ExistingNetwork | None:
    given = settings.network.existing
    return given and ExistingNetwork(
        project=given.project or settings.project,
        vpc=given.vpc,
        subnet=given.subnet,
        pods_range=given.pods_range,
        services_range=given.services_range,
    )


def _ranges(stack: ResolvedStack) -> Ranges:
    given = stack.settings.network.ranges
    nics = max((pool.machine.rdma.count for pool in stack.gpu_pools if pool.machine.rdma), default=0)
    return Ranges(
        nodes=given.nodes,
        pods=given.pods,
        services=given.services,
        proxies=given.proxies,
        second_gvnic=given.second_gvnic,
        rdma=given.rdma,
        rdma_subnets=given.rdma_subnets(nics) if nics else (),
    )


def _budget(given: BudgetSettings | None) -> Budget | None:
    return given and Budget(
        amount=given.amount,
        currency=given.currency,
        emails=given.emails,
        spent_shares=SPENT_SHARES,
        forecast_shares=FORECAST_SHARES,
    )


def _maintenance(given: MaintenanceSettings) -> Maintenance:
    start, end = given.first_window
    return Maintenance(recurrence=given.recurrence, start=start, end=end, hold_node_upgrades=given.hold_node_upgrades)


def _first_token(settings: Settings, graphs: tuple[Graph, ...], made: tuple[WorkerPool, ...]) -> FirstToken | None:
    nodes = [_paid_nodes(pool, pool.purchase) for pool in made if pool.purchase]
    if not nodes:
        return None
    return estimate(
        nodes=nodes,
        cluster_exists=settings.cluster.existing is not None,
        fetched=_fetched(graphs),
        served=[graph.card for graph in graphs if graph.gpus],
    )


def _paid_nodes(pool: WorkerPool, purchase: NodePurchase) -> Nodes:
    price = pool.machine.prices.get(purchase.mode)
    return Nodes(
        gpus=pool.gpus,
        usd_per_hour=price and pool.nodes * price.usd_per_hour,
        paid_before_nodes=purchase.paid_before_nodes,
    )


def _token_secret_name(settings: Settings) -> str:
    synced = settings.secrets.store is SecretStore.SECRET_MANAGER
    return names.SYNCED_HF_TOKEN_SECRET if synced else names.HF_TOKEN_SECRET


def _token_secret(settings: Settings, graphs: tuple[Graph, ...]) -> TokenSecret | None:
    """The secret that GKE syncs. A named one stays while models come and go: without any, the cluster is updated."""
    theirs = settings.secrets.hf_token
    wanted = theirs or any(graph.card.gated for graph in graphs)
    if settings.secrets.store is not SecretStore.SECRET_MANAGER or not wanted:
        return None
    return TokenSecret(name=theirs or names.token_secret(settings.stack), exists=theirs is not None)


def _graph(deployment: Deployment, stack: ResolvedStack) -> Graph:
    engine, settings = deployment.settings.engine, stack.settings
    return Graph(
        name=deployment.name,
        namespace=settings.namespace,
        card=deployment.card,
        served_name=deployment.served_name,
        layout=deployment.layout_name,
        layout_why=deployment.layout.why,
        placement=deployment.layout.placement,
        workers=tuple(_worker(deployment, role, stack) for role in deployment.roles.values()),
        runtime=settings.versions.runtime,
        engine=deployment.engine.name,
        max_model_len=deployment.max_model_len,
        kv_cache_dtype=engine.kv_cache_dtype,
        gpu_memory_utilization=deployment.memory_share,
        kv_lease_seconds=engine.kv_lease_seconds,
        reads_bucket=deployment.reads_bucket,
        frontend=frontend(deployment, stack.system_pool.machine if stack.system_pool else None),
        verification=verification(deployment),
        metrics_ports=metrics_ports(deployment.engine),
        hf_token_secret=_token_secret_name(settings),
        kv_transfer=deployment.kv_transfer,
        recreates=deployment.settings.update_strategy is UpdateStrategy.RECREATE,
        on_system_pool=settings.cluster.existing is None,
        on_gpu_pools=settings.creates_gpu_pools,
    )


def _worker(deployment: Deployment, role: DeploymentRole, stack: ResolvedStack) -> Worker:
    return Worker(
        role=role.role,
        replicas=role.replicas,
        max_replicas=role.max_replicas,
        autoscaling=autoscaling(role, deployment.engine),
        size=worker_size(role),
        drain_seconds=role.drain_seconds,
        tensor_parallel=role.tensor_parallel,
        pool=pool_in_gke(stack.settings, role.pool),
        machine=role.machine,
        memory=deployment.memory(role),
        nics=_nics(deployment, role, stack),
        extra_args=split(deployment.arguments(role.role)),
    )


def _nics(deployment: Deployment, role: DeploymentRole, stack: ResolvedStack) -> NicRequest:
    """The RDMA NICs that a worker requests for its GPUs, if it moves KV cache over them."""
    if deployment.kv_transfer is not KvTransfer.RDMA or role.machine is None:
        return NO_NICS
    # On nodes that the stack does not create, the cluster already has the network objects, under their default names.
    of = stack.settings.namespace if stack.settings.creates_gpu_pools else OWN_NAMESPACE
    networks = names.rdma_networks(of, role.machine.rdma_nics)
    # Same numbers as on the node, where a second gVNIC is eth1. Pods do not use it.
    first = 2 if role.machine.rdma and role.machine.rdma.second_gvnic else 1
    interfaces = {f"eth{i}": name for i, name in enumerate(networks, start=first)}
    asked = stack.rdma.worker(role.machine.nics_for(role.tensor_parallel), interfaces)
    if asked.claim and role.machine.whole_node_workers:
        return replace(asked, claim=replace(asked.claim, whole_node=True))
    return asked


def _fetched(graphs: tuple[Graph, ...]) -> tuple[Card, ...]:
    cards = {(graph.card.repository, graph.card.revision): graph.card for graph in graphs if graph.reads_bucket}
    return tuple(cards.values())
