"""Physical names that several components use. Pure functions, so that no component waits for another."""

import hashlib
import re
from typing import Literal

from settings.cluster import OWN_NAMESPACE

PLATFORM_RELEASE = "dynamo-platform"
HF_TOKEN_SECRET = "hf-token"
# Secret that GKE syncs from Secret Manager.
SYNCED_HF_TOKEN_SECRET = "hf-token-synced"
HF_TOKEN_KEY = "HF_TOKEN"
WEIGHTS_WRITER = "weights-writer"
WEIGHTS_CLAIM = "weights"
SECRET_SYNC = "secret-sync"
# GKE's class of regional external load balancers, which a regional Cloud Armor policy can protect.
PUBLIC_GATEWAY_CLASS = "gke-l7-regional-external-managed"


def cluster(stack: str) -> str:
    return f"dynamo-{stack}"


def platform_namespace(namespace: str) -> str:
    """Namespace of the Dynamo operator that a stack installs. No workload namespace may have its suffix."""
    return f"{namespace}-system"


def cluster_scoped(namespace: str, name: str) -> str:
    """Name of a cluster-scoped object, unique among the stacks of one cluster.

    In the namespace of a cluster that the stack itself creates, the name is unchanged: no other stack is there.
    """
    return name if namespace == OWN_NAMESPACE else f"{namespace}-{name}"


# Of a node pool in GKE.
_MAX_POOL_NAME = 40


def node_pool(namespace: str, key: str) -> str:
    """A pool's name in GKE: its key, and the namespace where other stacks share the cluster. A name that GKE would not
    take ends in a hash of the whole instead."""
    name = cluster_scoped(namespace, key)
    if len(name) <= _MAX_POOL_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _MAX_POOL_NAME - 9].rstrip('-')}-{digest}"


def cluster_identifier(project: str, location: str, cluster: str) -> str:
    """The cluster's path in Google Cloud, known before the cluster exists."""
    return f"projects/{project}/locations/{location}/clusters/{cluster}"


def node_account(stack: str) -> str:
    """The account id of the nodes, max 30 characters."""
    return f"dynamo-{stack}-nodes"


def token_secret(stack: str) -> str:
    """The secret in Secret Manager that holds the token for gated models."""
    return f"dynamo-{stack}-hf-token"


def gke_agent(number: str) -> str:
    """GKE's service agent in a project. We have not verified that it exists as soon as the API is enabled."""
    return f"service-{number}@container-engine-robot.iam.gserviceaccount.com"


def weights_bucket(project: str, stack: str) -> str:
    """The weights bucket, max 63 characters. Bucket names are global, so the name contains the project id."""
    return f"{project}-dynamo-{stack}-weights"


def weights_job(repository: str, revision: str) -> str:
    """The Job that fetches a revision. Each revision has its own Job, so that a pinned one runs once. At most 61
    characters, because the Job's name becomes a label of its pods."""
    model = re.sub(r"[^a-z0-9]+", "-", repository.rpartition("/")[2].lower())[:40].strip("-")
    return f"weights-{model}-{revision[:12]}"


def runtime_account(graph: str) -> str:
    """The Kubernetes service account of a graph's pods, max 38 characters."""
    return f"{graph}-runtime"


def discovery_role(graph: str) -> str:
    """The Role that the operator creates for a graph, which lets workers and frontends find each other."""
    return f"{graph}-k8s-service-discovery-role"


def principal(project: str, number: str, namespace: str, account: str) -> str:
    """A Kubernetes service account as a principal of Google's IAM."""
    pool = f"projects/{number}/locations/global/workloadIdentityPools/{project}.svc.id.goog"
    return f"principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{account}"


def claim_template(nics: int | Literal["all"]) -> str:
    """The ResourceClaimTemplate that gives a pod that many RDMA NICs."""
    return f"rdma-{nics}"


def gvnic_network(namespace: str) -> str:
    """Network object of a node's second gVNIC. Cluster-scoped."""
    return cluster_scoped(namespace, "gvnic-1")


def rdma_networks(namespace: str, nics: int) -> tuple[str, ...]:
    """Network objects of a node's RDMA NICs, in rail order. Cluster-scoped."""
    return tuple(cluster_scoped(namespace, f"rdma-{n}") for n in range(nics))


def frontend_service(graph: str) -> str:
    """The Service that the operator creates for a graph's component `frontend`, port 8000."""
    return f"{graph}-frontend"


def endpoint_service(graph: str) -> str:
    """The load balancer's Service. `-frontend` is the name of the operator's Service."""
    return f"{graph}-endpoint"


def gateway(stack: str) -> str:
    """The public gateway of a stack, and its address, certificate and security policy."""
    return f"dynamo-{stack}-gateway"


def of_domain(domain: str) -> str:
    """Eight hexadecimal digits for names of resources that belong to a domain."""
    return hashlib.sha256(domain.encode()).hexdigest()[:8]


def scaling_adapter(graph: str, component: str) -> str:
    """The object that the operator creates for a component with a scaling adapter."""
    return f"{graph}-{component}"


def endpoint_address(stack: str, graph: str) -> str:
    return f"dynamo-{stack}-{graph}"
