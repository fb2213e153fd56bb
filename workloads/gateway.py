"""The public ingress: a regional load balancer with TLS, open only to named clients, with a route per graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_gcp import certificatemanager, compute

from planning import names
from planning.surroundings import Gateway, HealthCheck
from workloads.custom_object import custom_object

# Cloud Armor allows ten ranges per rule.
RANGES_PER_RULE = 10
_LAST_PRIORITY = 2147483647

# The only path of a frontend that the internet can reach.
PUBLIC_PATH = "/v1/"


@dataclass(frozen=True, kw_only=True)
class PublicGatewayArgs:
    project: str
    namespace: str
    stack: str
    region: str
    domain: str
    allowed_cidrs: Sequence[str]
    labels: dict[str, str]


def gateway_spec(address: str, certificate: pulumi.Input[str]) -> dict[str, Any]:
    """HTTPS on 443 at the named address, with the named regional certificate. Nothing on port 80."""
    return {
        "gatewayClassName": names.PUBLIC_GATEWAY_CLASS,
        "addresses": [{"type": "NamedAddress", "value": address}],
        "listeners": [
            {
                "name": "https",
                "protocol": "HTTPS",
                "port": 443,
                "tls": {"mode": "Terminate", "options": {"networking.gke.io/cert-manager-certs": certificate}},
                "allowedRoutes": {"namespaces": {"from": "Same"}},
            }
        ],
    }


def allow_rules(cidrs: Sequence[str]) -> list[compute.RegionSecurityPolicyRuleArgs]:
    """Rules that allow the ranges, and a last rule that denies everyone else."""

    def rule(priority: int, action: str, ranges: Sequence[str]) -> compute.RegionSecurityPolicyRuleArgs:
        return compute.RegionSecurityPolicyRuleArgs(
            priority=priority,
            action=action,
            match=compute.RegionSecurityPolicyRuleMatchArgs(
                versioned_expr="SRC_IPS_V1",
                config=compute.RegionSecurityPolicyRuleMatchConfigArgs(src_ip_ranges=list(ranges)),
            ),
        )

    groups = [cidrs[i : i + RANGES_PER_RULE] for i in range(0, len(cidrs), RANGES_PER_RULE)]
    return [
        *(rule(1000 + i, "allow", group) for i, group in enumerate(groups)),
        rule(_LAST_PRIORITY, "deny(403)", ["*"]),
    ]


def _kept(parent: pulumi.Resource, former: str) -> pulumi.ResourceOptions:
    """Options that keep a resource deployed under its former logical name, with its physical name."""
    return pulumi.ResourceOptions(parent=parent, aliases=[pulumi.Alias(name=former)], ignore_changes=["name"])


class PublicGateway(pulumi.ComponentResource):
    """The stack's public gateway. The domain's owner must create `dns_records` before Google issues the certificate."""

    dns_records: pulumi.Output[list[dict[str, str]]]

    def __init__(self, name: str, args: PublicGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:PublicGateway", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        physical = names.gateway(args.stack)
        address = compute.Address(
            f"{name}-address",
            project=args.project,
            name=physical,
            region=args.region,
            address_type="EXTERNAL",
            labels=args.labels,
            opts=child,
        )
        # Authorization and certificate belong to the domain: a new domain creates new ones before the old ones, which
        # the load balancer still uses, are deleted. Earlier releases used names without the domain; the ignored name
        # keeps such a certificate deployed.
        of_domain = names.of_domain(args.domain)
        authorization = certificatemanager.DnsAuthorization(
            f"{name}-authorization-{of_domain}",
            project=args.project,
            name=f"{physical}-{of_domain}",
            location=args.region,
            domain=args.domain,
            type="PER_PROJECT_RECORD",
            labels=args.labels,
            opts=_kept(self, f"{name}-authorization"),
        )
        certificate = certificatemanager.Certificate(
            f"{name}-certificate-{of_domain}",
            project=args.project,
            name=f"{physical}-{of_domain}",
            location=args.region,
            managed=certificatemanager.CertificateManagedArgs(
                domains=[f"*.{args.domain}"], dns_authorizations=[authorization.id]
            ),
            labels=args.labels,
            opts=_kept(self, f"{name}-certificate"),
        )
        armor = compute.RegionSecurityPolicy(
            f"{name}-clients",
            project=args.project,
            name=physical,
            region=args.region,
            type="CLOUD_ARMOR",
            rules=allow_rules(args.allowed_cidrs),
            opts=child,
        )
        custom_object(
            f"{name}-gateway",
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "Gateway",
                "metadata": {
                    "name": physical,
                    "namespace": args.namespace,
                    "labels": args.labels,
                    # Unverified: that GKE sets the condition only once the address serves. The timeout limits the wait.
                    "annotations": {"pulumi.com/waitFor": "condition=Programmed"},
                },
                "spec": gateway_spec(physical, certificate.name),
            },
            pulumi.ResourceOptions(parent=self, depends_on=[address, certificate, armor]),
        )
        record = authorization.dns_resource_records[0]
        self.dns_records = pulumi.Output.all(record.name, record.type, record.data, address.address).apply(
            lambda known: [
                {"name": str(known[0]), "type": str(known[1]), "data": str(known[2])},
                {"name": f"*.{args.domain}.", "type": "A", "data": str(known[3])},
            ]
        )
        self.register_outputs({"dnsRecords": self.dns_records})


def route_spec(gateway: str, host: str, service: str, port: int) -> dict[str, Any]:
    """Route to the client API only, because the frontend's other paths expose information about instances."""
    return {
        "parentRefs": [{"name": gateway, "sectionName": "https"}],
        "hostnames": [host],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": PUBLIC_PATH}}],
                "backendRefs": [{"name": service, "port": port}],
            }
        ],
    }


def backend_policy_spec(gateway: Gateway, service: str, security_policy: str) -> dict[str, Any]:
    return {
        "default": {
            "timeoutSec": gateway.stream_seconds,
            "connectionDraining": {"drainingTimeoutSec": gateway.drain_seconds},
            "securityPolicy": security_policy,
        },
        "targetRef": {"group": "", "kind": "Service", "name": service},
    }


def health_check_spec(check: HealthCheck, service: str) -> dict[str, Any]:
    """Health check on the frontend's own path. GKE's default `/` does not exist there, so every pod would be unhealthy.

    Google's probes go to the pods, not through the route, so the path need not be public.
    """
    return {
        "default": {
            "checkIntervalSec": check.interval_seconds,
            "timeoutSec": check.timeout_seconds,
            "healthyThreshold": check.healthy_after,
            "unhealthyThreshold": check.unhealthy_after,
            "config": {
                "type": "HTTP",
                "httpHealthCheck": {"portSpecification": "USE_SERVING_PORT", "requestPath": "/health"},
            },
        },
        "targetRef": {"group": "", "kind": "Service", "name": service},
    }
