"""What must be deleted before what. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ops.rehearsal.engine import depending
from ops.rehearsal.engine.events import Step, name_of
from policies import kinds

_TYPES: Mapping[str, str] = {
    "graph": f"${kinds.GRAPH}::",
    "platform": f"${kinds.RELEASE}::",
    "GPU pool": f":GpuPool${kinds.NODE_POOL}::",
    "CPU pool": f":SystemPool${kinds.NODE_POOL}::",
    "cluster": f"${kinds.CLUSTER}::",
    "network": f":Network${kinds.NETWORK}::",
}
ORDER = (
    ("graph", "platform"),  # the operator removes the graphs' finalizers
    ("graph", "GPU pool"),  # the workers finish their answers
    ("platform", "CPU pool"),  # the operator runs there
    ("GPU pool", "cluster"),
    ("CPU pool", "cluster"),
    ("cluster", "network"),
)


def violations(steps: Sequence[Step], state: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each deletion that began, or may begin, before what must be gone by then.

    The times alone would show what happened to be first. What must be first is in `state`, the resources before the
    destroy: the engine deletes each before what it depends on.
    """
    direct = depending.direct(state)
    deleted = {what: [s for s in steps if s.op == "delete" and part in s.urn] for what, part in _TYPES.items()}
    for first, then in ORDER:
        for earlier in deleted[first]:
            for later in deleted[then]:
                if later.began < earlier.ended:
                    yield f"{_named(then, later)} was being deleted before {_named(first, earlier)} was gone"
                elif later.urn not in depending.reachable(earlier.urn, direct):
                    before = _named(first, earlier)
                    yield f"{_named(then, later)} may be deleted before {before}, which does not depend on it"


def _named(what: str, step: Step) -> str:
    return f"{what} {name_of(step.urn)}"
