"""Rules on what the internet can reach."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies import armor, kinds
from policies.inputs import at, is_given, items, known_texts, needs
from policies.pods import containers, pod_specs

# Cloud Armor in any form but that of policies/armor.py, such as a rule that is added to a policy from outside of it.
_OTHER_ARMOR = re.compile(r"gcp:compute/\w*[sS]ecurityPolicy\w*:")
# What the internet may reach of a frontend: the OpenAI-compatible API. No regular expression, no `..`.
_PUBLIC_PATH = re.compile(r"/v1(/[\w-]+)*/?")
_FRONTEND = "dynamo.frontend"
_NO_ADMIN_API = "DYN_DISABLE_FRONTEND_ADMIN_API"
# Gateway classes of GKE that take no address of the internet.
_INTERNAL_CLASSES = {"gke-l7-rilb", "gke-l7-rilb-mc", "gke-l7-cross-regional-internal-managed-mc"}


def _internal_service(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.SERVICE:
        return
    kind = at(args.props, "spec", "type") or "ClusterIP"
    if kind not in ("ClusterIP", "LoadBalancer"):
        report(f"is a Service of type {kind}; only ClusterIP and an internal LoadBalancer are known", None)
    if items(args.props, "spec", "externalIPs"):
        report("takes externalIPs, which no load balancer guards; take them out", None)
    annotation = at(args.props, "metadata", "annotations", "networking.gke.io/load-balancer-type")
    if kind == "LoadBalancer" and annotation != "Internal":
        report(
            "is a load balancer on the internet without TLS; annotate it networking.gke.io/load-balancer-type: "
            "Internal, or use exposure gateway",
            None,
        )


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
    gateways = [
        r
        for r in args.resources
        if r.resource_type == kinds.GATEWAY and at(r.props, "spec", "gatewayClassName") not in _INTERNAL_CLASSES
    ]
    if not gateways:
        return
    for gateway in gateways:
        for listener in items(gateway.props, "spec", "listeners"):
            if at(listener, "protocol") != "HTTPS" or not is_given(listener, "tls"):
                report(f"listener {at(listener, 'name')} serves without TLS; make it HTTPS", gateway.urn)
    for route in args.resources:
        if route.resource_type == kinds.HTTP_ROUTE:
            for complaint in (*_path_complaints(route), *_guard_complaints(route, args.resources)):
                report(complaint, route.urn)


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
    in_stack = {at(r.props, "name") for r in resources if r.resource_type == kinds.SECURITY_POLICY}
    before = needs(route)
    for rule in items(route.props, "spec", "rules"):
        for backend in items(rule, "backendRefs"):
            name = at(backend, "name")
            namespace = at(backend, "namespace") or at(route.props, "metadata", "namespace")
            aimed = [r for r in resources if _aims_at(r, namespace, name)]
            guards = [r for r in aimed if r.resource_type == kinds.BACKEND_POLICY]
            if not guards or not all(is_given(r.props, "spec", "default", "securityPolicy") for r in guards):
                yield f"{name} has no GCPBackendPolicy with a securityPolicy"
                continue
            for guard in guards:
                armed_with = at(guard.props, "spec", "default", "securityPolicy")
                if armed_with not in in_stack:
                    yield f"{name} is guarded by {armed_with}, which is no RegionSecurityPolicy of this stack"
            for resource in aimed:
                if resource.urn not in before:
                    kind = resource.resource_type.rpartition(":")[2]
                    yield (
                        f"does not depend on the {kind} of {name}: it may open before that is there, and outlast it on "
                        "destroy"
                    )


def _aims_at(policy: PolicyResource, namespace: str, service: str) -> bool:
    """Whether a policy of GKE's is for the Service."""
    target = at(policy.props, "spec", "targetRef") or {}
    return (
        policy.resource_type in (kinds.BACKEND_POLICY, kinds.HEALTH_POLICY)
        and at(policy.props, "metadata", "namespace") == namespace
        and (at(target, "group") or "", at(target, "kind"), at(target, "name")) == ("", "Service", service)
    )


def _no_admin_api(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if not all(_admin_api_is_off(container) for container in _frontends(args)):
        report(
            "has a frontend whose admin API is on: by POST /busy_threshold, anybody who reaches it makes it refuse "
            f"its clients; set {_NO_ADMIN_API}=1",
            None,
        )


def _frontends(args: ResourceValidationArgs) -> Iterator[Mapping[str, Any]]:
    """The container of each frontend; an empty one where a graph leaves it to the operator."""
    if args.resource_type == kinds.GRAPH:
        for component in items(args.props, "spec", "components"):
            if at(component, "type") == "frontend":
                named = items(component, "podTemplate", "spec", "containers")
                yield next((container for container in named if at(container, "name") == "main"), {})
    for pod in pod_specs(args.resource_type, args.props):
        yield from (container for container in containers(pod) if _starts_frontend(container))


def _starts_frontend(container: Mapping[str, Any]) -> bool:
    words = (word for path, word in known_texts(container) if path.startswith(("command", "args")))
    return any(_FRONTEND in word for word in words)


def _admin_api_is_off(container: Mapping[str, Any]) -> bool:
    """By the values that Dynamo 1.6.1 was seen to take for yes; of a name given twice, each must be one."""
    given = [at(variable, "value") for variable in items(container, "env") if at(variable, "name") == _NO_ADMIN_API]
    return bool(given) and all(value in ("1", "true") for value in given)


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="internal-service",
        description="Services are reached inside the VPC only: ClusterIP, or an internal load balancer.",
        validate=_internal_service,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Set endpoint.exposure to internal or to gateway.",
    ),
    ResourceValidationPolicy(
        name="no-admin-api",
        description="No frontend has its admin API on: by it, anybody could make a model refuse its clients.",
        validate=_no_admin_api,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Leave the environment of frontends to the graph builder.",
    ),
    StackValidationPolicy(
        name="public-gateway",
        description="A gateway on the internet speaks TLS, routes /v1/ only, and admits known address ranges only.",
        validate=_public_gateway,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Set endpoint.allowedCidrs to the ranges of your clients.",
    ),
]
