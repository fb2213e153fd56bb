"""Checks roles on different machines: whether KV cache can move between them, and whether one stack can have both."""

from collections.abc import Iterator

from catalog.contracts import Role
from catalog.machines import RdmaNics
from catalog.models import Placement
from catalog.purchases import NodePurchase, ReservationRef
from catalog.rdma import KvTransfer, modes_of
from planning.deployments import Deployment, purchase
from planning.resolve import ResolvedStack
from planning.types import WorkerPool
from reading.errors import Error, Fix


def errors(stack: ResolvedStack) -> Iterator[Error]:
    yield from _different_files_of_one_machine(stack)
    yield from _one_reservation(stack)
    yield from _one_pool_bought_twice(stack)
    yield from _one_network_profile(stack)


def _different_files_of_one_machine(stack: ResolvedStack) -> Iterator[Error]:
    """The error of two files that describe one machine type differently, because pools are identified by its name."""
    seen = {stack.machine.name: stack.machine}
    for each in stack.deployments:
        for name, role in each.roles.items():
            if role.machine and seen.setdefault(role.machine.name, role.machine) != role.machine:
                yield Error(
                    each.at(name, "machine"),
                    f"describes {role.machine.name} differently from another file of this stack; use one of them",
                )


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    yield from _of_the_stack(deployment)
    yield from _unconnected_nics(deployment)
    yield from _not_on_one_node(deployment)


def _unconnected_nics(deployment: Deployment) -> Iterator[Error]:
    """The error of two roles whose NICs cannot reach each other."""
    prefill, decode = deployment.roles.get(Role.PREFILL), deployment.roles.get(Role.DECODE)
    if deployment.kv_transfer is not KvTransfer.RDMA or not (prefill and decode and prefill.machine and decode.machine):
        return
    one, other = prefill.machine, decode.machine
    if one.rdma and other.rdma and one.rdma.network_profile != other.rdma.network_profile:
        role = Role.DECODE if deployment.sets_machine(Role.DECODE) else Role.PREFILL
        yield Error(
            deployment.at(role, "machine"),
            f"KV cache cannot move from {one.name} ({_shown(one.rdma)}) to {other.name} ({_shown(other.rdma)}), whose "
            f"NICs differ; use one machine for both roles, or set {deployment.at('kvTransfer')} to tcp",
            (
                Fix(f"use {one.name}", {deployment.at(Role.DECODE, "machine"): one.name}),
                Fix(f"use {other.name} for both", {deployment.at(Role.PREFILL, "machine"): other.name}),
            ),
        )


def _shown(rdma: RdmaNics) -> str:
    return f"network profile {rdma.network_profile.replace('{zone}', 'ZONE')}"


def _not_on_one_node(deployment: Deployment) -> Iterator[Error]:
    """The error of roles in different node pools, although the layout keeps them on one node."""
    pools = {role.pool: None for role in deployment.roles.values()}
    if deployment.layout.placement is not Placement.SHARED or len(pools) == 1:
        return
    machines = {role.machine.name: None for role in deployment.roles.values() if role.machine}
    if len(machines) > 1:
        role = next(role for role in deployment.roles if deployment.sets_machine(role))
        yield Error(
            deployment.at(role, "machine"),
            f"layout {deployment.layout_name} keeps its roles on one node, which cannot be both "
            f"{' and '.join(machines)}; set the same machine for each role, or use a layout with nodes for each",
        )
    else:
        role = next(role for role in deployment.roles if deployment.sets_capacity(role))
        where = deployment.at(role, "capacity")
        yield Error(
            where,
            f"layout {deployment.layout_name} keeps its roles on one node, which cannot be bought in two ways "
            f"(pools {' and '.join(pools)}); use one capacity for all roles, or a layout with nodes for each",
            (Fix("remove it", {where: None}),),
        )


def _one_reservation(stack: ResolvedStack) -> Iterator[Error]:
    """The error of different machines from one reservation, which can hold only one type."""
    first: dict[ReservationRef, WorkerPool] = {}
    for pool in sorted(stack.own_gpu_pools, key=lambda pool: pool.machine != stack.machine):
        named = pool.purchase and pool.purchase.reservation
        if named and first.setdefault(named, pool).machine != pool.machine:
            yield Error(
                _machine_path(stack, pool),
                f"{pool.machine.name} cannot come from reservation {named}, which must hold "
                f"{first[named].machine.name}; use that machine, or give the role its own capacity",
            )


def _machine_path(stack: ResolvedStack, pool: WorkerPool) -> str:
    roles = (
        deployment.at(name, "machine")
        for deployment in stack.deployments
        for name, role in deployment.roles.items()
        if role.pool == pool.key
    )
    return next(roles)


def _of_the_stack(deployment: Deployment) -> Iterator[Error]:
    """The error of keys in a role's capacity that only the stack's capacity may have."""
    for role, override in deployment.settings.overrides.items():
        given = override.capacity.model_fields_set if override.capacity else ()
        if "machine" in given:
            where = deployment.at(role, "machine")
            yield Error(deployment.at(role, "capacity.machine"), f"has no effect; set {where} instead")
        if "max_nodes" in given:
            yield Error(
                deployment.at(role, "capacity.maxNodes"), "limits the whole stack; set it in capacity.maxNodes instead"
            )


def _one_pool_bought_twice(stack: ResolvedStack) -> Iterator[Error]:
    """The error of roles that would share a pool but buy its nodes in different ways."""
    first: dict[str, tuple[str, NodePurchase]] = {}
    for deployment in stack.deployments:
        for name, role in deployment.roles.items():
            if role.capacity:
                bought = purchase(role.capacity)
                path, earlier = first.setdefault(role.pool, (deployment.at(name, "capacity"), bought))
                if earlier != bought:
                    yield Error(
                        deployment.at(name, "capacity"),
                        f"buys the nodes of pool {role.pool} differently from {path}; use the same values in both",
                    )


def _one_network_profile(stack: ResolvedStack) -> Iterator[Error]:
    """The error of machines whose NICs need networks of different kinds."""
    profiles = {pool.machine.rdma.network_profile: pool for pool in stack.own_gpu_pools if pool.machine.rdma}
    modes = modes_of(pool.machine.rdma.modes for pool in stack.own_gpu_pools if pool.machine.rdma)
    others = [mode.name for mode in modes if not mode.own_networks]
    if stack.rdma.own_networks and len(profiles) > 1:
        needs = " and ".join(f"{pool.machine.name} {profile}" for profile, pool in profiles.items())
        yield Error(
            "network.rdma",
            f"{stack.rdma} creates networks of one profile, but {needs.replace('{zone}', 'ZONE')} "
            f"are needed; use {''.join(f'{mode}, or ' for mode in others)}a stack for each machine",
            tuple(Fix(f"use {mode}", {"network.rdma": mode}) for mode in others),
        )
