"""Whether what selects pods by their labels selects any, and finds the port that it names. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.rehearsal.engine.object_names import Object
from ops.rehearsal.fitting import matches


def violations(objects: Sequence[Object], every: Sequence[Object]) -> Iterator[str]:
    """A sentence for each of the objects that selects no pod, or a port that its pods lack.

    `every`: all objects of the cluster. A pod of a Job that is done may be gone, so the Job's template counts too.
    """
    pods = [*_pods(every)]
    for each in objects:
        namespace = each["metadata"].get("namespace")
        here = [pod for pod in pods if pod["metadata"]["namespace"] == namespace]
        for selector in _selectors(each):
            chosen = [pod for pod in here if selects(selector, pod["metadata"].get("labels", {}))]
            if not chosen:
                yield f"{named(each)} selects no pod: none in {namespace} has {_wanted(selector)}"
            for port in _ports(each):
                if chosen and not any(port in _of_containers(pod) for pod in chosen):
                    yield f"{named(each)} sends to port {port}, which no container of its pods has"


def named(each: Object) -> str:
    return f"{each['kind']} {each['metadata']['name']}"


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects what has the labels; an empty one selects all."""
    exact = selector.get("matchLabels") or {}
    rules = selector.get("matchExpressions") or []
    return exact.items() <= labels.items() and all(matches(labels, rule) for rule in rules)


def _pods(every: Sequence[Object]) -> Iterator[Object]:
    for each in every:
        if each["kind"] == "Pod":
            yield each
        elif each["kind"] == "Job":
            template = each["spec"]["template"]
            yield {**template, "metadata": {**template["metadata"], "namespace": each["metadata"]["namespace"]}}


def _selectors(each: Object) -> Iterator[Mapping[str, Any]]:
    spec = each.get("spec") or {}
    match each["kind"]:
        case "NetworkPolicy":
            yield spec["podSelector"]
        case "PodMonitoring" | "PodDisruptionBudget":
            yield spec["selector"]
        case "Service" if spec.get("selector"):
            yield {"matchLabels": spec["selector"]}
        case "AutoscalingMetric":
            yield from (metric["pod"]["selector"] for metric in spec["metrics"])
        case _:
            return


def _ports(each: Object) -> Iterator[str | int]:
    """The ports of containers that must exist. A number need not be declared for a collector to reach it."""
    spec = each.get("spec") or {}
    match each["kind"]:
        case "Service":
            yield from (port.get("targetPort", port["port"]) for port in spec["ports"])
        case "PodMonitoring":
            yield from (end["port"] for end in spec["endpoints"] if isinstance(end["port"], str))
        case _:
            return


def _of_containers(pod: Object) -> set[str | int]:
    ports = [port for each in pod["spec"]["containers"] for port in each.get("ports", ())]
    return {port[key] for port in ports for key in ("name", "containerPort") if key in port}


def _wanted(selector: Mapping[str, Any]) -> str:
    exact = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    rules = [
        " ".join((rule["key"], rule["operator"], *([f"({', '.join(rule['values'])})"] if rule.get("values") else [])))
        for rule in selector.get("matchExpressions") or []
    ]
    return ", ".join((*exact, *rules)) or "any labels"
