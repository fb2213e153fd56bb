"""The model swap of a rehearsal: another card of the catalog that fits on the stack's own pools."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.models import card_names
from ops.changes import lock_out
from ops.offline.dry_run import planned
from planning.types import Graph, Plan
from reading.errors import ConfigInvalid


@dataclass(frozen=True, kw_only=True)
class Swap:
    graph: str
    before: str
    after: str
    settings: Mapping[str, str]
    """Path below `dynamo-gke:models` → value, as `pulumi config set --path` takes them."""

    @property
    def keeps_engines(self) -> bool:
        """Whether number and size of the engines had to be given."""
        return len(self.settings) > 1


def find(stack: str, overrides: Sequence[str], plan: Plan) -> Swap | None:
    """A swap of the first graph's model that keeps every pool and finishes; None if no other card fits so."""
    graph = plan.graphs[0]
    for settings_of in (lambda _: {}, _engines_given):
        for name in _nearest(card_names(), graph.card.name):
            at = f'["{graph.name}"]'
            settings = {f"{at}.model": name, **settings_of(graph)}
            try:
                other = planned(stack, [*overrides, *(f"models{path}={value}" for path, value in settings.items())])
            except ConfigInvalid:
                continue
            if other.pools == plan.pools and not lock_out.of_plans(graph.name, plan, other):
                return Swap(graph=graph.name, before=graph.card.name, after=name, settings=settings)
    return None


def _engines_given(graph: Graph) -> dict[str, str]:
    """Settings that fix the number and the GPUs of the graph's engines."""
    return {
        f'["{graph.name}"].{worker.role}.{key}': str(value)
        for worker in graph.workers
        for key, value in (("replicas", worker.replicas), ("tensorParallel", worker.tensor_parallel))
    }


def _nearest(names: Sequence[str], name: str) -> Iterator[str]:
    """The other cards; those with the most similar names first, because their settings more often fit."""
    yield from difflib.get_close_matches(name, [other for other in names if other != name], n=len(names), cutoff=0.0)
