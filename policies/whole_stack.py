"""Rules that need the whole stack, because one resource alone cannot show a violation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from catalog.contracts import Role
from catalog.engines import Engine, engine_that_runs
from catalog.machines import GPU_RESOURCE
from catalog.rdma import KvTransfer
from manifests import labels
from policies import kinds
from policies.inputs import at, items, name_of, namespace_of, needs, of_type
from policies.judging import reporting_unknowns
from policies.nics import Offered
from policies.pods import command_line
from policies.setting import Schema, Setting

BUDGET_REQUIRED = Setting(
    name="required",
    type="boolean",
    default=False,
    description="whether the stack must have a billing budget",
    stricter="more",
)

# How each side of a disaggregated graph takes part in the KV transfer.
_SIDES = {Role.PREFILL.value: "sends", Role.DECODE.value: "receives"}


def workers_of(graph: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The components of a graph that are not frontends."""
    return (component for component in items(graph, "spec", "components") if at(component, "type") != "frontend")


def _containers(component: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return items(component, "podTemplate", "spec", "containers")


def engine_of(component: Mapping[str, Any]) -> tuple[Engine | None, list[str]]:
    """The engine that a component starts (None if the catalog has no such engine), and its command line."""
    for container in _containers(component):
        words = command_line(container)
        if runs := engine_that_runs(words):
            return runs, words
    return None, []


def _kv_transfer(args: StackValidationArgs, report: ReportViolation) -> None:
    for graph in of_type(args.resources, kinds.GRAPH):
        with reporting_unknowns(report, graph.urn):
            for violation in _kv_transfer_violations(graph):
                report(violation, graph.urn)


def _kv_transfer_violations(graph: PolicyResource) -> Iterator[str]:
    components = [c for c in items(graph.props, "spec", "components") if at(c, "type") in _SIDES]
    found = [(str(at(component, "type")), *engine_of(component)) for component in components]
    # A simulated engine has no KV cache to move.
    sides = [(side, runs, words) for side, runs, words in found if not (runs and runs.simulated)]
    if len({side for side, _, _ in sides}) == 1:
        yield f"graph {name_of(graph)} has only one of prefill and decode; a disaggregated graph needs both"
    connectors: set[str] = set()
    for side, runs, words in sides:
        if runs is None:
            yield (
                f"{side} of graph {name_of(graph)} starts no engine of the catalog, so this rule cannot check that KV "
                "cache moves"
            )
        elif connection := runs.connection(words):
            connectors.add(connection.connector or "nothing")
            if not (connection.sends if side == Role.PREFILL else connection.receives):
                yield (
                    f"{side} of graph {name_of(graph)} {_SIDES[side]} no KV cache: the arguments of {runs.title} "
                    "configure none"
                )
    if len(connectors) > 1:
        yield (
            f"graph {name_of(graph)} uses different KV connectors: {' and '.join(sorted(connectors))}; both sides "
            "need the same connector"
        )


def gpus(component: Mapping[str, Any]) -> int:
    """The GPUs of one pod of a component."""
    return sum(int(at(container, "resources", "limits", GPU_RESOURCE) or 0) for container in _containers(component))


def tcp_on_purpose(component: Mapping[str, Any]) -> bool:
    """Whether the component's engine may use only TCP, as the program configures it for kvTransfer: tcp."""
    runs, _ = engine_of(component)
    needed = runs.transport_environment(KvTransfer.TCP) if runs else ()
    given = [
        (at(variable, "name"), at(variable, "value"))
        for container in _containers(component)
        for variable in items(container, "env")
    ]
    return bool(needed) and all((each.name, each.value) in given for each in needed)


def _nic_per_gpu(args: StackValidationArgs, report: ReportViolation) -> None:
    offered = Offered(args.resources)
    for graph in of_type(args.resources, kinds.GRAPH):
        with reporting_unknowns(report, graph.urn):
            engines = [
                component
                for component in items(graph.props, "spec", "components")
                if at(component, "type") in _SIDES and gpus(component)
            ]
            for engine in engines:
                if tcp_on_purpose(engine):
                    continue
                count = gpus(engine)
                found = offered.nics(engine, count)
                if all(nics.gets != nics.needed for nics in found):
                    gets, needed = (" or ".join(map(str, sorted(set(numbers)))) for numbers in zip(*found, strict=True))
                    report(
                        f"{at(engine, 'name')} of graph {name_of(graph)} has {count} GPUs and gets {gets} RDMA NICs: "
                        f"KV cache would move over TCP; it needs {needed}, or kvTransfer: tcp in the stack file",
                        graph.urn,
                    )


def _selected(monitoring: PolicyResource, label: str) -> Sequence[str] | None:
    """The values of a label that a PodMonitoring selects; None if it does not select by that label."""
    for expression in items(monitoring.props, "spec", "selector", "matchExpressions"):
        if at(expression, "key") == label and at(expression, "operator") == "In":
            return list(items(expression, "values"))
    value = at(monitoring.props, "spec", "selector", "matchLabels", label)
    return None if value is None else [value]


def _monitored(args: StackValidationArgs, report: ReportViolation) -> None:
    for graph in of_type(args.resources, kinds.GRAPH):
        with reporting_unknowns(report, graph.urn):
            for component in items(graph.props, "spec", "components"):
                kind = at(component, "type")
                if not any(
                    namespace_of(monitoring) == namespace_of(graph)
                    and kind in (_selected(monitoring, labels.COMPONENT_TYPE) or [kind])
                    and name_of(graph) in (_selected(monitoring, labels.GRAPH) or [name_of(graph)])
                    for monitoring in of_type(args.resources, kinds.POD_MONITORING)
                ):
                    report(f"no PodMonitoring collects the metrics of {kind} of graph {name_of(graph)}", graph.urn)


def _deleted_before_operator(args: StackValidationArgs, report: ReportViolation) -> None:
    for release in of_type(args.resources, kinds.RELEASE):
        for graph in of_type(args.resources, kinds.GRAPH):
            if release.urn not in needs(graph):
                report(
                    f"graph {name_of(graph)} does not depend on {release.name}: a destroy may delete the operator "
                    "first, and the graph's finalizer then blocks the namespace forever",
                    graph.urn,
                )


def _has_budget(args: StackValidationArgs, report: ReportViolation) -> None:
    if BUDGET_REQUIRED.read(args.get_config()) and not of_type(args.resources, kinds.BUDGET):
        report("the stack has no billing budget, so no one is warned of high costs", None)


RULES: list[Policy] = [
    StackValidationPolicy(
        name="kv-transfer",
        description="KV transfer is configured on both sides of a disaggregated graph, in roles that match.",
        validate=_kv_transfer,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Leave the arguments of the KV transfer to the graph builder.",
    ),
    StackValidationPolicy(
        name="nic-per-gpu",
        description="Workers that move KV cache get the RDMA NICs of their GPUs, or the stack says kvTransfer: tcp.",
        validate=_nic_per_gpu,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Set network.rdma to dranet, see docs/rdma.md.",
    ),
    StackValidationPolicy(
        name="monitored",
        description="The metrics of every part of every graph are collected.",
        validate=_monitored,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.MEDIUM,
        remediation_steps="Keep the Monitoring component.",
    ),
    StackValidationPolicy(
        name="graph-before-operator",
        description="Graphs are deleted before the operator that has to clean up after them.",
        validate=_deleted_before_operator,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Pass the platform's release to the graph in depends_on.",
    ),
    StackValidationPolicy(
        name="has-budget",
        description="The environment has a billing budget that sends warnings.",
        validate=_has_budget,
        enforcement_level=EnforcementLevel.ADVISORY,
        severity=Severity.LOW,
        config_schema=Schema(BUDGET_REQUIRED),
        remediation_steps="Set `budget: {monthly, currency, emails}` in the stack file. Without the right to create "
        "one, set `required` of has-budget to false in policies/config.<stack>.json.",
    ),
]
