"""Whether everything is protected that the plan wants protected. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ops.rehearsal.engine.events import short
from planning.types import Plan
from policies import kinds

_NODES = (f"${kinds.CLUSTER}::", f":GpuPool${kinds.NODE_POOL}::")
_WEIGHTS = (f"${kinds.BUCKET}::",)


def violations(state: Iterable[Mapping[str, Any]], plan: Plan) -> Iterator[str]:
    """A sentence for each resource of the state that a careless destroy would delete against the plan."""
    for each in state:
        name = short(each["urn"])
        if plan.deletion_protection and _is(each, _NODES):
            if not each.get("protect"):
                yield f"{name} is not protected by Pulumi, although cluster.deletionProtection is true"
            if each["type"] == kinds.CLUSTER and not each["inputs"].get("deletionProtection"):
                yield f"{name} is not protected by Google Cloud, although cluster.deletionProtection is true"
        if plan.keeps_weights and _is(each, _WEIGHTS):
            for option in ("protect", "retainOnDelete"):
                if not each.get(option):
                    yield f"{name} lacks {option}, although the stack keeps its weights"


def _is(resource: Mapping[str, Any], types: tuple[str, ...]) -> bool:
    return any(type_ in resource["urn"] for type_ in types)
