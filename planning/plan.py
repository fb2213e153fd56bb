"""The resolved stack → Plan: graphs, pools, cost and warnings, every decision made."""

from catalog.capacity import CapacityMode
from catalog.flags.argv import split
from catalog.rdma import KvTransfer, RdmaMode
from planning import checks, names
from planning.checks.secrets import missing_token
from planning.cluster import cluster_ref
from planning.cost import costs
from planning.deployments import Deployment, DeploymentRole
from planning.first_token import FirstToken, estimate
from planning.resolve import ResolvedStack, pool_in_gke
from planning.types import Graph, Plan, TokenSecret, Worker, WorkerPool, fetched, total
from settings.labels import cloud_label
from settings.models import VerificationMode
from settings.schema import Settings
from settings.secrets import SecretStore


def plan(stack: ResolvedStack) -> Plan:
    """Everything decided. `stack` comes from `planning.load`, which has refused what cannot be built."""
    settings, made = stack.settings, stack.own_gpu_pools
    graphs = tuple(_graph(deployment, settings) for deployment in stack.deployments)
    mode = settings.capacity.mode if settings.capacity and made else None
    items = tuple(costs(stack.system_pool, made, mode))
    return Plan(
        stack=settings.stack,
        project=settings.project,
        platform=settings.versions.platform,
        platform_namespace=names.platform_namespace(settings.namespace) if settings.installs_platform else None,
        namespace=settings.namespace,
        cluster=cluster_ref(settings),
        region=settings.location.region,
        zone=settings.location.zone,
        labels={"managed-by": "pulumi", "stack": settings.stack}
        | {cloud_label(key): value for key, value in settings.labels.items()},
        rdma=settings.network.rdma if any(pool.machine.rdma for pool in stack.gpu_pools) else RdmaMode.NONE,
        multi_networking=settings.network.rdma.multi_networking,
        capacity_mode=mode,
        reservation=_pool_reservation(settings) if mode else None,
        compact_placement=bool(made) and _compact_placement(settings),
        network=settings.network.existing,
        endpoint=settings.endpoint,
        missing_token=missing_token(stack),
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
        system_pool=stack.system_pool,
        gpu_pools=stack.gpu_pools,
        makes_gpu_pools=bool(made),
        graphs=graphs,
        costs=items,
        first_token=_first_token(settings, graphs, made, mode),
        warnings=tuple(checks.warnings(stack, total([item.usd_at_most for item in items]))),
        addresses=settings.network.ranges,
    )


def _first_token(
    settings: Settings, graphs: tuple[Graph, ...], made: tuple[WorkerPool, ...], mode: CapacityMode | None
) -> FirstToken | None:
    if mode is None:
        return None
    prices = [pool.machine.prices.get(mode) for pool in made]
    return estimate(
        mode,
        cluster_is_there=settings.cluster.existing is not None,
        fetched=fetched(graphs),
        served=[graph.card for graph in graphs if graph.gpus],
        gpus=sum(pool.gpus for pool in made),
        usd_per_hour=total(price and pool.nodes * price.usd_per_hour for pool, price in zip(made, prices, strict=True)),
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


def _graph(deployment: Deployment, settings: Settings) -> Graph:
    engine = deployment.settings.engine
    return Graph(
        name=deployment.name,
        namespace=settings.namespace,
        card=deployment.card,
        served_name=deployment.served_name,
        layout=deployment.layout_name,
        layout_why=deployment.layout.why,
        placement=deployment.layout.placement,
        workers=tuple(_worker(deployment, role, settings) for role in deployment.roles.values()),
        runtime=settings.versions.runtime,
        engine=deployment.engine.name,
        max_model_len=deployment.max_model_len,
        kv_cache_dtype=engine.kv_cache_dtype,
        gpu_memory_utilization=deployment.memory_share,
        extra_args=split(engine.extra_args),
        kv_lease_seconds=engine.kv_lease_seconds,
        reads_bucket=deployment.reads_bucket,
        frontend_replicas=deployment.settings.frontend.replicas or (1 if deployment.simulated else 2),
        verification_required=deployment.settings.verification is VerificationMode.REQUIRED,
        hf_token_secret=_token_secret_name(settings),
        kv_transfer=deployment.kv_transfer,
        rdma_mode=settings.network.rdma if deployment.kv_transfer is KvTransfer.RDMA else RdmaMode.NONE,
        on_system_pool=settings.cluster.existing is None,
        on_gpu_pools=settings.makes_gpu_pools,
    )


def _worker(deployment: Deployment, role: DeploymentRole, settings: Settings) -> Worker:
    by_rdma = deployment.kv_transfer is KvTransfer.RDMA and settings.network.rdma is not RdmaMode.NONE
    return Worker(
        role=role.role,
        replicas=role.replicas,
        most_replicas=role.max_replicas,
        autoscaled=role.autoscaled,
        drain_seconds=role.drain_seconds,
        tensor_parallel=role.tensor_parallel,
        pool=pool_in_gke(settings, role.pool),
        machine=role.machine,
        rdma_nics=role.machine.nics_for(role.tensor_parallel) if role.machine and by_rdma else 0,
        memory=deployment.memory(role),
    )
