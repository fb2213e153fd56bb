"""The check of a stack after its first update: names, selectors, identities, order and protection. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.rehearsal.engine import creation_order, identities, left_over, named_objects, protection, selected_pods
from ops.rehearsal.engine.named_objects import name_of
from ops.rehearsal.engine.selected_pods import Object
from ops.rehearsal.google.cloud import Resource
from planning.types import Plan


def of_stack(
    state: Sequence[Mapping[str, Any]], every: Sequence[Object], cloud: Sequence[Resource], plan: Plan
) -> list[str]:
    """A sentence for each thing that leads nowhere or may come too early.

    `every`: all objects of the cluster, of which the stack's own are checked.
    """
    created = {each.called for each in left_over.objects(state)}
    objects = [each for each in every if name_of(each) in created]
    return [
        *selected_pods.violations(objects, every),
        *named_objects.violations(objects, every),
        *identities.violations(cloud, every),
        *creation_order.violations(state),
        *protection.violations(state, plan),
    ]
