"""The objects that Dynamo's operator creates for a graph, beside its Deployments. Pure.

Not shown: the DynamoComponentDeployments between a graph and its Deployments, and what planners, endpoint pickers and
Grove need.
"""

from typing import Any

from ops.rehearsal.platform import names
from ops.rehearsal.platform.names import Object

_READ = ["get", "list", "watch"]
_PORTS = {"frontend": ("http", 8000), **dict.fromkeys(names.WORKERS, ("system", 9090))}


def fixed(graph: Object) -> list[Object]:
    """The objects that depend on the graph alone: Services, and the account with the rights of discovery."""
    served = [each for each in names.components(graph) if each.get("type") in _PORTS]
    return [*_discovery(graph), *(_service(graph, each) for each in served)]


def adapters(graph: Object) -> list[Object]:
    """Scaling adapters as created: their number of replicas begins with the component's, and is then their own."""
    return [
        child(
            graph,
            names.GROUP,
            names.ADAPTER_KIND,
            names.of_component(graph["metadata"]["name"], component["name"]),
            labels={names.COMPONENT: component["name"]},
            spec={
                "replicas": component.get("replicas", 1),
                "dgdRef": {"name": graph["metadata"]["name"], "componentName": component["name"]},
            },
        )
        for component in names.components(graph)
        if "scalingAdapter" in component
    ]


def child(
    graph: Object, api_version: str, kind: str, name: str, labels: dict[str, str] | None = None, **content: Any
) -> Object:
    """An object that Kubernetes deletes with the graph."""
    owner = {
        "apiVersion": names.GROUP,
        "kind": names.GRAPH_KIND,
        "name": graph["metadata"]["name"],
        "uid": graph["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": name,
        "namespace": graph["metadata"]["namespace"],
        "labels": {names.GRAPH: graph["metadata"]["name"], **(labels or {})},
        "ownerReferences": [owner],
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _service(graph: Object, component: Object) -> Object:
    name, number = _PORTS[component["type"]]
    chosen = {names.GRAPH: graph["metadata"]["name"], names.COMPONENT: component["name"]}
    return child(
        graph,
        "v1",
        "Service",
        names.of_component(graph["metadata"]["name"], component["name"]),
        labels={names.COMPONENT: component["name"]},
        spec={"selector": chosen, "ports": [{"name": name, "port": number, "targetPort": name, "protocol": "TCP"}]},
    )


def _discovery(graph: Object) -> list[Object]:
    account = names.discovery(graph["metadata"]["name"])
    rbac = "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": [""], "resources": ["pods", "endpoints"], "verbs": _READ},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READ},
        {
            "apiGroups": ["nvidia.com"],
            "resources": ["dynamoworkermetadatas"],
            "verbs": ["create", *_READ, "update", "patch", "delete"],
        },
    ]
    subject = {"kind": "ServiceAccount", "name": account, "namespace": graph["metadata"]["namespace"]}
    return [
        child(graph, "v1", "ServiceAccount", account),
        child(graph, f"{rbac}/v1", "Role", f"{account}-role", rules=rules),
        child(
            graph,
            f"{rbac}/v1",
            "RoleBinding",
            f"{account}-binding",
            roleRef={"apiGroup": rbac, "kind": "Role", "name": f"{account}-role"},
            subjects=[subject],
        ),
    ]
