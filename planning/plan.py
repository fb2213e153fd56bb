"""Settings → Plan: the graphs with every number decided, the node pools that hold them, the cost, the warnings."""

from collections.abc import Iterator

from catalog.capacity import CapacityMode
from catalog.contracts import Role
from catalog.lifecycle import DRAIN_SECONDS
from catalog.machines import GPU_MACHINE, Machine, machine
from catalog.models import Placement, card
from catalog.rdma import KvTransfer, RdmaMode
from planning import extra_args, names
from planning.check import effective_roles, engine_memory, gpu_engines, kv_transfer, max_model_len, most_replicas
from planning.cluster import cluster_ref
from planning.first_token import FirstToken, estimate
from planning.pools import SYSTEM_POOL, node_counts, pool_name
from planning.types import CostItem, Graph, Plan, Pool, TokenSecret, Worker, fetched, total
from planning.warnings import missing_token, warnings
from settings.schema import (
    ModelSettings,
    SecretStore,
    Settings,
    VerificationMode,
    cloud_label,
)

# List price of a GKE cluster, USD per hour (Google Cloud price list, 2026-09-07).
CLUSTER_FEE = 0.10


def plan(settings: Settings) -> Plan:
    """Everything decided. `settings` come from `planning.load`, which has refused what cannot be built."""
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
        warnings=tuple(warnings(settings, graphs, gpu_pools, total([item.usd_at_most for item in costs]))),
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
