"""Checks the machine types of GPU pools: capacity mode, zone, RDMA mode, and whether they suit the workers."""

from collections.abc import Iterator

from catalog.capacity import MODES, mode_of
from catalog.machines import GpuMachine, gpu_machines
from catalog.models import Placement
from catalog.rdma import KvTransfer
from planning.deployments import Deployment, DeploymentRole
from planning.resolve import ResolvedStack, machines_of
from planning.tcp_transfer import first_token_by_tcp
from planning.types import WorkerPool
from reading.errors import Error, Fix, join
from settings.capacity import Capacity


def errors(stack: ResolvedStack) -> Iterator[Error]:
    for pool in {(stack.capacity_path(pool), pool.machine.name): pool for pool in stack.own_gpu_pools}.values():
        yield from _not_sold(stack, pool)
    for pool in stack.own_gpu_pools:
        yield from _fixed_size(stack, pool)
    yield from _rdma_mode(stack)


def deployment_errors(stack: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    for role in deployment.roles.values():
        if role.machine:
            yield from _part_of_a_node(deployment, role, role.machine)
            yield from _no_nics(stack, deployment, role, role.machine)


def warnings(stack: ResolvedStack) -> Iterator[str]:
    yield from _rendered_only(stack)
    for (name, mode), machine in stack.bought.items():
        offer = machine.sold.get(mode)
        if offer and offer.note:
            yield f"capacity: {name} {offer.note}"
        elif not offer:
            yield f"capacity: catalog/machines has no price and no quota for {name} in mode {mode}"


def _rendered_only(stack: ResolvedStack) -> Iterator[str]:
    for machine in machines_of(stack.gpu_pools):
        if machine.not_created:
            yield (
                f"capacity.machine: stacks on {machine.name} are rendered only. Its nodes also need what this program "
                f"does not create: {'; '.join(machine.not_created)}"
            )


def _not_sold(stack: ResolvedStack, pool: WorkerPool) -> Iterator[Error]:
    machine, path = pool.machine, stack.capacity_path(pool)
    capacity = stack.capacities.get(path)
    mode = mode_of(capacity).name if capacity else ""
    # Modes that no machine file names are unknown; a warning says so.
    if capacity and mode not in machine.sold and any(mode in each.sold for each in gpu_machines()):
        yield Error(
            join(path, "mode"),
            f"{machine.name} is not sold by {mode}, only by {', '.join(machine.sold)}{_reserve_it(machine, path)}",
            tuple(Fix(f"use {mode}", {join(path, "mode"): mode}) for mode in machine.sold),
        )
    elif capacity and _asks_for_compact_placement(capacity) and not machine.compact_placement:
        yield Error(
            join(path, "compactPlacement"),
            f"{machine.name} does not support compact placement",
            (Fix("remove it", {join(path, "compactPlacement"): None}),),
        )


def _fixed_size(stack: ResolvedStack, pool: WorkerPool) -> Iterator[Error]:
    """The error of a pool that would have to grow, although pools of its machine have a fixed size."""
    if pool.machine.pool_autoscaling or not (pool.purchase and pool.purchase.scaled):
        return
    autoscaled = [
        each.at("autoscaling", role.role)
        for each in stack.deployments
        for role in each.roles.values()
        if role.pool == pool.key and role.autoscaled
    ]
    for where in autoscaled:
        yield Error(
            where,
            f"needs up to {pool.max_nodes} nodes in pool {pool.name}, and pools of {pool.machine.name} have a fixed "
            "size; set replicas of the role instead",
            (Fix("remove it", {where: None}),),
        )
    if not autoscaled and pool.purchase.mode in pool.machine.sold:
        where = join(stack.capacity_path(pool), "mode")
        yield Error(
            where, f"{pool.purchase.mode} adds nodes on demand, and pools of {pool.machine.name} have a fixed size"
        )


def _reserve_it(machine: GpuMachine, path: str) -> str:
    """Advice for a machine that is sold only by reservation. Only the user knows the reservation's name."""
    reserved = tuple(mode.name for mode in MODES if mode.reserved)
    if set(machine.sold) - set(reserved):
        return ""
    return f"; set {join(path, 'mode')} to {next(iter(machine.sold))} and {join(path, 'reservation')} to its name"


def _asks_for_compact_placement(capacity: Capacity) -> bool:
    return "compact_placement" in capacity.model_fields_set and mode_of(capacity).compact(capacity)


def _rdma_mode(stack: ResolvedStack) -> Iterator[Error]:
    mode = stack.rdma
    if not mode.carries:
        return
    for machine in machines_of(stack.gpu_pools):
        known = any(each.rdma and mode.name in each.rdma.modes for each in gpu_machines())
        if known and machine.rdma and mode.name not in machine.rdma.modes:
            yield Error(
                "network.rdma",
                f"{mode} does not hand the NICs of {machine.name} to pods; {' or '.join(machine.rdma.modes)} does",
                tuple(Fix(f"use {other}", {"network.rdma": other}) for other in machine.rdma.modes),
            )
    given = "rdma" in stack.settings.network.model_fields_set
    if given and stack.gpu_pools and not any(pool.machine.rdma for pool in stack.gpu_pools):
        names = " and ".join(machine.name for machine in stack.machines)
        yield Error(
            "network.rdma",
            f"{mode} has no effect: {names} has no RDMA NICs",
            (Fix("remove it", {"network.rdma": None}),),
        )


def _part_of_a_node(deployment: Deployment, role: DeploymentRole, machine: GpuMachine) -> Iterator[Error]:
    count, where = machine.gpus.count, deployment.at(role.role, "tensorParallel")
    if machine.whole_node_workers and role.tensor_parallel != count:
        yield Error(
            where,
            f"{role.tensor_parallel} of the {count} GPUs of {machine.name}, whose nodes take one worker over all of "
            "them",
            (Fix(f"use {count}", {where: count}),),
        )


def _no_nics(
    stack: ResolvedStack, deployment: Deployment, role: DeploymentRole, machine: GpuMachine
) -> Iterator[Error]:
    """The error of an engine that should move KV cache by RDMA but gets no NIC."""
    if deployment.kv_transfer is not KvTransfer.RDMA:
        return
    where, tcp = deployment.at("kvTransfer"), Fix("accept it with tcp", {deployment.at("kvTransfer"): "tcp"})
    if machine.rdma is None:
        given = "rdma" if deployment.settings.kv_transfer else "is rdma unless set"
        yield Error(
            where,
            f"{given}, and {machine.name} has no RDMA NICs. Over TCP {first_token_by_tcp(deployment)}; set {where} to "
            "tcp to accept that, or use a layout whose engines do both phases",
            (tcp, *_layouts_of_both_phases(deployment)),
        )
    elif stack.rdma.carries and not machine.nics_for(role.tensor_parallel):
        size = deployment.at(role.role, "tensorParallel")
        enough = [n for n in deployment.sizes(role) if machine.nics_for(n)]
        yield Error(
            size,
            f"{role.tensor_parallel} of the {machine.gpus.count} GPUs of {machine.name} have no RDMA NIC of their "
            f"own: it has {machine.rdma_nics}",
            (*(Fix(f"use {n}", {size: n}) for n in enough), tcp),
        )


def _layouts_of_both_phases(deployment: Deployment) -> Iterator[Fix]:
    """Fixes with layouts that need no KV transfer."""
    for name, other in deployment.layouts.items():
        if other.placement is Placement.PER_ROLE and not other.prefill:
            yield Fix(f"use layout {name}", {deployment.at("layout"): name})
