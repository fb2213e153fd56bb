"""Whether an empty node could take a pod: a small part of the scheduler's rules, for the node adder. Pure.

Knows node selectors, required node affinity, taints and resources. Ignores pod affinity, spread, volumes and device
claims, as far as which the scheduler alone decides; it then leaves the pod pending on the added node as on any other.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Pod = Mapping[str, Any]
Node = Mapping[str, Any]
Resources = dict[str, Decimal]

_SUFFIXES = {"m": Decimal("0.001"), "k": Decimal(1000), "": Decimal(1)}
_SUFFIXES |= {letter: Decimal(1000) ** power for power, letter in enumerate("MGTPE", 2)}
_SUFFIXES |= {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}


def fits(pod: Pod, node: Node, free: Mapping[str, Decimal]) -> bool:
    """Whether the node, with those resources free, could take the pod."""
    return accepts(pod, node) and all(amount <= free.get(name, 0) for name, amount in requests(pod).items() if amount)


def accepts(pod: Pod, node: Node) -> bool:
    """Whether the pod selects the node and tolerates its taints."""
    labels: Mapping[str, str] = node["metadata"].get("labels", {})
    selected = all(labels.get(name) == value for name, value in pod["spec"].get("nodeSelector", {}).items())
    return selected and _in_affinity(pod, labels) and all(_tolerates(pod, taint) for taint in _hard_taints(node))


def allocatable(node: Node) -> Resources:
    return {name: quantity(amount) for name, amount in node["status"]["allocatable"].items()}


def remaining(free: Mapping[str, Decimal], pod: Pod) -> Resources:
    """The resources that are free beside the pod."""
    taken = requests(pod)
    return {name: amount - taken.get(name, 0) for name, amount in free.items()}


def requests(pod: Pod) -> Resources:
    """The pod's requests, as the scheduler counts them.

    Init containers run one after the other, beside the sidecars that started before them.
    """
    spec = pod["spec"]
    running: Resources = {"pods": Decimal(1)}
    starting: Resources = {}
    for container in spec.get("initContainers", []):
        if container.get("restartPolicy") == "Always":
            running = _sum((running, _of_container(container)))
            starting = _max(starting, running)
        else:
            starting = _max(starting, _sum((running, _of_container(container))))
    running = _sum((running, *map(_of_container, spec["containers"])))
    overhead = {name: quantity(amount) for name, amount in spec.get("overhead", {}).items()}
    return _sum((_max(starting, running), overhead))


def quantity(text: str | int) -> Decimal:
    """The number that a Kubernetes quantity such as 500m, 2Gi or 1e3 stands for."""
    written = str(text)
    number = written.rstrip("mkKMGTPEi")
    return Decimal(number) * _SUFFIXES[written[len(number) :]]


def _of_container(container: Mapping[str, Any]) -> Resources:
    """A limit without a request is the request."""
    resources = container.get("resources", {})
    wanted = {**resources.get("limits", {}), **resources.get("requests", {})}
    return {name: quantity(amount) for name, amount in wanted.items()}


def _sum(parts: Iterable[Mapping[str, Decimal]]) -> Resources:
    total: Resources = {}
    for part in parts:
        for name, amount in part.items():
            total[name] = total.get(name, Decimal(0)) + amount
    return total


def _max(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> Resources:
    return {name: max(one.get(name, Decimal(0)), other.get(name, Decimal(0))) for name in {*one, *other}}


def _in_affinity(pod: Pod, labels: Mapping[str, str]) -> bool:
    """Terms are alternatives. A term with matchFields names a node that exists, so no new node matches it."""
    wanted = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    required = wanted.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(
        not term.get("matchFields") and all(matches(labels, rule) for rule in term.get("matchExpressions", []))
        for term in required["nodeSelectorTerms"]
    )


def matches(labels: Mapping[str, str], rule: Mapping[str, Any]) -> bool:
    """Whether labels meet one expression of a selector."""
    value, values = labels.get(rule["key"]), rule.get("values", [])
    match rule["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and int(value) > int(values[0])
        case "Lt":
            return value is not None and int(value) < int(values[0])
        case operator:
            raise AssertionError(f"the API server would have refused the operator {operator}")


def _hard_taints(node: Node) -> Iterable[Mapping[str, str]]:
    return (taint for taint in node["spec"].get("taints", []) if taint["effect"] != "PreferNoSchedule")


def _tolerates(pod: Pod, taint: Mapping[str, str]) -> bool:
    return any(
        toleration.get("key", taint["key"]) == taint["key"]
        and toleration.get("effect") in (None, "", taint["effect"])
        and (toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", ""))
        for toleration in pod["spec"].get("tolerations", [])
    )
