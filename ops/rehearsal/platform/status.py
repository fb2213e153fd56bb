"""The status that Dynamo's operator writes, from a graph and its Deployments. Pure."""

from collections.abc import Sequence
from typing import Any

from ops.rehearsal.platform import names
from ops.rehearsal.platform.names import Object
from ops.rehearsal.platform.rollout import Rollout, count_of

_COUNTERS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


def of_graph(graph: Object, rollout: Rollout, live: Sequence[Object], now: str) -> dict[str, Any]:
    """The graph's new status. `now`: the time in the condition, if the condition changes."""
    metadata = graph["metadata"]
    namespace = names.dynamo_namespace(metadata["namespace"], metadata["name"])
    by_name = {each["metadata"]["name"]: each for each in live}
    components: dict[str, Any] = {}
    waits: list[str] = []
    for component, wanted in zip(names.components(graph), rollout.deployments, strict=True):
        deployment = by_name.get(wanted["metadata"]["name"])
        counts = {counter: count_of(deployment, counter) for counter in _COUNTERS}
        components[component["name"]] = {"componentKind": "Deployment", **counts, "runtimeNamespace": namespace}
        replicas = component.get("replicas", 1)
        if counts["readyReplicas"] < replicas or counts["updatedReplicas"] != replicas:
            waits.append(f"{component['name']}: {counts['readyReplicas']} of {replicas} ready")
    reason = "all_resources_are_ready"
    if rollout.in_progress:
        reason = "rolling_update_in_progress"
    elif waits:
        reason = "pods_not_ready"
    ready = {
        "type": "Ready",
        "status": "False" if rollout.in_progress or waits else "True",
        "reason": reason,
        "message": "; ".join(waits) or ("older workers are left" if rollout.in_progress else "all resources are ready"),
    }
    return {
        "observedGeneration": metadata["generation"],
        "state": "successful" if ready["status"] == "True" else "pending",
        "components": components,
        "conditions": [_dated(ready, graph, now)],
        "rollingUpdate": {"phase": "InProgress" if rollout.in_progress else "Completed"},
    }


def of_adapter(graph: Object, adapter: Object) -> dict[str, Any]:
    """The adapter's status. `replicas` is the wanted number, which autoscalers therefore believe at once."""
    component = adapter["spec"]["dgdRef"]["componentName"]
    return {
        "replicas": adapter["spec"]["replicas"],
        "selector": names.selector_of(graph["metadata"]["name"], component),
    }


def scaled_components(graph: Object, adapters: Sequence[Object]) -> list[Object] | None:
    """The graph's components with the replicas of their adapters; None if they already have them."""
    wanted = {each["spec"]["dgdRef"]["componentName"]: each["spec"]["replicas"] for each in adapters}
    components = [
        {**each, "replicas": wanted[each["name"]]} if "scalingAdapter" in each and each["name"] in wanted else each
        for each in names.components(graph)
    ]
    return components if components != names.components(graph) else None


def _dated(condition: dict[str, Any], graph: Object, now: str) -> dict[str, Any]:
    """The condition with the time since when it has had its value."""
    for old in graph.get("status", {}).get("conditions", ()):
        if old["type"] == condition["type"] and old["status"] == condition["status"]:
            return condition | {"lastTransitionTime": old["lastTransitionTime"]}
    return condition | {"lastTransitionTime": now}
