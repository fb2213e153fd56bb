"""The rule on gateways: what the internet reaches, and which of it."""

import re
from collections.abc import Iterator

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies import armor, kinds
from policies.inputs import at, block, is_given, items, needs

# Cloud Armor in any form but that of policies/armor.py, such as a rule that is added to a policy from outside of it.
_OTHER_ARMOR = re.compile(r"gcp:compute/\w*[sS]ecurityPolicy\w*:")
# Whatever leads requests to pods beside Gateway and HTTPRoute: other kinds and versions of the Gateway API, Ingress of
# any group, load balancers of one's own.
_OTHER_WAY_IN = re.compile(
    r"kubernetes:gateway\.networking\.(x-)?k8s\.io/|kubernetes:.*(Ingress|Route|Gateway|ListenerSet)\w*$"
    r"|gcp:compute/\w*[fF]orwardingRule\w*:"
)
# What the internet may reach of a frontend: the OpenAI-compatible API. No regular expression, no `..`.
_PUBLIC_PATH = re.compile(r"/v1(/[\w-]+)*/?")
# Gateway classes of GKE that take no address of the internet.
_INTERNAL_CLASSES = {"gke-l7-rilb", "gke-l7-rilb-mc", "gke-l7-cross-regional-internal-managed-mc"}

_Place = tuple[str | None, str | None]
"""Namespace and name of a gateway."""
_NO_GATEWAY: _Place = (None, None)


def _closed_armor(args: StackValidationArgs, report: ReportViolation) -> None:
    """Judges each Cloud Armor policy, and the ranges that all of them let in together."""
    policies = [r for r in args.resources if r.resource_type == kinds.SECURITY_POLICY]
    for resource in args.resources:
        if resource.resource_type != kinds.SECURITY_POLICY and _OTHER_ARMOR.match(resource.resource_type):
            report("may let others in; write all rules into one RegionSecurityPolicy", resource.urn)
    for policy in policies:
        for complaint in armor.complaints(policy.props):
            report(complaint, policy.urn)
    cidrs = [cidr for policy in policies for cidr in armor.admitted(policy.props)]
    for complaint in armor.range_complaints(cidrs):
        report(complaint, policies[0].urn)


def _public_gateway(args: StackValidationArgs, report: ReportViolation) -> None:
    _closed_armor(args, report)
    for resource in args.resources:
        if resource.resource_type not in (kinds.GATEWAY, kinds.HTTP_ROUTE) and _OTHER_WAY_IN.match(
            resource.resource_type
        ):
            report(
                f"may open another way in, which nobody judges; use {kinds.GATEWAY} and {kinds.HTTP_ROUTE}",
                resource.urn,
            )
    gateways = [r for r in args.resources if r.resource_type == kinds.GATEWAY]
    internal = {_place(g) for g in gateways if at(g.props, "spec", "gatewayClassName") in _INTERNAL_CLASSES}
    for gateway in gateways:
        if _place(gateway) not in internal:
            for complaint in _listener_complaints(gateway):
                report(complaint, gateway.urn)
    for route in args.resources:
        if route.resource_type == kinds.HTTP_ROUTE and not _parents(route) <= internal:
            for complaint in (*_path_complaints(route), *_guard_complaints(route, args.resources)):
                report(complaint, route.urn)


def _place(resource: PolicyResource) -> _Place:
    return at(resource.props, "metadata", "namespace"), at(resource.props, "metadata", "name")


def _parents(route: PolicyResource) -> set[_Place]:
    """The gateways that a route asks for; one that is not known where it names none, or something else."""
    found = {
        (at(parent, "namespace") or at(route.props, "metadata", "namespace"), at(parent, "name"))
        if (at(parent, "kind") or "Gateway") == "Gateway"
        else _NO_GATEWAY
        for parent in items(route.props, "spec", "parentRefs")
    }
    return found if found and not at(route.props, "spec", "useDefaultGateways") else {_NO_GATEWAY}


def _listener_complaints(gateway: PolicyResource) -> Iterator[str]:
    """How a gateway on the internet listens without TLS, or for routes and listeners of others."""
    for listener in items(gateway.props, "spec", "listeners"):
        if at(listener, "protocol") != "HTTPS" or not is_given(listener, "tls"):
            yield f"listener {at(listener, 'name')} serves without TLS; make it HTTPS"
        elif at(listener, "tls", "mode") not in (None, "Terminate"):
            yield f"listener {at(listener, 'name')} does not end TLS, so nobody sees its paths; set mode to Terminate"
        if at(listener, "allowedRoutes", "namespaces", "from") not in (None, "Same"):
            yield f"listener {at(listener, 'name')} takes routes of other namespaces, which nobody judges; take Same"
    for key in ("allowedListeners", "defaultScope"):
        if at(gateway.props, "spec", key):
            yield f"sets {key}, which lets others add to it; take it out"


def _path_complaints(route: PolicyResource) -> Iterator[str]:
    """How a route leads to more of a frontend than the API of its clients."""
    for rule in items(route.props, "spec", "rules"):
        if any(items(block, "filters") for block in (rule, *items(rule, "backendRefs"))):
            yield "has filters, which may lead a request to another path; route it as it is"
        # A rule without matches, and a match without a path, takes every path.
        for match in items(rule, "matches") or [{}]:
            kind, path = at(match, "path", "type") or "PathPrefix", at(match, "path", "value") or "/"
            if kind not in ("PathPrefix", "Exact") or not _PUBLIC_PATH.fullmatch(path):
                yield f"routes {kind} {path}; a frontend answers anybody there, so route the prefix /v1/ only"


def _guard_complaints(route: PolicyResource, resources: list[PolicyResource]) -> Iterator[str]:
    """How a route may lead to a backend that no Cloud Armor policy of the stack guards yet, or any more."""
    before = needs(route)
    backends = [backend for rule in items(route.props, "spec", "rules") for backend in items(rule, "backendRefs")]
    for backend in backends:
        name = at(backend, "name")
        if (at(backend, "group") or "", at(backend, "kind") or "Service") != ("", "Service"):
            yield f"leads to the {at(backend, 'kind')} {name}, which no Cloud Armor policy guards; use a Service"
        namespace = at(backend, "namespace") or at(route.props, "metadata", "namespace")
        aimed = [r for r in resources if _aims_at(r, namespace, name)]
        guards = [r for r in aimed if r.resource_type == kinds.BACKEND_POLICY]
        if guards and all(is_given(r.props, "spec", "default", "securityPolicy") for r in guards):
            yield from _arming_complaints(name, guards, resources)
            yield from _order_complaints(name, aimed, before)
        else:
            yield f"{name} has no GCPBackendPolicy with a securityPolicy"


def _arming_complaints(name: str, guards: list[PolicyResource], resources: list[PolicyResource]) -> Iterator[str]:
    """Which guards of a Service apply a Cloud Armor policy that the stack does not contain."""
    in_stack = {at(r.props, "name") for r in resources if r.resource_type == kinds.SECURITY_POLICY}
    for guard in guards:
        armed_with = at(guard.props, "spec", "default", "securityPolicy")
        if armed_with not in in_stack:
            yield f"{name} is guarded by {armed_with}, which is no RegionSecurityPolicy of this stack"


def _order_complaints(name: str, aimed: list[PolicyResource], before: set[str]) -> Iterator[str]:
    """Which policies of a Service may be created after the route, or deleted before it."""
    for resource in aimed:
        if resource.urn not in before:
            kind = resource.resource_type.rpartition(":")[2]
            yield (
                f"does not depend on the {kind} of {name}: it may open before that is there, and outlast it on destroy"
            )


def _aims_at(policy: PolicyResource, namespace: str, service: str) -> bool:
    """Whether a policy of GKE's is for the Service."""
    target = block(policy.props, "spec", "targetRef")
    return (
        policy.resource_type in (kinds.BACKEND_POLICY, kinds.HEALTH_POLICY)
        and at(policy.props, "metadata", "namespace") == namespace
        and (at(target, "group") or "", at(target, "kind"), at(target, "name")) == ("", "Service", service)
    )


RULES: list[Policy] = [
    StackValidationPolicy(
        name="public-gateway",
        description="A gateway on the internet speaks TLS, routes /v1/ only, and admits known address ranges only.",
        validate=_public_gateway,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Set endpoint.allowedCidrs to the ranges of your clients.",
    ),
]
