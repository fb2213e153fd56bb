"""The rule on gateways: which paths the internet can reach, and from which addresses."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
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

from planning.names import PUBLIC_GATEWAY_CLASS
from policies import armor, kinds
from policies.inputs import at, block, is_given, items, name_of, namespace_of, needs, of_type
from policies.judging import reporting_unknowns

# Cloud Armor in any form other than that of policies/armor.py, such as a rule added to a policy from outside.
_OTHER_ARMOR = re.compile(r"gcp:compute/\w*[sS]ecurityPolicy\w*:")
# Types other than Gateway and HTTPRoute that route requests to pods: other kinds and versions of the Gateway API,
# Ingress of any group, custom load balancers.
_OTHER_INGRESS = re.compile(
    r"kubernetes:gateway\.networking\.(x-)?k8s\.io/|kubernetes:.*(Ingress|Route|Gateway|ListenerSet)\w*$"
    r"|gcp:compute/\w*[fF]orwardingRule\w*:"
)
# The frontend paths that the internet may reach: the OpenAI-compatible API. No regular expression, no `..`.
_PUBLIC_PATH = re.compile(r"/v1(/[\w-]+)*/?")
# GKE's gateway classes without an internet address.
_INTERNAL_CLASSES = {"gke-l7-rilb", "gke-l7-rilb-mc"}

_Place = tuple[str | None, str | None]
"""Namespace and name of a gateway."""
_NO_GATEWAY: _Place = (None, None)


def _closed_armor(args: StackValidationArgs, report: ReportViolation) -> None:
    """Checks each Cloud Armor policy, and the ranges that all of them admit together."""
    policies = of_type(args.resources, kinds.SECURITY_POLICY)
    for resource in args.resources:
        if resource.resource_type != kinds.SECURITY_POLICY and _OTHER_ARMOR.match(resource.resource_type):
            report("may let in other clients; write all rules into one RegionSecurityPolicy", resource.urn)
    cidrs: list[str] = []
    for policy in policies:
        with reporting_unknowns(report, policy.urn):
            for violation in armor.violations(policy.props):
                report(violation, policy.urn)
            cidrs += armor.admitted(policy.props)
    for violation in armor.range_violations(cidrs):
        report(violation, policies[0].urn)


def _public_gateway(args: StackValidationArgs, report: ReportViolation) -> None:
    _closed_armor(args, report)
    for resource in args.resources:
        if resource.resource_type not in (kinds.GATEWAY, kinds.HTTP_ROUTE) and _OTHER_INGRESS.match(
            resource.resource_type
        ):
            report(
                f"may open another ingress, which no rule checks; use {kinds.GATEWAY} and {kinds.HTTP_ROUTE}",
                resource.urn,
            )
    internal: set[_Place] = set()
    for gateway in args.resources:
        if gateway.resource_type == kinds.GATEWAY:
            internal |= _judge_gateway(gateway, report)
    for route in args.resources:
        if route.resource_type == kinds.HTTP_ROUTE:
            _judge_route(route, internal, args.resources, report)


def _judge_gateway(gateway: PolicyResource, report: ReportViolation) -> set[_Place]:
    """Checks a gateway as public unless it is known to be internal. Returns the place of an internal one."""
    with reporting_unknowns(report, gateway.urn):
        gateway_class = at(gateway.props, "spec", "gatewayClassName")
        if gateway_class in _INTERNAL_CLASSES:
            return {_place(gateway)}
        if gateway_class != PUBLIC_GATEWAY_CLASS:
            allowed = ", ".join((PUBLIC_GATEWAY_CLASS, *sorted(_INTERNAL_CLASSES)))
            report(
                f"has the gateway class {gateway_class or 'unset'}, which no regional Cloud Armor policy is known to "
                f"protect; use one of {allowed}",
                gateway.urn,
            )
    for key in ("allowedListeners", "defaultScope"):
        with reporting_unknowns(report, gateway.urn):
            if at(gateway.props, "spec", key):
                report(f"sets {key}, which lets others add listeners; remove it", gateway.urn)
    _judge_each(gateway, "listeners", _listener_violations, report)
    return set()


def _judge_route(
    route: PolicyResource, internal: set[_Place], resources: list[PolicyResource], report: ReportViolation
) -> None:
    with reporting_unknowns(report, route.urn):  # a route whose gateways are unknown counts as public
        if _parents(route) <= internal:
            return
    _judge_each(route, "rules", _path_violations, report)
    _judge_each(route, "rules", _filter_violations, report)
    for violations in (_target_violations, _order_violations, _arming_violations):
        _judge_each(route, "rules", partial(violations, route, resources), report)


def _judge_each(
    resource: PolicyResource,
    key: str,
    violations: Callable[[Mapping[str, Any]], Iterator[str]],
    report: ReportViolation,
) -> None:
    """Checks each block of a list of the spec; an unknown value in one block does not stop the others."""
    with reporting_unknowns(report, resource.urn):
        blocks = items(resource.props, "spec", key)
        for index in range(len(blocks)):  # by index: an iterator ends at an unknown element
            with reporting_unknowns(report, resource.urn):
                for violation in violations(blocks[index]):
                    report(violation, resource.urn)


def _place(resource: PolicyResource) -> _Place:
    return namespace_of(resource), name_of(resource)


def _parents(route: PolicyResource) -> set[_Place]:
    """The gateways of a route; the unknown gateway if it names none or something other than a Gateway."""
    found = {
        (at(parent, "namespace") or namespace_of(route), at(parent, "name"))
        if (at(parent, "kind") or "Gateway") == "Gateway"
        else _NO_GATEWAY
        for parent in items(route.props, "spec", "parentRefs")
    }
    return found if found and not at(route.props, "spec", "useDefaultGateways") else {_NO_GATEWAY}


def _listener_violations(listener: Mapping[str, Any]) -> Iterator[str]:
    """Reasons why a public listener serves without TLS or accepts routes of others."""
    if at(listener, "protocol") != "HTTPS" or not is_given(listener, "tls"):
        yield f"listener {at(listener, 'name')} serves without TLS; make it HTTPS"
    elif at(listener, "tls", "mode") not in (None, "Terminate"):
        yield f"listener {at(listener, 'name')} does not terminate TLS, so paths are not checked; set mode to Terminate"
    if at(listener, "allowedRoutes", "namespaces", "from") not in (None, "Same"):
        yield f"listener {at(listener, 'name')} accepts routes of other namespaces, which no rule checks; use Same"


def _path_violations(rule: Mapping[str, Any]) -> Iterator[str]:
    """Paths of a route's rule that expose more of a frontend than the API for clients."""
    # A rule without matches, or a match without a path, matches every path.
    for match in items(rule, "matches") or [{}]:
        kind, path = at(match, "path", "type") or "PathPrefix", at(match, "path", "value") or "/"
        if kind not in ("PathPrefix", "Exact") or not _PUBLIC_PATH.fullmatch(path):
            yield f"routes {kind} {path}; a frontend answers anyone there, so route only the prefix /v1/"


def _filter_violations(rule: Mapping[str, Any]) -> Iterator[str]:
    if any(items(block, "filters") for block in (rule, *items(rule, "backendRefs"))):
        yield "has filters, which may rewrite the path of a request; remove them"


def _target_violations(
    _route: PolicyResource, _resources: list[PolicyResource], rule: Mapping[str, Any]
) -> Iterator[str]:
    """Backends of a rule that no Cloud Armor policy can protect."""
    for backend in items(rule, "backendRefs"):
        if (at(backend, "group") or "", at(backend, "kind") or "Service") != ("", "Service"):
            kind, name = at(backend, "kind"), at(backend, "name")
            yield f"routes to the {kind} {name}, which no Cloud Armor policy protects; use a Service"


def _arming_violations(
    route: PolicyResource, resources: list[PolicyResource], rule: Mapping[str, Any]
) -> Iterator[str]:
    """Backends of a rule without a Cloud Armor policy of this stack in the load balancer's project and region."""
    for name, aimed in _backends(route, resources, rule):
        guards = of_type(aimed, kinds.BACKEND_POLICY)
        if not guards or not all(is_given(r.props, "spec", "default", "securityPolicy") for r in guards):
            yield f"{name} has no GCPBackendPolicy with a securityPolicy"
            continue
        usable = _usable_armor(resources)
        for guard in guards:
            armed_with = at(guard.props, "spec", "default", "securityPolicy")
            if armed_with not in usable:
                yield (
                    f"{name} uses {armed_with}, which is no RegionSecurityPolicy of this stack in the project and the "
                    "region of its load balancer (those of the cluster and the address); create one there"
                )


def _usable_armor(resources: list[PolicyResource]) -> set[str]:
    """Names of the Cloud Armor policies in the one project and region where GKE puts the load balancers."""
    places = _balancer_places(resources)
    return {
        at(r.props, "name")
        for r in resources
        if r.resource_type == kinds.SECURITY_POLICY and {(at(r.props, "project"), at(r.props, "region"))} == places
    }


def _balancer_places(resources: list[PolicyResource]) -> set[tuple[str, str]]:
    """Project and region of the cluster and of its gateways' addresses; an existing cluster is not in the stack."""
    addresses = {
        at(address, "value")
        for r in resources
        if r.resource_type == kinds.GATEWAY
        for address in items(r.props, "spec", "addresses")
    }
    return {
        (at(r.props, "project"), _region(str(at(r.props, "location") or at(r.props, "region"))))
        for r in resources
        if r.resource_type == kinds.CLUSTER or (r.resource_type == kinds.ADDRESS and at(r.props, "name") in addresses)
    }


def _region(location: str) -> str:
    """The region of a location, which is a region or a zone."""
    return "-".join(location.split("-")[:2])


def _order_violations(route: PolicyResource, resources: list[PolicyResource], rule: Mapping[str, Any]) -> Iterator[str]:
    """Policies of a rule's backends that may be created after the route or deleted before it."""
    before = needs(route)
    for name, aimed in _backends(route, resources, rule):
        for resource in aimed:
            if resource.urn not in before:
                kind = resource.resource_type.rpartition(":")[2]
                yield (
                    f"does not depend on the {kind} of {name}, so it may open before that exists, and outlive it on "
                    "destroy"
                )


def _backends(
    route: PolicyResource, resources: list[PolicyResource], rule: Mapping[str, Any]
) -> Iterator[tuple[str, list[PolicyResource]]]:
    """Each backend of a rule by name, with the policies that target it."""
    for backend in items(rule, "backendRefs"):
        name, namespace = at(backend, "name"), at(backend, "namespace") or namespace_of(route)
        yield name, [r for r in resources if _aims_at(r, namespace, name)]


def _aims_at(policy: PolicyResource, namespace: str, service: str) -> bool:
    """Whether a GKE policy targets the Service."""
    target = block(policy.props, "spec", "targetRef")
    return (
        policy.resource_type in (kinds.BACKEND_POLICY, kinds.HEALTH_POLICY)
        and namespace_of(policy) == namespace
        and (at(target, "group") or "", at(target, "kind"), at(target, "name")) == ("", "Service", service)
    )


RULES: list[Policy] = [
    StackValidationPolicy(
        name="public-gateway",
        description="A public gateway uses TLS, routes only /v1/, and admits only known address ranges.",
        validate=_public_gateway,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Set endpoint.allowedCidrs to the ranges of your clients.",
    ),
]
