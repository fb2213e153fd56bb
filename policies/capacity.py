"""Rules on GPU pools: node count, price, capacity mode and upgrades."""

import re
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from catalog import capacity
from catalog.locations import ZONES_OF_A_CLUSTER
from catalog.machines import cpu_machine_names, gpu_machine, gpu_machine_names
from catalog.purchases import CAPACITY_LABEL
from policies import kinds
from policies.inputs import at, items
from policies.judging import reporting_unknowns
from policies.setting import Schema, Setting

MAX_NODES = Setting(
    name="nodes", type="integer", default=2, description="max GPU nodes, including autoscaling", stricter="less", min=0
)
MAX_DOLLARS = Setting(
    name="dollarsPerHour",
    type="number",
    default=200,
    description="max USD per hour for all GPU nodes at the prices of catalog/machines",
    stricter="less",
    min=0,
)
UNPRICED = Setting(
    name="allowUnpriced",
    type="boolean",
    default=False,
    description="whether machines without a price in catalog/machines may be used; dollarsPerHour does not count them",
    stricter="less",
)
MODES = Setting(
    name="allowed",
    type="array",
    default=list(capacity.NAMES),
    description="capacity modes that GPU pools may use",
    stricter="less",
    choices=tuple(capacity.NAMES),
)


_FILE = "policies/config.<stack>.json, in a separate change"

_WHOLE_DOLLARS_FROM = 100


# Families of CPU machines that the catalog need not list; n1 gets GPUs through guestAccelerators.
_WITHOUT_GPUS = re.compile(r"(e2|n1|n2|n2d|n4|n4a|n4d|c2|c2d|c3|c3d|c4|c4a|c4d|t2a|t2d)-[a-z0-9-]+")


def is_gpu_pool(resource_type: str, props: Mapping[str, Any]) -> bool:
    """Whether a pool has GPUs, through guestAccelerators or its machine type. Unknown types have GPUs."""
    if resource_type != kinds.NODE_POOL:
        return False
    machine_type = at(props, "nodeConfig", "machineType") or "e2-medium"  # GKE's default
    of_cpus = machine_type in cpu_machine_names() or _WITHOUT_GPUS.fullmatch(machine_type)
    return bool(items(props, "nodeConfig", "guestAccelerators")) or not of_cpus


def max_nodes(pool: Mapping[str, Any]) -> int:
    """The max nodes of a pool: the autoscaler's limit or the fixed count, whichever is larger."""
    regional = str(at(pool, "location") or "").count("-") == 1
    zones = len(items(pool, "nodeLocations")) or (ZONES_OF_A_CLUSTER if regional else 1)
    total = at(pool, "autoscaling", "totalMaxNodeCount") or 0
    in_zone = max(
        at(pool, "autoscaling", "maxNodeCount") or 0, at(pool, "nodeCount") or 0, at(pool, "initialNodeCount") or 0
    )
    return int(max(total, in_zone * zones))


def _label(pool: Mapping[str, Any]) -> str | None:
    """The capacity mode in the pool's resource label."""
    return at(pool, "nodeConfig", "resourceLabels", CAPACITY_LABEL)


def _contradictions(pool: Mapping[str, Any], mode: capacity.CapacityMode[Any]) -> Iterator[str]:
    """The fields that do not match the mode of the label."""
    reserved = at(pool, "nodeConfig", "reservationAffinity", "consumeReservationType") == "SPECIFIC_RESERVATION"
    fields: list[tuple[str, bool, Callable[[capacity.CapacityMode[Any]], bool]]] = [
        ("spot", bool(at(pool, "nodeConfig", "spot")), lambda mode: mode.spot),
        ("flexStart", bool(at(pool, "nodeConfig", "flexStart")), lambda mode: mode.flex_start),
        ("reservationAffinity", reserved, lambda mode: mode.reserved),
    ]
    for field, bought, buys in fields:
        if bought is not buys(mode):
            others = " or ".join(other.name for other in capacity.MODES if buys(other) is bought)
            yield f"nodeConfig.{field} belongs to mode {others}"


def _usd_per_hour(pool: Mapping[str, Any]) -> float | None:
    """The max price of one node; None if catalog/machines has no price for the machine or the mode.

    A pool without a valid label may use any mode, so the most expensive one counts.
    """
    name = at(pool, "nodeConfig", "machineType")
    if name not in gpu_machine_names():
        return None
    mode = capacity.labeled_mode(_label(pool))
    bounds = [
        gpu_machine(name).upper_bound(each.name, below_on_demand=each.below_on_demand)
        for each in ([mode] if mode else capacity.MODES)
    ]
    return max((bound.usd_per_hour for bound in bounds if bound), default=None)


def _gpu_budget(args: StackValidationArgs, report: ReportViolation) -> None:
    nodes, dollars = 0, 0.0
    unpriced: dict[str, None] = {}
    for resource in args.resources:
        with reporting_unknowns(report, resource.urn):
            pool = resource.props
            if not is_gpu_pool(resource.resource_type, pool):
                continue
            price = _usd_per_hour(pool)
            if price is None:
                unpriced[str(at(pool, "nodeConfig", "machineType"))] = None
            nodes += max_nodes(pool)
            dollars += max_nodes(pool) * (price or 0)
    config = args.get_config()
    nodes_allowed, dollars_allowed = MAX_NODES.read(config), MAX_DOLLARS.read(config)
    for machine_type in () if UNPRICED.read(config) else unpriced:
        report(
            f"{machine_type} has no price in catalog/machines, so no budget can cover it; add its price there, or set "
            f"gpu-budget.{UNPRICED.name} to true in {_FILE}",
            None,
        )
    if nodes > nodes_allowed:
        report(
            f"{nodes} GPU nodes exceed the max of {nodes_allowed:g}; lower replicas or autoscaling in the stack file, "
            f"or set gpu-budget.nodes to {nodes} in {_FILE}",
            None,
        )
    dollars = round(dollars, 6)  # sums of prices have errors of rounding
    if dollars > dollars_allowed:
        report(
            f"{_usd(dollars, dollars_allowed)} USD per hour for GPU nodes exceed the max of {dollars_allowed:g}; lower "
            "replicas or autoscaling in the stack file, or set gpu-budget.dollarsPerHour to "
            f"{_enough(dollars)} in {_FILE}",
            None,
        )


def _usd(dollars: float, allowed: float) -> str:
    """Dollars with as many decimals as show that they exceed the max."""
    return next((text for n in (2, 4) if float(text := f"{dollars:.{n}f}") > allowed), f"{dollars:g}")


def _enough(dollars: float) -> str:
    """A max that allows the dollars: whole dollars for large sums, cents for small ones."""
    return f"{ceil(dollars)}" if dollars >= _WHOLE_DOLLARS_FROM else f"{ceil(round(dollars * 100, 4)) / 100:g}"


def _capacity_mode(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if not is_gpu_pool(args.resource_type, args.props):
        return
    allowed = MODES.read(args.get_config())
    label = _label(args.props)
    mode = capacity.labeled_mode(label)
    if mode is None:
        said = (
            f"has the label {CAPACITY_LABEL}: {label}, which is no capacity mode"
            if label
            else f"lacks {CAPACITY_LABEL}"
        )
        report(
            f"{said}, so the capacity mode of its nodes is unknown; set the resource label to one of "
            f"{', '.join(each.label for each in capacity.MODES)}",
            None,
        )
        return
    if mode.name not in allowed:
        report(
            f"uses capacity mode {mode.name}, allowed: {', '.join(allowed) or 'none'}; set capacity.mode, or "
            f"allow it in {_FILE}",
            None,
        )
    for contradiction in _contradictions(args.props, mode):
        report(f"has the label {CAPACITY_LABEL}: {label}, but {contradiction}; set both to the same mode", None)


def _no_gpu_surge(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if not is_gpu_pool(args.resource_type, args.props):
        return
    surge = at(args.props, "upgradeSettings", "maxSurge")
    mode = capacity.labeled_mode(_label(args.props))
    strategy = at(args.props, "upgradeSettings", "strategy")
    if strategy not in (None, "SURGE") and (mode is None or mode.rolling_upgrades):
        report(
            f"upgradeSettings.strategy is {strategy}: the upgrade would create every node a second time; set it to "
            "SURGE",
            None,
        )
    # Some modes take no upgrade settings: their nodes expire and are replaced.
    if surge != 0 and (mode is None or mode.rolling_upgrades):
        given = "unset, which means 1" if surge is None else f"{surge:g}"
        report(
            f"upgradeSettings.maxSurge is {given}: an upgrade would wait for a spare GPU node that does not exist; "
            "set it to 0 and maxUnavailable to 1",
            None,
        )


RULES: list[Policy] = [
    StackValidationPolicy(
        name="gpu-budget",
        description="The stack's GPU nodes stay within its budget, even fully scaled up.",
        validate=_gpu_budget,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=Schema(MAX_NODES, MAX_DOLLARS, UNPRICED),
        remediation_steps="Lower replicas, or raise the budget in policies/config.<stack>.json in a separate change. "
        f"A machine without a price needs one in catalog/machines, or {UNPRICED.name} in that file.",
    ),
    ResourceValidationPolicy(
        name="capacity-mode",
        description="GPU pools use only capacity modes that this environment allows.",
        validate=_capacity_mode,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=Schema(MODES),
        remediation_steps="Set capacity.mode in the stack file to a mode that the environment allows.",
    ),
    ResourceValidationPolicy(
        name="no-gpu-surge",
        description="Upgrades of GPU pools never need a spare node.",
        validate=_no_gpu_surge,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Set upgradeSettings to {maxSurge: 0, maxUnavailable: 1} on pools with guestAccelerators.",
    ),
]
