"""Rules on the cluster, its identities, its bucket and the labels that bills are read by."""

import json
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)
from pulumi_policy.proxy import UnknownValueError

from policies import kinds
from policies.inputs import at, is_given, items
from policies.setting import Schema, Setting

PROTECT_COMPUTE = Setting(
    name="compute",
    type="boolean",
    default=True,
    description="whether the cluster and GPU pools are to be protected",
    stricter="more",
)
PROTECT_WEIGHTS = Setting(
    name="weights",
    type="boolean",
    default=True,
    description="whether the weights bucket is to be protected",
    stricter="more",
)
LABELS = Setting(
    name="labels",
    type="array",
    default=["owner", "cost-center"],
    description="labels that must be there, not empty",
    stricter="more",
)

# Where a type carries labels; of other Google Cloud resources the provider's default labels are judged.
_LABELS_AT = {
    kinds.CLUSTER: ("resourceLabels",),
    kinds.NODE_POOL: ("nodeConfig", "resourceLabels"),
    kinds.ALERT_POLICY: ("userLabels",),
    kinds.NAMESPACE: ("metadata", "labels"),
    kinds.GRAPH: ("metadata", "labels"),
}


def _private_cluster(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.CLUSTER:
        return
    if not at(args.props, "privateClusterConfig", "enablePrivateNodes"):
        report("nodes have public addresses; set privateClusterConfig.enablePrivateNodes", None)
    if at(args.props, "controlPlaneEndpointsConfig", "ipEndpointsConfig", "enabled") is not False:
        report(
            "the control plane listens on an IP address; set controlPlaneEndpointsConfig.ipEndpointsConfig.enabled to "
            "false and reach it by its DNS endpoint, which asks IAM",
            None,
        )


def _protected(args: ResourceValidationArgs, report: ReportViolation) -> None:
    is_gpu_pool = args.resource_type == kinds.NODE_POOL and items(args.props, "nodeConfig", "guestAccelerators")
    if args.resource_type == kinds.BUCKET:
        setting, remedy = PROTECT_WEIGHTS, "weights.keep"
    elif args.resource_type == kinds.CLUSTER or is_gpu_pool:
        setting, remedy = PROTECT_COMPUTE, "cluster.deletionProtection"
    else:
        return
    if not setting.read(args.get_config()):
        return
    if not args.opts.protect:
        report(f"is expensive to lose and not protected; set {remedy} to true in the stack file", None)
    if args.resource_type == kinds.CLUSTER and at(args.props, "deletionProtection") is not True:
        report("deletionProtection is off; set cluster.deletionProtection to true in the stack file", None)


def _node_identity(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type not in (kinds.CLUSTER, kinds.NODE_POOL):
        return
    if not is_given(args.props, "nodeConfig", "serviceAccount"):
        report("nodeConfig.serviceAccount is unset: nodes run as the project's default service account", None)
        return
    try:
        account = at(args.props, "nodeConfig", "serviceAccount")
    except UnknownValueError:
        return  # made by this program: the default accounts are there before, and known
    if account == "default" or account.endswith("-compute@developer.gserviceaccount.com"):
        report(f"nodeConfig.serviceAccount is {account}, the project's default service account", None)


def _no_key(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == kinds.SERVICE_ACCOUNT_KEY:
        report("a service account key never expires and can be copied; use Workload Identity Federation", None)


def _private_bucket(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.BUCKET:
        return
    if at(args.props, "uniformBucketLevelAccess") is not True:
        report("uniformBucketLevelAccess is off: single objects may be shared past IAM; set it to true", None)
    if at(args.props, "publicAccessPrevention") != "enforced":
        report("publicAccessPrevention is not enforced: one grant to allUsers makes it public; set `enforced`", None)


def _labelled(args: ResourceValidationArgs, report: ReportViolation) -> None:
    labels: Any
    if args.resource_type == "pulumi:providers:gcp":
        # A provider's inputs are strings; nested ones are JSON.
        labels = json.loads(at(args.props, "defaultLabels") or "{}")
    elif path := _LABELS_AT.get(args.resource_type):
        labels = at(args.props, *path) or {}
    else:
        return
    missing = [label for label in LABELS.read(args.get_config()) if not labels.get(label)]
    if missing:
        report(f"has no label {' and no label '.join(missing)}; set `labels` in the stack file", None)


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="private-cluster",
        description="Nodes have no public addresses and the control plane is reached by its DNS endpoint only.",
        validate=_private_cluster,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Leave the cluster component's network arguments as they are.",
    ),
    ResourceValidationPolicy(
        name="protected",
        description="What is expensive to lose cannot be deleted by mistake: weights, cluster, GPU pools.",
        validate=_protected,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=Schema(PROTECT_COMPUTE, PROTECT_WEIGHTS),
        remediation_steps="Set cluster.deletionProtection and weights.keep to true in the stack file.",
    ),
    ResourceValidationPolicy(
        name="node-identity",
        description="Nodes run as a service account of their own, never as the project's default one.",
        validate=_node_identity,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Set nodeConfig.serviceAccount to the account of the NodeIdentity component.",
    ),
    ResourceValidationPolicy(
        name="no-service-account-key",
        description="No service account has a key.",
        validate=_no_key,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Take the key out and use Workload Identity Federation.",
    ),
    ResourceValidationPolicy(
        name="private-bucket",
        description="Buckets have uniform access and cannot be made public.",
        validate=_private_bucket,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Set uniformBucketLevelAccess to true and publicAccessPrevention to enforced.",
    ),
    ResourceValidationPolicy(
        name="labelled",
        description="A bill and a page find their owner: what costs money carries labels.",
        validate=_labelled,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.LOW,
        config_schema=Schema(LABELS),
        remediation_steps="Set labels.owner and labels.costCenter in the stack file.",
    ),
]
