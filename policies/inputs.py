"""Functions that read inputs as Pulumi sends them: proxy mappings and sequences that raise on an unknown value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from pulumi_policy import PolicyResource
from pulumi_policy.proxy import UnknownValueError


def is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def at(props: Mapping[str, Any], *path: str) -> Any:
    """The value at a path; None if a part of the path is missing. Raises UnknownValueError on an unknown value."""
    here: Any = props
    for key in path:
        here = here.get(key) if is_object(here) else None
    return here


def items(props: Mapping[str, Any], *path: str) -> Sequence[Any]:
    """The list at a path; empty if there is none."""
    found = at(props, *path)
    return found if is_list(found) else ()


def block(props: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The object at a path; empty if there is none."""
    found = at(props, *path)
    return found if is_object(found) else {}


def of_type(resources: Sequence[PolicyResource], resource_type: str) -> list[PolicyResource]:
    return [resource for resource in resources if resource.resource_type == resource_type]


def name_of(resource: PolicyResource) -> str:
    """The Kubernetes name of a resource."""
    return at(resource.props, "metadata", "name")


def namespace_of(resource: PolicyResource) -> str:
    """The Kubernetes namespace of a resource."""
    return at(resource.props, "metadata", "namespace")


def is_given(props: Mapping[str, Any], *path: str) -> bool:
    """Whether a value is set, known or unknown."""
    try:
        return bool(at(props, *path))
    except UnknownValueError:
        return True


def plain(value: Any) -> Any:
    """The same value without proxies, so that == works. Raises UnknownValueError if a part is unknown."""
    if is_object(value):
        return {key: plain(value[key]) for key in value}
    if is_list(value):
        return [plain(value[index]) for index in range(len(value))]
    return value


def known_texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every known string below a value, with its path; unknown values are skipped."""
    if isinstance(value, str):
        yield path, value
    for key, child in _known_children(value):
        yield from known_texts(child, f"{path}[{key}]" if is_list(value) else f"{path}.{key}".lstrip("."))


def keys(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every key of every object below a value, with the object's path; unknown values are skipped."""
    if is_object(value):
        yield from ((path or "it", str(key)) for key in value)
    for key, child in _known_children(value):
        yield from keys(child, f"{path}.{key}".lstrip("."))


def _known_children(value: Any) -> Iterator[tuple[str | int, Any]]:
    """The known values directly below an object or a list, each with its key or index."""
    whole: Any = value
    for key in value if is_object(value) else range(len(value)) if is_list(value) else ():
        try:
            child = whole[key]
        except UnknownValueError:
            continue
        yield key, child


def needs(resource: PolicyResource) -> set[str]:
    """URNs of all resources that Pulumi deletes only after this one: its dependencies and parents, transitively."""
    found: set[str] = set()
    todo = [resource]
    while todo:  # each URN enters once
        here = todo.pop()
        for needed in (*here.dependencies, *([here.parent] if here.parent else [])):
            if needed.urn not in found:
                found.add(needed.urn)
                todo.append(needed)
    return found
