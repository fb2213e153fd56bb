"""Rules on GPU pools: how many, at what price, how they are bought, how they are upgraded."""

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
from catalog.contracts import CAPACITY_LABEL
from catalog.machines import gpu_machine, gpu_machine_names
from policies import kinds
from policies.inputs import at, items
from policies.judging import apart
from policies.setting import Schema, Setting

MOST_NODES = Setting(
    name="nodes", type="number", default=2, description="GPU nodes, at most, autoscaling included", stricter="less"
)
MOST_DOLLARS = Setting(
    name="dollarsPerHour",
    type="number",
    default=200,
    description="USD per hour, at most, for all GPU nodes at the prices of catalog/machines",
    stricter="less",
)
MODES = Setting(
    name="allowed",
    type="array",
    default=list(capacity.NAMES),
    description="capacity modes that GPU pools may use",
    stricter="less",
)


_FILE = "policies/config.<stack>.json, in a change of its own"


# Machine families without GPUs of their own; n1 gets its GPUs by guestAccelerators. Others count as GPU machines.
_WITHOUT_GPUS = re.compile(r"(e2|n1|n2|n2d|n4|n4a|n4d|c2|c2d|c3|c3d|c4|c4a|c4d|t2a|t2d)-[a-z0-9-]+")
_ZONES_OF_A_REGION = 3


def is_gpu_pool(resource_type: str, props: Mapping[str, Any]) -> bool:
    """Whether a pool has GPUs, by its accelerators or by its machine type, which some families bring along."""
    if resource_type != kinds.NODE_POOL:
        return False
    machine_type = at(props, "nodeConfig", "machineType") or "e2-medium"  # GKE's default
    return bool(items(props, "nodeConfig", "guestAccelerators")) or not _WITHOUT_GPUS.fullmatch(machine_type)


def max_nodes(pool: Mapping[str, Any]) -> int:
    """Nodes of a pool at most: what its autoscaler may reach, or its fixed count, whichever is larger."""
    regional = str(at(pool, "location") or "").count("-") == 1
    zones = len(items(pool, "nodeLocations")) or (_ZONES_OF_A_REGION if regional else 1)
    total = at(pool, "autoscaling", "totalMaxNodeCount") or 0
    in_zone = max(
        at(pool, "autoscaling", "maxNodeCount") or 0, at(pool, "nodeCount") or 0, at(pool, "initialNodeCount") or 0
    )
    return int(max(total, in_zone * zones))


def _label(pool: Mapping[str, Any]) -> str | None:
    """The capacity mode that the pool's resource label names."""
    return at(pool, "nodeConfig", "resourceLabels", CAPACITY_LABEL)


def _contradictions(pool: Mapping[str, Any], mode: capacity.CapacityMode[Any]) -> Iterator[str]:
    """The fields that buy in another way than the label says."""
    reserved = at(pool, "nodeConfig", "reservationAffinity", "consumeReservationType") == "SPECIFIC_RESERVATION"
    fields: list[tuple[str, bool, Callable[[capacity.CapacityMode[Any]], bool]]] = [
        ("spot", bool(at(pool, "nodeConfig", "spot")), lambda mode: mode.spot),
        ("flexStart", bool(at(pool, "nodeConfig", "flexStart")), lambda mode: mode.flex_start),
        ("reservationAffinity", reserved, lambda mode: mode.reserved),
    ]
    for field, bought, buys in fields:
        if bought is not buys(mode):
            others = " or ".join(other.name for other in capacity.MODES if buys(other) is bought)
            yield f"nodeConfig.{field} is that of mode {others}"


def _usd_per_hour(pool: Mapping[str, Any]) -> float | None:
    """What one node costs at most; None for a machine or a mode whose price catalog/machines does not know.

    A pool whose label names no mode may be bought in any, so there the dearest counts.
    """
    name = at(pool, "nodeConfig", "machineType")
    if name not in gpu_machine_names():
        return None
    mode = capacity.labeled_mode(_label(pool))
    bounds = [gpu_machine(name).upper_bound(each.name) for each in ([mode] if mode else capacity.MODES)]
    return max((bound.usd_per_hour for bound in bounds if bound), default=None)


def _gpu_budget(args: StackValidationArgs, report: ReportViolation) -> None:
    nodes, dollars = 0, 0.0
    for resource in args.resources:
        with apart(report, resource.urn):
            pool = resource.props
            if not is_gpu_pool(resource.resource_type, pool):
                continue
            price = _usd_per_hour(pool)
            if price is None:
                machine_type = at(pool, "nodeConfig", "machineType")
                report(
                    f"{machine_type} has no price in catalog/machines, so it fits no budget; add its price there", None
                )
            nodes += max_nodes(pool)
            dollars += max_nodes(pool) * (price or 0)
    nodes_allowed, dollars_allowed = MOST_NODES.read(args.get_config()), MOST_DOLLARS.read(args.get_config())
    if nodes > nodes_allowed:
        report(
            f"{nodes} GPU nodes, where {nodes_allowed:g} are allowed; lower replicas or autoscaling in the stack file, "
            f"or set gpu-budget.nodes to {nodes} in {_FILE}",
            None,
        )
    if dollars > dollars_allowed:
        report(
            f"{dollars:.2f} USD per hour for GPU nodes, where {dollars_allowed:g} are allowed; lower replicas or "
            f"autoscaling in the stack file, or set gpu-budget.dollarsPerHour to {ceil(dollars)} in {_FILE}",
            None,
        )


def _capacity_mode(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if not is_gpu_pool(args.resource_type, args.props):
        return
    allowed = MODES.read(args.get_config())
    label = _label(args.props)
    mode = capacity.labeled_mode(label)
    if mode is None:
        said = f"bears the label {CAPACITY_LABEL}: {label}, which names no mode" if label else f"lacks {CAPACITY_LABEL}"
        report(
            f"{said}, so nobody knows how its nodes are bought; set the resource label to one of "
            f"{', '.join(each.label for each in capacity.MODES)}",
            None,
        )
        return
    if mode.name not in allowed:
        report(
            f"uses capacity mode {mode.name}, where {', '.join(allowed) or 'none'} is allowed; set capacity.mode, or "
            f"allow it in {_FILE}",
            None,
        )
    for contradiction in _contradictions(args.props, mode):
        report(
            f"bears the label {CAPACITY_LABEL}: {label}, but {contradiction}; set both to the mode that is meant", None
        )


def _no_gpu_surge(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if not is_gpu_pool(args.resource_type, args.props):
        return
    surge = at(args.props, "upgradeSettings", "maxSurge")
    mode = capacity.labeled_mode(_label(args.props))
    strategy = at(args.props, "upgradeSettings", "strategy")
    if strategy not in (None, "SURGE") and (mode is None or mode.rolling_upgrades):
        report(
            f"upgradeSettings.strategy is {strategy}: such an upgrade creates the nodes a second time; set it to SURGE",
            None,
        )
    # Some modes take no upgrade settings: their nodes are replaced by running out.
    if surge != 0 and (mode is None or mode.rolling_upgrades):
        given = "unset, which means 1" if surge is None else f"{surge:g}"
        report(
            f"upgradeSettings.maxSurge is {given}: an upgrade would wait for a spare GPU node that nobody has; set it "
            "to 0 and maxUnavailable to 1",
            None,
        )


RULES: list[Policy] = [
    StackValidationPolicy(
        name="gpu-budget",
        description="The stack's GPU nodes stay within its budget, however far they scale.",
        validate=_gpu_budget,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=Schema(MOST_NODES, MOST_DOLLARS),
        remediation_steps="Lower replicas, or raise the budget in policies/config.<stack>.json in a change of its own.",
    ),
    ResourceValidationPolicy(
        name="capacity-mode",
        description="GPU capacity is bought only in ways that this environment allows.",
        validate=_capacity_mode,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=Schema(MODES),
        remediation_steps="Set capacity.mode in the stack file to a mode that the environment allows.",
    ),
    ResourceValidationPolicy(
        name="no-gpu-surge",
        description="Upgrades of GPU pools never ask for a spare node.",
        validate=_no_gpu_surge,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Set upgradeSettings to {maxSurge: 0, maxUnavailable: 1} on pools with guestAccelerators.",
    ),
]
