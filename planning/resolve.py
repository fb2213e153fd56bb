"""Turns Settings into the resolved stack: its deployments and the node pools of their engines, computed once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.capacity import CapacitySettings
from catalog.engines import default_engine, engine, engine_names
from catalog.layouts import layout_names, layouts_for, why_not
from catalog.locations import ZONES_OF_A_CLUSTER
from catalog.machines import GpuMachine, cpu_machine, gpu_machine
from catalog.models import Card, Layout, Placement, card, card_name, card_names, file_of
from catalog.purchases import NodePurchase
from catalog.rdma import NO_RDMA, RdmaMode, modes_of, rdma_mode
from planning import names
from planning.deployments import Deployment, deployment, purchase
from planning.pools import GPU_UPGRADE, SYSTEM_POOL, SYSTEM_UPGRADE, Engines, NodeCount, node_counts
from planning.types import CpuPool, WorkerPool
from planning.waits import Wait, gpu_pool_wait
from reading import entries
from reading.errors import ConfigInvalid, Error, Fix, closest, join, one_of, shown
from settings.models import ModelSettings
from settings.schema import Settings


@dataclass(frozen=True, kw_only=True)
class ResolvedStack:
    """A stack as checks and plan see it."""

    settings: Settings
    deployments: tuple[Deployment, ...]
    """Deployments, sorted by name."""
    system_pool: CpuPool | None
    """The pool of CPU nodes; None in an existing cluster, which has its own."""
    machine: GpuMachine
    """Machine type of engines whose role sets none."""
    gpu_pools: tuple[WorkerPool, ...]
    """The GPU pools of the engines, created by the stack or not."""

    @property
    def own_gpu_pools(self) -> tuple[WorkerPool, ...]:
        """The GPU pools that the stack creates."""
        return self.gpu_pools if self.settings.creates_gpu_pools else ()

    @property
    def rdma(self) -> RdmaMode:
        return _rdma(self.settings, self.machine)

    @property
    def capacities(self) -> dict[str, CapacitySettings]:
        """Key path → how GPU nodes are bought: for the stack, and for each role that sets its own."""
        roles = {
            each.at(name, "capacity"): role.capacity
            for each in self.deployments
            for name, role in each.roles.items()
            if each.sets_capacity(name) and role.capacity
        }
        return ({"capacity": self.settings.capacity} if self.settings.capacity else {}) | roles

    def capacity_path(self, pool: WorkerPool) -> str:
        """The key path of the setting how a pool's nodes are bought."""
        for each in self.deployments:
            for name, role in each.roles.items():
                if role.pool == pool.key and each.sets_capacity(name):
                    return each.at(name, "capacity")
        return "capacity"

    @property
    def max_gpu_nodes(self) -> int:
        return sum(pool.max_nodes for pool in self.gpu_pools)

    @property
    def machines(self) -> tuple[GpuMachine, ...]:
        """The machines of the GPU pools, each once; without pools, the stack's default."""
        return machines_of(self.gpu_pools) or (self.machine,)

    @property
    def bought(self) -> dict[tuple[str, str], GpuMachine]:
        """Machine type and capacity mode → machine, for the GPU nodes that the stack buys."""
        return {(pool.machine.name, pool.purchase.mode): pool.machine for pool in self.own_gpu_pools if pool.purchase}


def machines_of(pools: Iterable[WorkerPool]) -> tuple[GpuMachine, ...]:
    """The machines of pools, each once."""
    return tuple({pool.machine.name: pool.machine for pool in pools}.values())


def resolve(settings: Settings) -> tuple[ResolvedStack, list[Error]]:
    """The stack without deployments of unknown model or layout, and an error for each of them."""
    unknown: list[Error] = []
    deployments: list[Deployment] = []
    node = gpu_machine(settings.gpu_machine)
    for name, model in sorted(settings.models.items()):
        try:
            chosen = _card(join("models", name), model)
            layouts = _layouts(join("models", name), model, chosen, node)
        except ConfigInvalid as invalid:
            unknown += invalid.errors
            continue
        deployments.append(deployment(name, model, chosen, layouts, node, settings.capacity))
    stack = ResolvedStack(
        settings=settings,
        deployments=tuple(deployments),
        system_pool=None if settings.cluster.existing else _system_pool(settings, deployments),
        machine=node,
        gpu_pools=_gpu_pools(settings, node, deployments),
    )
    return stack, unknown


def _card(path: str, model: ModelSettings) -> Card:
    """The card of a deployment. Raises ConfigInvalid."""
    where = join(path, "model")
    try:
        name = card_name(model.model)
    except ValueError as why:
        if entries.is_file(model.model):
            raise ConfigInvalid([Error(where, str(why))]) from None
        unknown = [_unknown(where, model.model, card_names())]
        if model.layout not in layout_names():
            unknown.append(_unknown(join(path, "layout"), model.layout, layout_names()))
        raise ConfigInvalid(unknown) from None
    return known_card(name)


def known_card(name: str) -> Card:
    """A card whose layouts name only engines of the catalog. Raises ConfigInvalid with every error in it."""
    found = card(name)
    if errors := [
        Error(join(f"{file_of(name)}: layouts", layout, "engine"), one_of(given.engine, engine_names()))
        for layout, given in found.layouts.items()
        if given.engine and given.engine not in engine_names()
    ]:
        raise ConfigInvalid(errors)
    return found


def _layouts(path: str, model: ModelSettings, chosen: Card, node: GpuMachine) -> Mapping[str, Layout]:
    """Every layout of a deployment's card on a machine. Raises ConfigInvalid if they lack the deployment's layout."""
    runs = engine(model.engine.name) if model.engine.name else default_engine()
    layouts = layouts_for(chosen, node, runs, model.engine.max_model_len)
    if model.layout in layouts:
        return layouts

    def on_gpus(name: str) -> bool:
        return layouts[name].placement is not Placement.CPU

    where = join(path, "layout")
    if reason := why_not(chosen, node, runs, model.layout, model.engine.max_model_len):
        others = [
            *(Fix(f"use layout {name}", {where: name}) for name in layouts if on_gpus(name)),
            *(
                Fix(f"use layout {name}, which has no GPUs", {where: name}, last_resort=True)
                for name in layouts
                if not on_gpus(name)
            ),
        ]
        raise ConfigInvalid([Error(where, f"{model.layout} is not possible: {reason}", tuple(others))])
    raise ConfigInvalid([_unknown(where, model.layout, tuple(layouts))])


def _unknown(path: str, given: str, allowed: Sequence[str]) -> Error:
    like = closest(given, allowed)
    fixes = (Fix(f"did you mean {like}?", {path: like}),) if like else ()
    return Error(path, f"{shown(given)} is not one of {', '.join(allowed)}", fixes)


def _system_pool(settings: Settings, deployments: Sequence[Deployment]) -> CpuPool:
    given = settings.cluster.system_pool
    return CpuPool(
        key=SYSTEM_POOL,
        name=SYSTEM_POOL,
        machine=cpu_machine(given.machine),
        nodes=max(given.nodes, ZONES_OF_A_CLUSTER),
        min_nodes=given.nodes,
        max_nodes=given.max_nodes,
        upgrade=SYSTEM_UPGRADE,
        graphs=tuple(deployment.name for deployment in deployments if not deployment.on_gpus),
    )


def _rdma(settings: Settings, machine: GpuMachine) -> RdmaMode:
    """The RDMA mode of the stack file, else the usual one, or the first that the stack's machine has instead.

    Machines of roles do not count: adding one must not change the mode, which would replace the cluster.
    """
    usual = rdma_mode(settings.network.rdma)
    modes = modes_of([machine.rdma.modes]) if machine.rdma else ()
    given = "rdma" in settings.network.model_fields_set
    return usual if given or usual in modes else next(iter(modes), usual)


def _gpu_pools(settings: Settings, machine: GpuMachine, deployments: Sequence[Deployment]) -> tuple[WorkerPool, ...]:
    """The pools for the engines of all deployments, sized to their sum."""
    roles = [role for deployment in deployments for role in deployment.roles.values()]
    machines = {role.pool: role.machine for role in roles if role.machine}
    capacities = {role.pool: role.capacity for role in roles}
    engines = [found for deployment in deployments for found in engines_of(deployment)]
    counts = node_counts(engines)
    purchases = {
        key: _purchase(capacities[key], machines[key], count) if settings.creates_gpu_pools else None
        for key, count in counts.items()
    }
    return tuple(
        WorkerPool(
            key=key,
            name=pool_in_gke(settings, key),
            machine=machines[key],
            rdma=_rdma(settings, machine) if machines[key].rdma else NO_RDMA,
            nodes=count.nodes,
            max_nodes=count.max_nodes,
            purchase=bought,
            upgrade=GPU_UPGRADE if bought and bought.rolling_upgrades else None,
            wait=gpu_pool_wait(bought) if bought else Wait(),
            graphs=tuple(dict.fromkeys(engine.graph for engine in engines if engine.pool == key)),
        )
        for key, count in counts.items()
        for bought in (purchases[key],)
    )


def _purchase(given: CapacitySettings | None, machine: GpuMachine, count: NodeCount) -> NodePurchase | None:
    if given is None:
        return None
    bought = purchase(given, count.nodes, count.max_nodes)
    return replace(bought, compact=bought.compact and machine.compact_placement)


def engines_of(deployment: Deployment) -> Iterator[Engines]:
    """The engines of a deployment that need GPU nodes; none on CPU nodes."""
    for role in deployment.roles.values():
        if role.gpus is None:
            continue
        yield Engines(
            graph=deployment.name,
            pool=role.pool,
            gpus_per_engine=role.tensor_parallel,
            node_gpus=role.gpus.count,
            replicas=role.replicas,
            max_replicas=role.max_replicas,
            with_their_graph=deployment.layout.placement is Placement.SHARED,
        )


def pool_in_gke(settings: Settings, key: str) -> str:
    """Name of a pool in GKE. In an existing cluster, the name must differ from pools of other stacks."""
    return names.node_pool(settings.namespace, key) if settings.creates_gpu_pools else key
