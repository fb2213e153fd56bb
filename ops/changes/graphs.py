"""Graphs before and after a change: what restarts, and what the webhook of Dynamo's operator refuses (read in the
source of operator 1.5). Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

Graph = Mapping[str, Any]


def workers(graph: Graph) -> list[dict[str, Any]]:
    """The components that run engines."""
    return [component for component in graph["spec"]["components"] if component.get("type") != "frontend"]


def restarts(before: Graph, after: Graph) -> bool:
    """Whether all workers of a graph restart: a worker changes in anything but its number and who sets that.

    All workers of a graph share one generation, so a change of one role restarts both (docs/upgrades.md).
    """
    old, new = ({each["name"]: _generation(each) for each in workers(graph)} for graph in (before, after))
    return old != new


def _generation(worker: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in worker.items() if key not in ("replicas", "scalingAdapter")}


def refused(before: Graph, after: Graph) -> Iterator[str]:
    """Why `pulumi up` fails to update a graph in place, one sentence each, from its old and new inputs."""
    if fixed(before) != fixed(after):
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


def fixed(graph: Graph) -> tuple[Any, list[str]]:
    """The parts of a graph for which `manifests.dgd` has a trigger."""
    spec = graph["spec"]
    return spec.get("backendFramework"), sorted(component["name"] for component in spec["components"])
