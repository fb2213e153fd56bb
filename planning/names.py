"""Physical names that more than one component needs: pure functions, so that neither waits for the other."""

import hashlib
import re
from typing import Literal

from settings.cluster import OWN_NAMESPACE

PLATFORM_RELEASE = "dynamo-platform"
HF_TOKEN_SECRET = "hf-token"
# As GKE writes it out of Secret Manager.
SYNCED_HF_TOKEN_SECRET = "hf-token-synced"
HF_TOKEN_KEY = "HF_TOKEN"
WEIGHTS_WRITER = "weights-writer"
WEIGHTS_CLAIM = "weights"
SECRET_SYNC = "secret-sync"
# Of GKE: a regional load balancer on the internet, which a regional Cloud Armor policy guards.
PUBLIC_GATEWAY_CLASS = "gke-l7-regional-external-managed"


def cluster(stack: str) -> str:
    return f"dynamo-{stack}"


def platform_namespace(namespace: str) -> str:
    """Namespace of the Dynamo operator that a stack installs; no workload namespace ends like it."""
    return f"{namespace}-system"


def cluster_scoped(namespace: str, name: str) -> str:
    """Name of something that belongs to no namespace: another stack of the same cluster must not use it too.

    In the namespace of a stack's own cluster, where nobody else is, the name stays as it is.
    """
    return name if namespace == OWN_NAMESPACE else f"{namespace}-{name}"


def cluster_identifier(project: str, location: str, cluster: str) -> str:
    """The cluster's path in Google Cloud, known before the cluster exists."""
    return f"projects/{project}/locations/{location}/clusters/{cluster}"


def node_account(stack: str) -> str:
    """The account id of the nodes; 30 characters at most."""
    return f"dynamo-{stack}-nodes"


def token_secret(stack: str) -> str:
    """The secret in Secret Manager that the token for gated models is put into."""
    return f"dynamo-{stack}-hf-token"


def gke_agent(number: str) -> str:
    """The account that GKE itself acts as in a project; unverified that it is there as soon as the API is on."""
    return f"service-{number}@container-engine-robot.iam.gserviceaccount.com"


def weights_bucket(project: str, stack: str) -> str:
    """Bucket names are global, a project's id is too; 63 characters at most."""
    return f"{project}-dynamo-{stack}-weights"


def weights_job(repository: str, revision: str) -> str:
    """The Job that fetches a revision. Another revision is another Job, so that a pinned one runs once; 61 characters
    at most, because the Job's name becomes a label of its pods."""
    model = re.sub(r"[^a-z0-9]+", "-", repository.rpartition("/")[2].lower())[:40].strip("-")
    return f"weights-{model}-{revision[:12]}"


def runtime_account(graph: str) -> str:
    """The Kubernetes service account that a graph's pods run as; 38 characters at most."""
    return f"{graph}-runtime"


def discovery_role(graph: str) -> str:
    """The Role that the operator makes for a graph; by it workers and frontends find each other."""
    return f"{graph}-k8s-service-discovery-role"


def principal(project: str, number: str, namespace: str, account: str) -> str:
    """A Kubernetes service account as Google's IAM names it."""
    pool = f"projects/{number}/locations/global/workloadIdentityPools/{project}.svc.id.goog"
    return f"principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{account}"


def claim_template(nics: int | Literal["all"]) -> str:
    """The ResourceClaimTemplate that gives a pod that many RDMA NICs."""
    return f"rdma-{nics}"


def gvnic_network(namespace: str) -> str:
    """Network object of a node's second gVNIC. Cluster-scoped."""
    return cluster_scoped(namespace, "gvnic-1")


def rdma_networks(namespace: str, nics: int) -> tuple[str, ...]:
    """Network objects of a node's RDMA NICs, in their order. Cluster-scoped."""
    return tuple(cluster_scoped(namespace, f"rdma-{n}") for n in range(nics))


def frontend_service(graph: str) -> str:
    """The Service that the operator makes for a graph's component called `frontend`, port 8000."""
    return f"{graph}-frontend"


def endpoint_service(graph: str) -> str:
    """The load balancer's Service; not `-frontend`, which is the operator's."""
    return f"{graph}-endpoint"


def gateway(stack: str) -> str:
    """The public gateway of a stack and what belongs to it: address, certificate, security policy."""
    return f"dynamo-{stack}-gateway"


def of_domain(domain: str) -> str:
    """Eight hexadecimal digits for the names of what belongs to a domain."""
    return hashlib.sha256(domain.encode()).hexdigest()[:8]


def scaling_adapter(graph: str, component: str) -> str:
    """The object that the operator makes for a component with a scaling adapter."""
    return f"{graph}-{component}"


def endpoint_address(stack: str, graph: str) -> str:
    return f"dynamo-{stack}-{graph}"
