"""The check of a stack after its first update: names, selectors, identities, order and protection. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.rehearsal.engine import creation_order, identities, left_over, named_objects, protection, selected_pods
from ops.rehearsal.engine.object_names import Object, name_of
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.google.outputs import PROJECT_NUMBER
from planning.types import Plan


def of_stack(
    state: Sequence[Mapping[str, Any]], every: Sequence[Object], cloud: Sequence[Resource], plan: Plan
) -> list[str]:
    """A sentence for each thing that leads nowhere or may come too early.

    `every`: all objects of the cluster, of which the stack's own are checked, with those that controllers made of them.
    """
    created = {each.called for each in left_over.objects(state)}
    objects = with_owned([each for each in every if name_of(each) in created], every)
    return [
        *selected_pods.violations(objects, every),
        *named_objects.violations(objects, every, cloud),
        *identities.violations(cloud, every, PROJECT_NUMBER),
        *creation_order.violations(state),
        *protection.violations(state, plan),
    ]


def with_owned(objects: Sequence[Object], every: Sequence[Object]) -> list[Object]:
    """The objects, what they own, what that owns, and so on."""
    owned: dict[str, list[Object]] = {}
    for each in every:
        for owner in each["metadata"].get("ownerReferences") or []:
            owned.setdefault(owner["uid"], []).append(each)
    found = {each["metadata"]["uid"]: each for each in objects}
    open_ = [*found]
    while open_:
        new = {each["metadata"]["uid"]: each for each in owned.get(open_.pop(), ())}
        open_ += new.keys() - found.keys()
        found |= new
    return [*found.values()]
