"""The rule that NetworkPolicies fence each graph: its namespace is closed, and none of its pods is open to everyone.

The rule matches the selectors of policies against the labels that the operator puts on a graph's pods. A policy that
selects by another label counts as matching. A policy that closes pods must not select by labels at all.
"""

import re
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

from manifests.labels import COMPONENT_TYPE, GRAPH
from planning.metrics_ports import metrics_ports
from policies import kinds
from policies.inputs import at, block, items, name_of, namespace_of, needs, of_type
from policies.judging import reporting_unknowns
from policies.peers import Opening, open_to_all, openings
from policies.whole_stack import engine_of, workers_of
from workloads.network_policies import clients, within_graph

# Other types that let packets in: their Allow overrides a NetworkPolicy, or they modify one.
_OTHER_POLICY = re.compile(r"kubernetes:.*NetworkPolic(y|ies)\w*$")

Labels = Mapping[str, str]


def _selects(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether a selector may match pods that have these labels and possibly others."""
    equal = block(selector, "matchLabels").items()
    return all(labels.get(key, value) == value for key, value in equal) and all(
        _may_hold(expression, labels) for expression in items(selector, "matchExpressions")
    )


def _may_hold(expression: Mapping[str, Any], labels: Labels) -> bool:
    given = labels.get(at(expression, "key"))
    if given is None:
        return True
    values = items(expression, "values")
    answers = {"In": given in values, "NotIn": given not in values, "Exists": True, "DoesNotExist": False}
    return answers.get(at(expression, "operator"), True)


def _denies_all(policy: PolicyResource) -> bool:
    """Whether a NetworkPolicy selects every pod of its namespace and allows no ingress."""
    selector = block(policy.props, "spec", "podSelector")
    return (
        "Ingress" in items(policy.props, "spec", "policyTypes")
        and not any(at(selector, key) for key in ("matchLabels", "matchExpressions"))
        and not items(policy.props, "spec", "ingress")
    )


def _openings(policy: PolicyResource, graph: PolicyResource) -> Iterator[str]:
    """Peers and ports that a NetworkPolicy opens on a graph's pods beyond the program's own policies."""
    picked = list(_picked(policy, graph))
    for rule in items(policy.props, "spec", "ingress") if picked else ():
        if open_to_all(rule):
            yield f"lets everyone reach pods of graph {name_of(graph)}"
            continue
        for opening in openings(rule):
            if unexpected := list(_not_opened(opening, graph, picked)):
                yield (
                    f"lets {opening} reach {', '.join(unexpected)} of graph {name_of(graph)}, which the program opens "
                    "only to its own pods, named clients and metrics collectors, each on its ports"
                )


def _picked(policy: PolicyResource, graph: PolicyResource) -> Iterator[Mapping[str, Any]]:
    """The components of a graph whose pods a NetworkPolicy selects."""
    for component in items(graph.props, "spec", "components"):
        pod = {GRAPH: name_of(graph), COMPONENT_TYPE: at(component, "type")}
        if _selects(block(policy.props, "spec", "podSelector"), pod):
            yield component


def _not_opened(opening: Opening, graph: PolicyResource, picked: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Names of the components on which the program does not open a graph so."""
    allowed = {frontend: list(_own_openings(graph, opening, frontend)) for frontend in (True, False)}
    for component in picked:
        if not opening.is_among(allowed[at(component, "type") == "frontend"]):
            yield str(at(component, "name"))


def _own_openings(graph: PolicyResource, opening: Opening, frontend: bool) -> Iterator[Opening]:
    """Openings that the program makes for a graph's workers or frontends. The rule named-peers checks client ranges."""
    place = (namespace_of(graph), name_of(graph))
    engines = [engine_of(worker)[0] for worker in workers_of(graph.props)]
    policies = [within_graph(*place, [port for engine in engines if engine for port in metrics_ports(engine)], {})]
    if frontend:
        cidr = at(opening.peer, "ipBlock", "cidr")
        policies.append(clients(*place, [] if cidr is None else [cidr], {}))
    for policy in policies:
        for rule in items(policy, "spec", "ingress"):
            yield from openings(rule)


def _fenced(args: StackValidationArgs, report: ReportViolation) -> None:
    graphs = of_type(args.resources, kinds.GRAPH)
    denying: list[PolicyResource] = []
    for resource in args.resources if graphs else ():
        with reporting_unknowns(report, resource.urn):
            for gap in _gaps(resource, graphs):
                report(gap, resource.urn)
            if resource.resource_type == kinds.NETWORK_POLICY and _denies_all(resource):
                denying.append(resource)
    for graph in graphs:
        with reporting_unknowns(report, graph.urn):
            for gap in _unfenced(graph, denying):
                report(gap, graph.urn)


def _gaps(resource: PolicyResource, graphs: Sequence[PolicyResource]) -> Iterator[str]:
    """Ways in which a resource leaves the pods of graphs open."""
    kind = resource.resource_type
    if kind == kinds.CLUSTER and at(resource.props, "datapathProvider") != "ADVANCED_DATAPATH":
        yield "enforces no NetworkPolicy; set datapathProvider to ADVANCED_DATAPATH"
    elif kind == kinds.NETWORK_POLICY:
        for graph in graphs:
            if namespace_of(graph) == namespace_of(resource):
                yield from _openings(resource, graph)
    elif _OTHER_POLICY.match(kind):
        yield f"may open the pods of a graph; use {kinds.NETWORK_POLICY} instead"


def _unfenced(graph: PolicyResource, denying: Sequence[PolicyResource]) -> Iterator[str]:
    """Why no NetworkPolicy that denies all closes the graph's namespace before the graph serves."""
    fences = [policy for policy in denying if namespace_of(policy) == namespace_of(graph)]
    if not fences:
        yield (
            f"namespace {namespace_of(graph)} has no NetworkPolicy that denies all, so every pod in the cluster can "
            f"reach the workers of graph {name_of(graph)}, which require no login"
        )
    elif not needs(graph) & {policy.urn for policy in fences}:
        yield (f"graph {name_of(graph)} does not depend on {name_of(fences[0])}, so it may serve before it is fenced")


RULES: list[Policy] = [
    StackValidationPolicy(
        name="fenced",
        description=(
            "NetworkPolicies close the namespace of every graph before it serves, and open no graph to everyone, no "
            "worker to addresses, and neither to peers or on ports that the program does not open."
        ),
        validate=_fenced,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Keep the NetworkPolicies component, and pass it to each graph in depends_on.",
    ),
]
