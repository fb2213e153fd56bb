"""The resource types that the pack checks, and the rule that forbids every other type.

Every other rule looks only at the types it knows. A type unknown to all rules could do what they forbid, such as a load
balancer, an HMAC key, an IAM policy of a whole project, or a pod in a list or a patch.
"""

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from policies import kinds
from policies.setting import Schema, exceptions

MORE_KINDS = exceptions("further type tokens that may be created, such as gcp:pubsub/topic:Topic; no rule checks them")

_KNOWN = frozenset(
    {
        "pulumi:pulumi:Stack",
        "pulumi:pulumi:StackReference",
        "pulumi:providers:gcp",
        "pulumi:providers:kubernetes",
        kinds.ALERT_POLICY,
        kinds.BUCKET,
        kinds.BUDGET,
        kinds.CLUSTER,
        kinds.FIREWALL,
        kinds.NODE_POOL,
        kinds.SECRET_VERSION,
        kinds.SECURITY_POLICY,
        *kinds.KEYS,
        *kinds.GRANTS,
        kinds.CERTIFICATE,
        kinds.DNS_AUTHORIZATION,
        kinds.ADDRESS,
        kinds.NETWORK,
        "gcp:compute/router:Router",
        kinds.ROUTER_NAT,
        kinds.SUBNETWORK,
        "gcp:monitoring/dashboard:Dashboard",
        kinds.NOTIFICATION_CHANNEL,
        kinds.GOOGLE_API,
        kinds.GOOGLE_SECRET,
        kinds.GOOGLE_ACCOUNT,
        # Both can only reject objects, never admit more.
        kinds.ADMISSION_BINDING,
        kinds.ADMISSION_POLICY,
        kinds.BACKEND_POLICY,
        kinds.CLAIM_TEMPLATE,
        kinds.DEVICE_NETWORK,
        kinds.GATEWAY,
        kinds.GRAPH,
        kinds.HTTP_ROUTE,
        kinds.JOB,
        kinds.NAMESPACE,
        kinds.NETWORK_PARAMETERS,
        kinds.NETWORK_POLICY,
        kinds.PERSISTENT_VOLUME,
        kinds.POD_MONITORING,
        kinds.RELEASE,
        kinds.ROLE,
        kinds.ROLE_BINDING,
        kinds.SECRET,
        kinds.SERVICE,
        "kubernetes:apps/v1:DaemonSet",
        "kubernetes:apps/v1:Deployment",
        "kubernetes:apps/v1:StatefulSet",
        kinds.AUTOSCALING_METRIC,
        kinds.HORIZONTAL_POD_AUTOSCALER,
        "kubernetes:batch/v1:CronJob",
        kinds.CONFIG_MAP,
        "kubernetes:core/v1:Pod",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "kubernetes:core/v1:ServiceAccount",
        kinds.HEALTH_POLICY,
        "kubernetes:policy/v1:PodDisruptionBudget",
        "kubernetes:secret-sync.gke.io/v1:SecretSync",
        "kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass",
    }
)


def _known_kinds(args: ResourceValidationArgs, report: ReportViolation) -> None:
    kind = args.resource_type
    if kind.startswith("dynamo-gke:") or kind in _KNOWN or kind in MORE_KINDS.read(args.get_config()):
        return
    report(
        f"has type {kind}, which no rule of this pack checks; use a known type, or add it to known-kinds.allowed", None
    )


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="known-kinds",
        description="Every resource has a type that the rules of this pack check.",
        validate=_known_kinds,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(MORE_KINDS),
        remediation_steps="Remove the resource, or allow its type in policies/config.<stack>.json after a review.",
    )
]
