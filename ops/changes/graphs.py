"""Updates of a graph that the webhook of Dynamo's operator refuses, read in the source of operator 1.5. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

Graph = Mapping[str, Any]


def refused(before: Graph, after: Graph) -> Iterator[str]:
    """Why `pulumi up` fails to update a graph in place, one sentence each, from its old and new inputs."""
    if _fixed(before) != _fixed(after):
        yield (
            "`pulumi up` fails: the operator changes neither the engine nor the components of a graph; first run "
            "`pulumi up` once with this version of the program and the old engine and layout, then the next replaces it"
        )
        return
    old = {component["name"]: component for component in before["spec"]["components"]}
    for new in after["spec"]["components"]:
        was = old[new["name"]]
        gains = "scalingAdapter" in new and "scalingAdapter" not in was
        if gains and "replicas" not in new and was.get("replicas", 1) != 1:
            setting = f"models.{after['metadata']['name']}.{new['name']}.replicas"
            yield (
                f"`pulumi up` fails: {new['name']} has {was['replicas']} replicas, but the operator starts autoscaling "
                f"only from one; first set {setting} to 1 and update, then set the range"
            )


def _fixed(graph: Graph) -> tuple[Any, list[str]]:
    """The parts of a graph for which `manifests.dgd` has a trigger."""
    spec = graph["spec"]
    return spec.get("backendFramework"), sorted(component["name"] for component in spec["components"])
