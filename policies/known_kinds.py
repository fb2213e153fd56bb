"""The types of resources that the pack judges, and the rule that no other type is created.

Every other rule looks at types that it knows. A type that none knows could do what all of them forbid, such as a load
balancer, a HMAC key, an IAM policy of a whole project or a pod in a list or a patch.
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
from policies.setting import Schema, Setting

MORE_KINDS = Setting(
    name="allowed",
    type="array",
    default=[],
    description="further type tokens that may be created, such as gcp:pubsub/topic:Topic, which no rule judges",
    stricter="less",
)

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
        "gcp:certificatemanager/certificate:Certificate",
        "gcp:certificatemanager/dnsAuthorization:DnsAuthorization",
        "gcp:compute/address:Address",
        "gcp:compute/network:Network",
        "gcp:compute/router:Router",
        "gcp:compute/routerNat:RouterNat",
        "gcp:compute/subnetwork:Subnetwork",
        "gcp:monitoring/dashboard:Dashboard",
        "gcp:monitoring/notificationChannel:NotificationChannel",
        "gcp:projects/service:Service",
        "gcp:secretmanager/secret:Secret",
        "gcp:serviceaccount/account:Account",
        # Both only ever refuse what would otherwise be admitted.
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
        "kubernetes:autoscaling.gke.io/v1beta1:AutoscalingMetric",
        "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
        "kubernetes:batch/v1:CronJob",
        "kubernetes:core/v1:ConfigMap",
        "kubernetes:core/v1:Pod",
        "kubernetes:core/v1:ServiceAccount",
        "kubernetes:networking.gke.io/v1:HealthCheckPolicy",
        "kubernetes:policy/v1:PodDisruptionBudget",
        "kubernetes:secret-sync.gke.io/v1:SecretSync",
        "kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass",
        "kubernetes:v1:PersistentVolumeClaim",
    }
)


def _known_kinds(args: ResourceValidationArgs, report: ReportViolation) -> None:
    kind = args.resource_type
    if kind.startswith("dynamo-gke:") or kind in _KNOWN or kind in MORE_KINDS.read(args.get_config()):
        return
    report(
        f"is a {kind}, a type that no rule of this pack judges; use a known one, or allow this one by its type", None
    )


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="known-kinds",
        description="Only types of resources are created that the rules of this pack judge.",
        validate=_known_kinds,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(MORE_KINDS),
        remediation_steps="Take the resource out, or allow its type in policies/config.<stack>.json after a review.",
    )
]
