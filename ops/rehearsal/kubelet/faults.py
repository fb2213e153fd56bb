"""The faults of pods and of the hub, read from World.pod_faults at each request, so that they may come and go.

A JSON list: `[{"kind": "verification", "graph": "chat", "variant": "tcp"}, {"kind": "hub", "variant": "gated"}]`.
Without `graph`, an entry counts for all graphs.
"""

import json
from enum import StrEnum

from ops.rehearsal.world import World


class Verification(StrEnum):
    """How a graph misbehaves. The last two keep the verification waiting for its whole timeout."""

    PREFILL_IDLE = "prefill idle"
    TCP = "tcp"
    FAILED_TRANSFERS = "failed transfers"
    GARBAGE_METRICS = "garbage metrics"
    NO_MODEL = "no model"
    ERROR_BODY = "error body"


class Hub(StrEnum):
    """How the hub misbehaves. With the last two the fetch repeats its requests, and a Job its pods."""

    GATED = "gated"
    MISSING = "missing"
    RATE_LIMITED = "rate limited"
    TRUNCATED = "truncated"
    WRONG_CONTENT = "wrong content"


def of_graph(world: World, graph: str) -> frozenset[Verification]:
    found = _entries(world, "verification")
    return frozenset(Verification(each["variant"]) for each in found if each.get("graph") in (None, graph))


def of_hub(world: World) -> frozenset[Hub]:
    return frozenset(Hub(each["variant"]) for each in _entries(world, "hub"))


def _entries(world: World, kind: str) -> list[dict[str, str]]:
    found = json.loads(world.pod_faults.read_text()) if world.pod_faults.exists() else []
    return [each for each in found if each.get("kind") == kind]
