"""Which inputs force a new resource, what follows it, and what losing the old one costs: data, no rules.

Sources: "ForceNew" in the schemas of pulumi_gcp 10.2.0, the immutable fields of Kubernetes' API and of
pulumi_kubernetes 4.34.2, as known on paper: none of it has been seen on a live project. A type that is not here is
taken to be updated in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
BUCKET = "gcp:storage/bucket:Bucket"
GRAPH = "kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment"
_ACCOUNT = "gcp:serviceaccount/account:Account"
_SECRET = "gcp:secretmanager/secret:Secret"
_ROUTER = "gcp:compute/router:Router"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is known of one type. Paths have no list indexes and stand for all below them."""

    forces: tuple[str, ...]
    follows: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Input → types that it names: a new one of those gives it an id that is not known yet, so it forces as well."""
    loss: str = ""
    """What goes with the old one, in capitals."""
    guarded: bool = False
    """Whether `ops diff` ends with 4 when it is replaced or deleted. Node pools: those with GPUs only."""
    remakes: tuple[str, ...] = ()
    """Inputs that are changed in place, and yet make anew what the resource is made of."""
    remaking: str = ""
    """What that costs, in capitals."""


_IN_KUBERNETES = ("metadata.name", "metadata.namespace")

RULES: Mapping[str, Rule] = {
    CLUSTER: Rule(
        forces=(
            "name",
            "location",
            "project",
            "network",
            "subnetwork",
            "ipAllocationPolicy",
            "datapathProvider",
            "networkingMode",
            "masterIpv4CidrBlock",
            "privateClusterConfig.masterIpv4CidrBlock",
            "privateClusterConfig.privateEndpointSubnetwork",
            "initialNodeCount",
            "nodeConfig",
            "defaultMaxPodsPerNode",
            "confidentialNodes",
            "enableMultiNetworking",
        ),
        follows={"network": (NETWORK,), "subnetwork": (SUBNETWORK,)},
        loss="TAKES THE CLUSTER AND ALL IN IT DOWN",
        guarded=True,
    ),
    NODE_POOL: Rule(
        forces=(
            "name",
            "namePrefix",
            "location",
            "project",
            "cluster",
            "initialNodeCount",
            "maxPodsPerNode",
            "placementPolicy",
            "queuedProvisioning",
            "networkConfig.acceleratorNetworkProfile",
            "networkConfig.additionalNodeNetworkConfigs",
            "networkConfig.additionalPodNetworkConfigs",
            "networkConfig.podRange",
            "nodeConfig.confidentialNodes",
            "nodeConfig.ephemeralStorageLocalSsdConfig",
            "nodeConfig.flexStart",
            "nodeConfig.guestAccelerators",
            "nodeConfig.hostMaintenancePolicy",
            "nodeConfig.localNvmeSsdBlockConfig",
            "nodeConfig.maxRunDuration",
            "nodeConfig.metadata",
            "nodeConfig.oauthScopes",
            "nodeConfig.reservationAffinity",
            "nodeConfig.secondaryBootDisks",
            "nodeConfig.serviceAccount",
            "nodeConfig.shieldedInstanceConfig",
            "nodeConfig.spot",
        ),
        follows={
            "cluster": (CLUSTER,),
            "nodeConfig.serviceAccount": (_ACCOUNT,),
            "networkConfig.additionalNodeNetworkConfigs": (NETWORK, SUBNETWORK),
        },
        loss="TAKES THE NODES AND WHAT RUNS ON THEM DOWN",
        guarded=True,
        remakes=("nodeConfig.kubeletConfig", "nodeConfig.linuxNodeConfig", "nodeConfig.machineType"),
        remaking="MAKES THE NODES ANEW, ONE AFTER THE OTHER, AND WHAT RUNS ON THEM",
    ),
    NETWORK: Rule(
        forces=("name", "project", "autoCreateSubnetworks", "mtu", "networkProfile", "description"),
        loss="TAKES THE NETWORK AND ALL ON IT DOWN",
        guarded=True,
    ),
    SUBNETWORK: Rule(
        # A range may grow in place; whether it grows is not looked at, so any change counts.
        forces=("name", "project", "region", "network", "ipCidrRange", "purpose", "description"),
        follows={"network": (NETWORK,)},
        loss="TAKES ALL IN THE SUBNET DOWN",
    ),
    "gcp:compute/firewall:Firewall": Rule(
        forces=("name", "project", "network", "direction"), follows={"network": (NETWORK,)}
    ),
    _ROUTER: Rule(forces=("name", "project", "region", "network"), follows={"network": (NETWORK,)}),
    "gcp:compute/routerNat:RouterNat": Rule(
        forces=("name", "project", "region", "router"),
        follows={"router": (_ROUTER,)},
        loss="CUTS THE NODES OFF FROM REGISTRIES AND HUB MEANWHILE",
    ),
    "gcp:compute/address:Address": Rule(
        forces=("name", "project", "region", "address", "addressType", "subnetwork", "network", "purpose"),
        follows={"subnetwork": (SUBNETWORK,), "network": (NETWORK,)},
        loss="GIVES THE ADDRESS OF AN ENDPOINT UP",
    ),
    "gcp:compute/globalAddress:GlobalAddress": Rule(
        forces=("name", "project", "address", "addressType", "network", "purpose"),
        loss="GIVES THE ADDRESS OF AN ENDPOINT UP",
    ),
    BUCKET: Rule(
        forces=(
            "name",
            "project",
            "location",
            "customPlacementConfig",
            "hierarchicalNamespace",
            "enableObjectRetention",
        ),
        loss="DELETES ALL WEIGHTS",
        guarded=True,
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": Rule(
        forces=("bucket", "role", "member", "condition"), follows={"bucket": (BUCKET,)}
    ),
    _ACCOUNT: Rule(forces=("accountId", "project")),
    "gcp:projects/iAMMember:IAMMember": Rule(
        forces=("project", "role", "member", "condition"), follows={"member": (_ACCOUNT,)}
    ),
    _SECRET: Rule(forces=("secretId", "project", "replication"), loss="DELETES THE TOKEN FOR GATED MODELS"),
    "gcp:secretmanager/secretVersion:SecretVersion": Rule(
        forces=("secret", "secretData", "isSecretDataBase64"), follows={"secret": (_SECRET,)}
    ),
    "gcp:secretmanager/secretIamMember:SecretIamMember": Rule(
        forces=("project", "secretId", "role", "member", "condition")
    ),
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": Rule(forces=("cryptoKeyId", "role", "member", "condition")),
    "gcp:projects/service:Service": Rule(forces=("service", "project")),
    # All that a provider holds goes with it. Google's is not replaced itself, but another project replaces all in it.
    "pulumi:providers:gcp": Rule(forces=("project",)),
    "pulumi:providers:kubernetes": Rule(forces=("clusterIdentifier",)),
    "kubernetes:core/v1:Namespace": Rule(forces=_IN_KUBERNETES, loss="DELETES ALL IN THE NAMESPACE"),
    "kubernetes:helm.sh/v3:Release": Rule(forces=("name", "namespace"), loss="TAKES THE DYNAMO OPERATOR DOWN"),
    GRAPH: Rule(forces=_IN_KUBERNETES, loss="STOPS ALL WORKERS OF THE GRAPH"),
    "kubernetes:batch/v1:Job": Rule(
        forces=(*_IN_KUBERNETES, "spec.template", "spec.selector", "spec.completions", "spec.completionMode")
    ),
    "kubernetes:core/v1:Service": Rule(forces=(*_IN_KUBERNETES, "spec.clusterIP", "spec.loadBalancerClass")),
    "kubernetes:core/v1:Secret": Rule(forces=(*_IN_KUBERNETES, "type")),
    "kubernetes:core/v1:PersistentVolume": Rule(
        forces=(*_IN_KUBERNETES, "spec.csi", "spec.storageClassName", "spec.volumeMode")
    ),
    "kubernetes:core/v1:PersistentVolumeClaim": Rule(
        forces=(*_IN_KUBERNETES, "spec.accessModes", "spec.storageClassName", "spec.volumeName", "spec.selector")
    ),
    "kubernetes:resource.k8s.io/v1:ResourceClaimTemplate": Rule(forces=(*_IN_KUBERNETES, "spec")),
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": Rule(forces=(*_IN_KUBERNETES, "roleRef")),
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": Rule(forces=(*_IN_KUBERNETES, "roleRef")),
}

_KUBERNETES = Rule(forces=_IN_KUBERNETES)
_UNKNOWN = Rule(forces=())


def rule(type_: str) -> Rule:
    """What is known of a type; of any other Kubernetes object that its name and namespace are fixed."""
    # The SDK writes the core group as `core/v1` for most kinds and as `v1` for some.
    found = RULES.get(type_) or RULES.get(type_.replace("kubernetes:v1:", "kubernetes:core/v1:"))
    return found or (_KUBERNETES if type_.startswith("kubernetes:") else _UNKNOWN)
