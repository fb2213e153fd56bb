"""Where pods are described: in a Dynamo graph's components, and in the core kinds that start pods."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies import kinds
from policies.inputs import at, items

# Kinds with a pod template, by the path to its spec.
_POD_SPECS: Mapping[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "Job": ("spec", "template", "spec"),
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}


def pod_specs(resource_type: str, props: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The spec of each pod that a resource would start; none for one that starts no pods."""
    if resource_type == kinds.GRAPH:
        specs = [at(component, "podTemplate", "spec") for component in items(props, "spec", "components")]
    else:
        package, _, kind = resource_type.rpartition(":")
        path = _POD_SPECS.get(kind) if package.startswith("kubernetes:") else None
        specs = [at(props, *path)] if path else []
    yield from (spec for spec in specs if spec)


def containers(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("initContainers", "containers"):
        yield from items(pod, key)
