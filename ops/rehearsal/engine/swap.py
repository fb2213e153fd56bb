"""The model swap of a rehearsal: another card of the catalog that fits on the stack's own pools."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.models import card_names
from ops.changes import lock_out
from ops.offline.dry_run import planned
from planning.types import Plan
from reading.errors import ConfigInvalid


@dataclass(frozen=True, kw_only=True)
class Swap:
    graph: str
    before: str
    after: str
    settings: Mapping[str, str]
    """Path below `dynamo-gke:models` → value, as `pulumi config set --path` takes them."""

    plan: Plan
    """The stack's plan afterwards."""

    @property
    def stops_all_first(self) -> bool:
        """Whether the update finishes only if all old engines stop before the first new one starts."""
        return len(self.settings) > 1


def find(stack: str, overrides: Sequence[str], plan: Plan) -> Swap | None:
    """A swap of the first graph's model that keeps every pool, finishes, and needs no token that the stack lacks.

    None if no other card fits so.
    """
    graph = plan.graphs[0]
    at = f'["{graph.name}"]'
    for more in ({}, {f"{at}.updateStrategy": "recreate"}):
        for name in _nearest(card_names(), graph.card.name):
            settings = {f"{at}.model": name, **more}
            try:
                other = planned(stack, [*overrides, *(f"models{path}={value}" for path, value in settings.items())])
            except ConfigInvalid:
                continue
            lacks_token = other.missing_token and not plan.missing_token
            if other.pools == plan.pools and not lacks_token and not lock_out.of_plans(graph.name, plan, other):
                return Swap(graph=graph.name, before=graph.card.name, after=name, settings=settings, plan=other)
    return None


def _nearest(names: Sequence[str], name: str) -> Iterator[str]:
    """The other cards; those with the most similar names first, because their settings more often fit."""
    yield from difflib.get_close_matches(name, [other for other in names if other != name], n=len(names), cutoff=0.0)
