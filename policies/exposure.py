"""Rules on what the internet can reach."""

from collections.abc import Mapping
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

from policies import kinds
from policies.inputs import at, is_given, items

_EVERYONE = {"*", "0.0.0.0/0", "::/0"}
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


def _admits_everyone(policy: Mapping[str, Any]) -> bool:
    """Whether a security policy lets any address in, or does not end by turning the others away."""
    rules = items(policy, "rules")
    admitted = {
        cidr
        for rule in rules
        if at(rule, "action") == "allow"
        for cidr in items(rule, "match", "config", "srcIpRanges")
    }
    denies_rest = any(
        str(at(rule, "action")).startswith("deny") and "*" in items(rule, "match", "config", "srcIpRanges")
        for rule in rules
    )
    return bool(admitted & _EVERYONE) or not denies_rest


def _public_gateway(args: StackValidationArgs, report: ReportViolation) -> None:
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
    for policy in args.resources:
        if policy.resource_type == kinds.SECURITY_POLICY and _admits_everyone(policy.props):
            report("lets everyone in; allow the ranges of your clients and deny the rest", policy.urn)
    guarded = {
        at(r.props, "spec", "targetRef", "name")
        for r in args.resources
        if r.resource_type == kinds.BACKEND_POLICY and is_given(r.props, "spec", "default", "securityPolicy")
    }
    for route in args.resources:
        if route.resource_type != kinds.HTTP_ROUTE:
            continue
        for rule in items(route.props, "spec", "rules"):
            for backend in items(rule, "backendRefs"):
                if at(backend, "name") not in guarded:
                    report(f"{at(backend, 'name')} has no GCPBackendPolicy with a securityPolicy", route.urn)


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="internal-service",
        description="Services are reached inside the VPC only: ClusterIP, or an internal load balancer.",
        validate=_internal_service,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Set endpoint.exposure to internal or to gateway.",
    ),
    StackValidationPolicy(
        name="public-gateway",
        description="A gateway on the internet speaks TLS and admits known address ranges only.",
        validate=_public_gateway,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Set endpoint.allowedCidrs to the ranges of your clients.",
    ),
]
