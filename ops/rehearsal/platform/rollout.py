"""The Deployments of a graph, and how one generation of workers replaces another. Pure.

All workers of a graph change together: prefill and decode of different generations cannot work together. Each
generation has Deployments of its own, whose names end with the generation's hash.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

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
        new, old = _split(component, _Engines.of_newest(current), _Engines.of_older(older))
        newest.append({**own, "spec": {**own["spec"], "replicas": new}})
        kept = _kept(older, old)
        for each in older:
            if each["spec"]["replicas"] or _status(each, "replicas"):
                scaled[_name(each)] = kept[_name(each)]
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


@dataclass(frozen=True, kw_only=True)
class _Engines:
    """Engines of one component, of the newest or of all older generations."""

    asked: int
    available: int

    @classmethod
    def of_newest(cls, deployment: Object | None) -> Self:
        asked = deployment["spec"]["replicas"] if deployment else 0
        return cls(asked=asked, available=count_of(deployment, "availableReplicas"))

    @classmethod
    def of_older(cls, deployments: Sequence[Object]) -> Self:
        return cls(
            asked=sum(each["spec"]["replicas"] for each in deployments),
            available=sum(_status(each, "availableReplicas") for each in deployments),
        )


def _split(component: Object, new: _Engines, old: _Engines) -> tuple[int, int]:
    """Replicas of the new and of the older generations, within the component's limits.

    What the component keeps available counts old engines that are; those that are not leave first.
    """
    wanted = component.get("replicas", 1)
    notes = component.get("podTemplate", {}).get("metadata", {}).get("annotations", {})
    surge = _share(notes.get(f"{_NOTE}surge", _DEFAULT_SHARE), wanted, math.ceil)
    unavailable = _share(notes.get(f"{_NOTE}unavailable", _DEFAULT_SHARE), wanted, math.floor)
    if not surge and not unavailable:
        surge = 1  # or nothing could ever change
    least = wanted - unavailable
    removable = max(0, old.asked + new.available - least)
    surplus = max(0, old.available + new.available - least)
    idle = max(0, old.asked - old.available)
    added = max(0, wanted + surge - old.asked - new.asked)
    return min(wanted, new.asked + added), max(0, old.asked - min(removable, idle + surplus))


def _kept(older: Sequence[Object], count: int) -> dict[str, int]:
    """Replicas of each older generation: available engines stay first, of them the newest."""
    newest = sorted(older, key=lambda each: each["metadata"].get("creationTimestamp", ""), reverse=True)
    kept: dict[str, int] = {}
    for each in newest:
        kept[_name(each)] = min(count, _status(each, "availableReplicas"), each["spec"]["replicas"])
        count -= kept[_name(each)]
    for each in newest:
        more = min(count, each["spec"]["replicas"] - kept[_name(each)])
        kept[_name(each)] += more
        count -= more
    return kept


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


def _status(deployment: Object, counter: str) -> int:
    """A counter as last written, also of an older version of the Deployment."""
    return int(deployment.get("status", {}).get(counter, 0))
