"""Finds pod specs anywhere in a Kubernetes object of any kind, and rejects unknown values of a chart."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy.proxy import UnknownValueError

from policies import kinds
from policies.inputs import at, is_list, is_object, items, plain

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
# Keys that mark a block as a pod spec or a patch of one.
_OF_A_POD = frozenset({*_CONTAINERS, "hostNetwork", "hostPID", "hostIPC", "hostUsers", "volumes"})

_HOLDS_PODS = frozenset({*_OF_A_POD, "spec", "template", "podTemplate", "jobTemplate", "components", "items"})

# This kind selects containers of running pods and starts none.
_SELECTS_CONTAINERS = kinds.AUTOSCALING_METRIC


def pod_specs(resource_type: str, props: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The spec of each pod that a resource would start.

    A block's keys identify a pod spec, not its place: lists, patches and custom resources describe pods, too.
    """
    if resource_type == kinds.RELEASE:
        plain(at(props, "values"))  # raises for an unknown value, because any value of a chart may end up in a pod
    if resource_type.startswith("kubernetes:") and resource_type != _SELECTS_CONTAINERS:
        yield from (block for block in blocks(props) if _OF_A_POD & set(block))


def containers(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in _CONTAINERS:
        yield from (container for container in items(pod, key) if is_object(container))


def command_line(container: Mapping[str, Any]) -> list[str]:
    """The words of a container's command and arguments. Raises UnknownValueError for an unknown one."""
    return [str(word) for key in ("command", "args") for word in items(container, key)]


def blocks(value: Any, key: str = "") -> Iterator[Mapping[str, Any]]:
    """Every object below a value, including itself. Raises UnknownValueError for an unknown that could hold a pod."""
    whole: Any = value
    children: list[tuple[str | int, str]] = []
    if is_object(value):
        yield value
        children = [(inner, str(inner)) for inner in value]
    elif is_list(value):
        children = [(index, key) for index in range(len(value))]
    for place, name in children:
        try:
            child = whole[place]
        except UnknownValueError:
            if name in _HOLDS_PODS:
                raise
            continue
        yield from blocks(child, name)
