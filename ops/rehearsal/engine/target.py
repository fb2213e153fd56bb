"""The resource whose creation `--fail TEXT` breaks. Pure."""

import difflib
from collections.abc import Sequence

from ops.rehearsal.engine.events import is_resource, name_of, short, type_of
from reading.errors import ConfigInvalid, Error, shown

_SHOWN = 5
_EXAMPLES = "give part of a type, such as NodePool, or of a name, such as chat-graph"


def check(text: str, urns: Sequence[str]) -> None:
    """Raises ConfigInvalid if no resource that a provider creates has the text in its URN.

    A URN has the types of its parents, but not their names: `GpuPool` is part of a node pool's URN, `GpuPool::decode`
    only of its component's, which nobody creates.
    """
    if not text:
        raise ConfigInvalid(
            [Error("--fail", "is empty, so it is part of every URN; give part of one, such as NodePool")]
        )
    resources = [urn for urn in urns if is_resource(urn)]
    if any(text in urn for urn in resources):
        return
    components = [urn for urn in urns if text in urn and not is_resource(urn)]
    if components:
        raise ConfigInvalid([Error("--fail", _of_component(components[0], resources))])
    if urns and text in _stacks_own(urns[0]):
        why = f"only the stack's own URN has {shown(text)}, and the stack is not created by a provider"
        raise ConfigInvalid([Error("--fail", f"{why}; {_EXAMPLES}")])
    near = _nearest(text, resources)
    hint = f"the nearest: {', '.join(near)}" if near else _EXAMPLES
    raise ConfigInvalid([Error("--fail", f"no resource has {shown(text)} in its URN; {hint}")])


def _stacks_own(urn: str) -> str:
    """The URN of the stack that a resource is in, which the engine names after the project and the stack."""
    stack, project, *_ = urn.removeprefix("urn:pulumi:").split("::")
    return f"urn:pulumi:{stack}::{project}::pulumi:pulumi:Stack::{project}-{stack}"


def _of_component(component: str, resources: Sequence[str]) -> str:
    kind = component.split("::")[2]
    below = [urn for urn in resources if urn.split("::")[2].startswith(f"{kind}$")]
    inside = f"; resources in such components: {', '.join(map(name_of, below[:_SHOWN]))}" if below else ""
    return f"{short(component)} is a component, which groups resources and is not created itself{inside}"


def _nearest(text: str, resources: Sequence[str]) -> list[str]:
    """The most similar names and types, as parts of URNs; none if nothing is."""
    parts = {part.lower(): part for urn in resources for part in (name_of(urn), type_of(urn).rpartition(":")[2])}
    near = difflib.get_close_matches(text.lower(), list(parts), n=_SHOWN)
    return [parts[part] for part in near]
