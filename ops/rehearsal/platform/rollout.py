"""The Deployments of a graph, and how one generation of workers replaces another. Pure.

All workers of a graph change together: prefill and decode of different generations cannot work together. Each
generation has Deployments of its own, whose names end with the generation's hash.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.rehearsal.platform import names, pods
from ops.rehearsal.platform.children import child
from ops.rehearsal.platform.names import Object

_DEFAULT_SHARE = "25%"
_NOTE = "nvidia.com/deployment-rolling-update-max-"


@dataclass(frozen=True)
class Rollout:
    """What to do now with a graph's Deployments."""

    deployments: tuple[Object, ...]
    """Those of the newest generation, to apply."""
    scaled: Mapping[str, int]
    """Name → replicas of the Deployments of older generations that still have pods."""
    obsolete: tuple[str, ...]
    """Names of Deployments to delete."""

    @property
    def in_progress(self) -> bool:
        return bool(self.scaled)


def next_step(graph: Object, live: Sequence[Object]) -> Rollout:
    """The next step, from the graph's Deployments as they are. Repeating it ends with one generation."""
    generation = pods.worker_hash(graph)
    components = {each["name"]: each for each in names.components(graph)}
    newest: list[Object] = []
    scaled: dict[str, int] = {}
    obsolete = [_name(each) for each in live if _component(each) not in components]
    for component in components.values():
        own = _deployment(graph, component, generation)
        of_component = [each for each in live if _component(each) == component["name"]]
        current = next((each for each in of_component if _name(each) == _name(own)), None)
        older = [each for each in of_component if each is not current]
        new, old = _split(component, ready=count_of(current, "readyReplicas"), older=_pods(older))
        newest.append({**own, "spec": {**own["spec"], "replicas": new}})
        for each in older:
            if each["spec"]["replicas"] or _pods([each]):
                scaled[_name(each)] = min(old, each["spec"]["replicas"])
            else:
                obsolete.append(_name(each))
    return Rollout(tuple(newest), scaled, tuple(obsolete))


def count_of(deployment: Mapping[str, Any] | None, counter: str) -> int:
    """A counter of a Deployment's status; 0 while Kubernetes has not seen the Deployment's newest version."""
    if not deployment:
        return 0
    status = deployment.get("status", {})
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return 0
    return int(status.get(counter, 0))


def _split(component: Object, *, ready: int, older: int) -> tuple[int, int]:
    """Replicas of the new and of the older generations, within the component's limits. `older`: pods of the latter."""
    wanted = component.get("replicas", 1)
    if not older:
        return wanted, 0
    notes = component.get("podTemplate", {}).get("metadata", {}).get("annotations", {})
    surge = _share(notes.get(f"{_NOTE}surge", _DEFAULT_SHARE), wanted, math.ceil)
    unavailable = _share(notes.get(f"{_NOTE}unavailable", _DEFAULT_SHARE), wanted, math.floor)
    if not surge:
        unavailable = max(unavailable, 1)  # or nothing could ever change
    return min(wanted, max(0, wanted + surge - older)), max(0, wanted - unavailable - ready)


def _share(given: str, of: int, rounded: Any) -> int:
    return rounded(of * int(given.removesuffix("%")) / 100) if given.endswith("%") else int(given)


def _deployment(graph: Object, component: Object, generation: str) -> Object:
    name = names.of_component(graph["metadata"]["name"], component["name"])
    if names.is_worker(component):
        name = f"{name}-{generation}"
    template = pods.template(graph, component, generation)
    template["metadata"]["labels"][names.SELECTOR] = name
    notes = template["metadata"]["annotations"]
    rolling = {
        "maxSurge": _number(notes.get(f"{_NOTE}surge", _DEFAULT_SHARE)),
        "maxUnavailable": _number(notes.get(f"{_NOTE}unavailable", _DEFAULT_SHARE)),
    }
    kind = notes.get("nvidia.com/deployment-strategy", "RollingUpdate")
    strategy = {"type": kind, **({"rollingUpdate": rolling} if kind == "RollingUpdate" else {})}
    labels = {names.COMPONENT: component["name"]}
    spec = {"selector": {"matchLabels": {names.SELECTOR: name}}, "strategy": strategy, "template": template}
    return child(graph, "apps/v1", "Deployment", name, labels=labels, spec=spec)


def _number(given: str) -> int | str:
    return given if given.endswith("%") else int(given)


def _name(deployment: Object) -> str:
    return str(deployment["metadata"]["name"])


def _component(deployment: Object) -> str:
    return str(deployment["metadata"]["labels"].get(names.COMPONENT, ""))


def _pods(deployments: Sequence[Object]) -> int:
    return sum(int(each.get("status", {}).get("replicas", 0)) for each in deployments)
