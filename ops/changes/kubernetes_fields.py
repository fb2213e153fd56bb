"""Fields of Kubernetes objects that cannot be updated in place.

REPLACED: pulumi-kubernetes 4.34 replaces the object (its provider/pkg/provider/diff.go). REFUSED: pulumi-kubernetes
sends an update that the API server rejects (validation in k8s.io/kubernetes, pkg/apis/*/validation; for a graph, the
Dynamo operator's webhook). Paths have no list indexes and include everything below them.
"""

from collections.abc import Mapping

IDENTITY = ("metadata.name", "metadata.namespace")

_WORKLOAD = ("spec.selector",)
_STATEFUL_SET = (
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
_BINDING = ("roleRef",)
_VOLUME_SOURCES = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker",
    "gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk", "portworxVolume",
    "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
)  # fmt: skip

REPLACED: Mapping[str, tuple[str, ...]] = {
    "apps/v1:DaemonSet": _WORKLOAD,
    "apps/v1:Deployment": _WORKLOAD,
    "apps/v1:StatefulSet": _STATEFUL_SET,
    "batch/v1:Job": ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    "core/v1:PersistentVolume": tuple(f"spec.{source}" for source in _VOLUME_SOURCES),
    "core/v1:PersistentVolumeClaim": (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    # A few fields of a pod can change in place; stacks create no bare pods, so any change counts as a replacement.
    "core/v1:Pod": ("spec",),
    "core/v1:ResourceQuota": ("spec.scopes",),
    "core/v1:Secret": ("type",),
    "core/v1:Service": ("spec.clusterIP",),
    "rbac.authorization.k8s.io/v1:ClusterRoleBinding": _BINDING,
    "rbac.authorization.k8s.io/v1:RoleBinding": _BINDING,
    "storage.k8s.io/v1:StorageClass": ("parameters", "provisioner"),
}

# Replaced as well if the object is `immutable`, or if its provider does not enable updates of such data.
DATA: Mapping[str, tuple[str, ...]] = {
    "core/v1:ConfigMap": ("binaryData", "data"),
    "core/v1:Secret": ("type", "stringData", "data"),
}
CHANGES_IN_PLACE: Mapping[str, str] = {
    "core/v1:ConfigMap": "enableConfigMapMutable",
    "core/v1:Secret": "enableSecretMutable",
}

REFUSED: Mapping[str, tuple[str, ...]] = {
    "batch/v1:Job": (
        "spec.backoffLimitPerIndex",
        "spec.completionMode",
        "spec.managedBy",
        "spec.podFailurePolicy",
        "spec.successPolicy",
    ),
    "core/v1:PersistentVolume": ("spec.volumeMode",),
    "core/v1:PersistentVolumeClaim": ("spec.dataSource", "spec.dataSourceRef", "spec.volumeMode"),
    "core/v1:Service": ("spec.loadBalancerClass",),
    "nvidia.com/v1beta1:DynamoGraphDeployment": (
        "spec.components.minAvailable",
        "spec.components.topologyConstraint",
        "spec.components.type",
        "spec.topologyConstraint",
    ),
    "resource.k8s.io/v1:ResourceClaim": ("spec",),
    "resource.k8s.io/v1:ResourceClaimTemplate": ("spec",),
    "storage.k8s.io/v1:StorageClass": ("reclaimPolicy", "volumeBindingMode"),
}

# Rejected if added or removed; fields inside may change.
COMES_OR_GOES: Mapping[str, tuple[str, ...]] = {
    "nvidia.com/v1beta1:DynamoGraphDeployment": ("spec.components.multinode",),
}

# A Helm release is no API object; only these inputs replace it.
RELEASE = "helm.sh/v3:Release"
RELEASE_IDENTITY = ("name", "namespace")


def kind_of(type_: str) -> str:
    """`kubernetes:batch/v1:Job` → `batch/v1:Job`. The SDK writes the core group as `core/v1` or `v1`."""
    kind = type_.removeprefix("kubernetes:")
    return f"core/{kind}" if kind.startswith("v1:") else kind
