"""The model swap of a rehearsal: as asked for, or another card of the catalog that fits on the stack's own pools."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.models import card_names
from ops.changes import lock_out
from ops.offline.dry_run import planned
from ops.offline.stackfile import value_at
from planning.types import Graph, Plan
from reading.errors import ConfigInvalid, Error, shown
from settings import config_block

_SINGLE_ONLY = "must be path=value with a single value, no list or object, and not empty"
_SUCH_AS = "such as models.chat.model=NAME"


@dataclass(frozen=True, kw_only=True)
class Swap:
    graph: str
    before: str
    after: str
    settings: Mapping[str, str]
    """Path → value, with the namespace of the key."""

    plan: Plan
    """The stack's plan afterwards."""

    stops_all_first: bool
    """Whether it also changes the update strategy, so that all old engines stop before the first new one starts."""


def given(stack: str, overrides: Sequence[str], values: Sequence[str], plan: Plan) -> Swap:
    """The swap by `path=value`. Raises ConfigInvalid for invalid values, and unless one graph gets another model, on
    the same pools, and nothing else changes."""
    _refuse([each for each in values if not all(each.partition("="))])
    try:
        other = planned(stack, [*overrides, *values])
    except ConfigInvalid as invalid:  # the overrides alone are valid
        own_option = (Error("--swap", error.message) if error.path == "--set" else error for error in invalid.errors)
        raise ConfigInvalid(own_option) from None
    settings = {path: value for path, _, value in (each.partition("=") for each in values)}
    # `pulumi config set` would make text of an object or a list, and of a null.
    single = (str, bool, int, float)
    _refuse([f"{path}={value}" for path, value in settings.items() if not isinstance(value_at(path, value), single)])
    after = {graph.name: graph for graph in other.graphs}
    swapped = [graph for graph in plan.graphs if graph.card.name != after.get(graph.name, graph).card.name]
    if len(swapped) != 1:
        now = ", ".join(f"{graph.name} has {graph.card.name}" for graph in plan.graphs)
        why = f"{len(swapped) or 'no'} graphs get another model, and {now}; swap that of one graph, {_SUCH_AS}"
        raise ConfigInvalid([Error("--swap", why)])
    (graph,) = swapped
    own = tuple(config_block.full(f"models{at}") + end for at in _names(graph.name) for end in (".", "["))
    if foreign := [path for path in settings if not config_block.full(path).startswith(own)]:
        why = f"is no setting of models.{graph.name}, whose model is swapped; change it with an update of its own"
        raise ConfigInvalid([Error("--swap", f"{path} {why}") for path in foreign])
    if other.pools != plan.pools:
        why = f"{after[graph.name].card.name} would change the node pools, which is more than a model swap"
        raise ConfigInvalid([Error("--swap", f"{why}; ./dynamo-gke diff shows such a change")])
    return _swap(graph, after[graph.name], settings, other)


def _refuse(values: Sequence[str]) -> None:
    """Raises ConfigInvalid for values that are not `path=value` with one value."""
    if values:
        raise ConfigInvalid([Error("--swap", f"{shown(each)} {_SINGLE_ONLY}, {_SUCH_AS}") for each in values])


def _swap(graph: Graph, becomes: Graph, settings: Mapping[str, str], plan: Plan) -> Swap:
    """`settings`: path → value, with or without the namespace of a key."""
    return Swap(
        graph=graph.name,
        before=graph.card.name,
        after=becomes.card.name,
        settings={config_block.full(path): value for path, value in settings.items()},
        plan=plan,
        stops_all_first=becomes.recreates and not graph.recreates,
    )


def _names(graph: str) -> tuple[str, ...]:
    """How a path can name a graph after `models`."""
    return f".{graph}", f'["{graph}"]', f"['{graph}']"


def find(stack: str, overrides: Sequence[str], plan: Plan) -> Swap | None:
    """A swap of the first graph's model that keeps every pool, finishes, and needs no token that the stack lacks.

    None if no other card fits so.
    """
    graph = plan.graphs[0]
    at = f'models["{graph.name}"]'
    for more in ({}, {f"{at}.updateStrategy": "recreate"}):
        for name in _nearest(card_names(), graph.card.name):
            settings = {f"{at}.model": name, **more}
            try:
                other = planned(stack, [*overrides, *(f"{path}={value}" for path, value in settings.items())])
            except ConfigInvalid:
                continue
            lacks_token = other.missing_token and not plan.missing_token
            if other.pools == plan.pools and not lacks_token and not lock_out.of_plans(graph.name, plan, other):
                return _swap(graph, other.graphs[0], settings, other)
    return None


def _nearest(names: Sequence[str], name: str) -> Iterator[str]:
    """The other cards; those with the most similar names first, because their settings more often fit."""
    yield from difflib.get_close_matches(name, [other for other in names if other != name], n=len(names), cutoff=0.0)
