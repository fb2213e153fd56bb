"""Names and labels that Dynamo's operator gives to what it creates for a graph.

Written here once more, from NVIDIA's sources and not from the program, so that a name or label that the program gets
wrong finds nothing in a rehearsal.
"""

from typing import Any

Object = dict[str, Any]

GROUP = "nvidia.com/v1beta1"
GRAPH_KIND = "DynamoGraphDeployment"
ADAPTER_KIND = "DynamoGraphDeploymentScalingAdapter"
FINALIZER = "nvidia.com/finalizer"
ORIGIN_VERSION = "nvidia.com/dynamo-operator-origin-version"
GENERATION = "nvidia.com/current-worker-hash-v2"
"""Annotation of a graph: the hash of its serving workers."""

GRAPH = "nvidia.com/dynamo-graph-deployment-name"
COMPONENT = "nvidia.com/dynamo-component"
COMPONENT_TYPE = "nvidia.com/dynamo-component-type"
NAMESPACE = "nvidia.com/dynamo-namespace"
WORKER_HASH = "nvidia.com/dynamo-worker-hash"
METRICS_ENABLED = "nvidia.com/metrics-enabled"
DISCOVERY_BACKEND = "nvidia.com/dynamo-discovery-backend"
DISCOVERY_ENABLED = "nvidia.com/dynamo-discovery-enabled"
SELECTOR = "nvidia.com/selector"

WORKERS = ("worker", "prefill", "decode")
"""Types of components that are replaced together when one of them changes."""


def of_component(graph: str, component: str) -> str:
    """Name of a component's Service and scaling adapter, and of its Deployment without the workers' hash."""
    return f"{graph}-{component.lower()}"


def discovery(graph: str) -> str:
    """Name of the service account that the operator creates for a graph's pods."""
    return f"{graph}-k8s-service-discovery"


def dynamo_namespace(namespace: str, graph: str) -> str:
    return f"{namespace}-{graph}"


def components(graph: Object) -> list[Object]:
    return list(graph["spec"].get("components") or ())


def is_worker(component: Object) -> bool:
    return component.get("type") in WORKERS


def selector_of(graph: str, component: str) -> str:
    """Label selector of a component's pods, as scaling adapters report it."""
    return f"{GRAPH}={graph},{COMPONENT}={component}"
