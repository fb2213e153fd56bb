"""The rule on Services: they must be reachable only inside the VPC."""

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from policies import kinds
from policies.inputs import at, items

# The class overrides the annotation.
_INTERNAL_CLASS = "networking.gke.io/l4-regional-internal"


def _internal_service(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.SERVICE:
        return
    kind = at(args.props, "spec", "type") or "ClusterIP"
    if kind not in ("ClusterIP", "LoadBalancer"):
        report(f"is a Service of type {kind}; use ClusterIP or an internal LoadBalancer", None)
    if items(args.props, "spec", "externalIPs"):
        report("sets externalIPs, which no load balancer protects; remove them", None)
    annotation = at(args.props, "metadata", "annotations", "networking.gke.io/load-balancer-type")
    if at(args.props, "spec", "loadBalancerClass") not in (None, _INTERNAL_CLASS):
        report(f"has loadBalancerClass {at(args.props, 'spec', 'loadBalancerClass')}; remove it", None)
    if kind == "LoadBalancer" and annotation != "Internal":
        report(
            "is a public load balancer without TLS; annotate it networking.gke.io/load-balancer-type: "
            "Internal, or use exposure gateway",
            None,
        )


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="internal-service",
        description="Services are reachable only inside the VPC: ClusterIP, or an internal load balancer.",
        validate=_internal_service,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Set endpoint.exposure to internal or to gateway.",
    ),
]
