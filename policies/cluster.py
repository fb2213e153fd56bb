"""Rules on the cluster, its identities, its bucket and the labels for cost allocation."""

import json
import re
from collections.abc import Sequence
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
from policies.capacity import is_gpu_pool
from policies.grants import ACCOUNT
from policies.inputs import at, is_given, items
from policies.setting import Schema, Setting

PROTECT_COMPUTE = Setting(
    name="compute",
    type="boolean",
    default=True,
    description="whether the cluster and GPU pools must be protected",
    stricter="more",
)
PROTECT_WEIGHTS = Setting(
    name="weights",
    type="boolean",
    default=True,
    description="whether the weights bucket must be protected",
    stricter="more",
)
LABELS = Setting(
    name="labels",
    type="array",
    default=["owner", "cost-center"],
    description="labels that must be set and not empty",
    stricter="more",
)

# Where each type has its labels; for other Google Cloud resources the provider's default labels are checked.
_LABELS_AT = {
    kinds.CLUSTER: ("resourceLabels",),
    kinds.NODE_POOL: ("nodeConfig", "resourceLabels"),
    kinds.ALERT_POLICY: ("userLabels",),
    kinds.NAMESPACE: ("metadata", "labels"),
    kinds.GRAPH: ("metadata", "labels"),
}


_Path = tuple[str, ...]
# Allowed values by path, the best first; None means unset.
_HARDENED_CLUSTER: Sequence[tuple[_Path, Sequence[Any]]] = (
    (("enableLegacyAbac",), (False, None)),
    (("enableKubernetesAlpha",), (False, None)),
    (("enableShieldedNodes",), (True,)),
    (("enableAutopilot",), (False, None)),
    # No rule on pools sees the default pool, so it must be removed; it has one node while GKE starts.
    (("removeDefaultNodePool",), (True,)),
    (("initialNodeCount",), (1,)),
    (("nodeConfig", "guestAccelerators"), (None,)),
    # Node auto-provisioning would create node pools that no rule sees.
    (("clusterAutoscaling", "enabled"), (False, None)),
    (("masterAuth", "clientCertificateConfig", "issueClientCertificate"), (False, None)),
)
_HARDENED_POOL: Sequence[tuple[_Path, Sequence[Any]]] = (
    (("nodeConfig", "workloadMetadataConfig", "mode"), ("GKE_METADATA",)),
)
_HARDENED_NODE: Sequence[tuple[_Path, Sequence[Any]]] = (
    (("nodeConfig", "kubeletConfig", "insecureKubeletReadonlyPortEnabled"), ("FALSE",)),
    (("nodeConfig", "shieldedInstanceConfig", "enableSecureBoot"), (True,)),
    (("nodeConfig", "shieldedInstanceConfig", "enableIntegrityMonitoring"), (True,)),
    (("nodeConfig", "metadata", "disable-legacy-endpoints"), ("true",)),
)


def _private_cluster(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == kinds.NODE_POOL:
        if at(args.props, "networkConfig", "enablePrivateNodes") is not True:
            report("nodes have public addresses; set networkConfig.enablePrivateNodes", None)
        return
    if args.resource_type != kinds.CLUSTER:
        return
    if at(args.props, "privateClusterConfig", "enablePrivateNodes") is not True:
        report("nodes have public addresses; set privateClusterConfig.enablePrivateNodes", None)
    if at(args.props, "controlPlaneEndpointsConfig", "ipEndpointsConfig", "enabled") is not False:
        report(
            "the control plane listens on an IP address; set controlPlaneEndpointsConfig.ipEndpointsConfig.enabled to "
            "false and use its DNS endpoint, which requires IAM",
            None,
        )


# Lifecycle actions of a bucket that delete no objects.
_HARMLESS_ACTIONS = frozenset({"AbortIncompleteMultipartUpload", "SetStorageClass"})


def _protected(args: ResourceValidationArgs, report: ReportViolation) -> None:
    gpus = is_gpu_pool(args.resource_type, args.props)
    if args.resource_type == kinds.BUCKET:
        setting, remedy = PROTECT_WEIGHTS, "weights.keep"
    elif args.resource_type == kinds.CLUSTER or gpus:
        setting, remedy = PROTECT_COMPUTE, "cluster.deletionProtection"
    else:
        return
    if not setting.read(args.get_config()):
        return
    if not args.opts.protect:
        report(f"is expensive to recreate and not protected; set {remedy} to true in the stack file", None)
    for rule in items(args.props, "lifecycleRules"):
        if (action := at(rule, "action", "type")) not in _HARMLESS_ACTIONS:
            report(f"a lifecycle rule deletes its objects, by the action {action}; remove the rule", None)
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
        return  # this update creates the account, so it is not a default account, which would be known
    project = re.escape(str(at(args.props, "project")))
    if not re.fullmatch(ACCOUNT.replace("{project}", project), account):
        report(f"nodeConfig.serviceAccount is {account}, which is not an account of this project for its nodes", None)


def _no_key(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type in kinds.KEYS:
        report("a service account key never expires and can be copied; use Workload Identity Federation", None)


def _hardened_nodes(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == kinds.CLUSTER:
        wanted = _HARDENED_CLUSTER
        if at(args.props, "workloadIdentityConfig", "workloadPool") != f"{at(args.props, 'project')}.svc.id.goog":
            report(
                "workloadIdentityConfig.workloadPool is not the project's: pods would use their node's identity", None
            )
        if items(args.props, "nodePools"):
            report("has node pools in nodePools, which no rule checks; declare each as a NodePool", None)
    elif args.resource_type == kinds.NODE_POOL:
        wanted = _HARDENED_POOL
    else:
        return
    for path, allowed in (*wanted, *_HARDENED_NODE):
        given = at(args.props, *path)
        if not any(_same(given, value) for value in allowed):
            right = allowed[0]
            given = "unset" if given is None else given
            report(f"{'.'.join(path)} is {given}; set it to {json.dumps(right)}", None)
    if at(args.props, "nodeConfig", "kubeletConfig", "allowedUnsafeSysctls"):
        report("nodeConfig.kubeletConfig.allowedUnsafeSysctls lets pods change their node; remove it", None)


def _same(given: Any, value: Any) -> bool:
    """Whether two values are equal; unlike in Python, 1 is not true and 0 is not false."""
    return given == value and isinstance(given, bool) is isinstance(value, bool)


def _private_bucket(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.BUCKET:
        return
    if at(args.props, "uniformBucketLevelAccess") is not True:
        report("uniformBucketLevelAccess is off: object ACLs can bypass IAM; set it to true", None)
    if at(args.props, "publicAccessPrevention") != "enforced":
        report(
            "publicAccessPrevention is not enforced: one grant to allUsers would make it public; set `enforced`", None
        )


def _labeled(args: ResourceValidationArgs, report: ReportViolation) -> None:
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
        description="Nodes have no public addresses and the control plane is reachable only by its DNS endpoint.",
        validate=_private_cluster,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Leave the cluster component's network arguments as they are.",
    ),
    ResourceValidationPolicy(
        name="protected",
        description="Expensive resources cannot be deleted by mistake: weights, cluster, GPU pools.",
        validate=_protected,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=Schema(PROTECT_COMPUTE, PROTECT_WEIGHTS),
        remediation_steps="Set cluster.deletionProtection and weights.keep to true in the stack file.",
    ),
    ResourceValidationPolicy(
        name="node-identity",
        description="Nodes run as a service account of their project, never as its default account or a service agent.",
        validate=_node_identity,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Set nodeConfig.serviceAccount to the account of the NodeIdentity component.",
    ),
    ResourceValidationPolicy(
        name="hardened-nodes",
        description=(
            "Clusters have no default pool; they and their pools have Workload Identity, shielded nodes and a closed "
            "kubelet."
        ),
        validate=_hardened_nodes,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Keep the settings of the cluster and pool components.",
    ),
    ResourceValidationPolicy(
        name="no-service-account-key",
        description="No service account has a key, not even an HMAC key.",
        validate=_no_key,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Remove the key and use Workload Identity Federation.",
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
        description="Resources that cost money have labels that name their owner.",
        validate=_labeled,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.LOW,
        config_schema=Schema(LABELS),
        remediation_steps="Set labels.owner and labels.costCenter in the stack file.",
    ),
]
