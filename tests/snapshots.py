"""Resources and stacks as previews show them, written by hand for the tests of comparisons."""

from typing import Any

from ops.changes.change import Change, Comparison
from ops.changes.previewed import Cost, Registered, Snapshot
from policies.kinds import NODE_POOL

GPUS = {
    "guestAccelerators": [{"type": "nvidia-h200-141gb", "count": 8}],
    "reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION", "values": ["a"]},
}


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:s::dynamo-gke::{type_}::{name}"


def one(type_: str, inputs: dict[str, Any], name: str = "x", **options: Any) -> Registered:
    return Registered(
        urn=urn(type_, name),
        type=type_,
        name=name,
        parent=None,
        provider=None,
        inputs=inputs,
        depends_on=(),
        options=options,
        secret_paths=(),
    )


def stack(*resources: Registered, usd: float | None = 0.0, **nodes: int) -> Snapshot:
    return Snapshot(resources=resources, nodes=nodes, cost=Cost(usd=usd))


def pool(inputs: dict[str, Any] | None = None, **options: Any) -> Registered:
    return one(NODE_POOL, {"name": "prefill", "nodeConfig": GPUS, **(inputs or {})}, "prefill-pool", **options)


def only(comparison: Comparison) -> Change:
    (change,) = comparison.changes
    return change
