"""Which named faults a stack can meet."""

from functools import cache

import pytest

from ops.offline.dry_run import planned
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.possible import first_pool_with_nodes, impossible
from planning.types import Plan


@cache
def plan(stack: str, *overrides: str) -> Plan:
    return planned(stack, overrides)


NO_POOL = "the stack has no GPU pool"
EMPTY = "each GPU pool of the stack is created without a node, for which GKE needs no machines"
NOT_VERIFIED = "no graph of the stack has prefill workers and must pass its verification (verification=required)"
NO_WEIGHTS = "the stack has no Job that fetches weights"


@pytest.mark.parametrize(
    ("stack", "overrides", "wanted"),
    [
        ("try", (), {}),
        ("prod", (), {}),
        ("dev", (), {Named.STOCKOUT: NO_POOL, Named.NODE_LOST: NO_POOL, Named.WEIGHTS: NO_WEIGHTS}),
        ("try", ("models.chat.verification=reported",), {Named.VERIFICATION: NOT_VERIFIED}),
        ("try", ("models.chat.layout=aggregated", "models.chat.kvTransfer="), {Named.VERIFICATION: NOT_VERIFIED}),
        (
            "dev",
            ("models.chat.verification=required",),
            {Named.STOCKOUT: NO_POOL, Named.NODE_LOST: NO_POOL, Named.WEIGHTS: NO_WEIGHTS},
        ),
        ("try", ("capacity.mode=flexStart",), {Named.STOCKOUT: EMPTY}),
        ("staging", (), {Named.STOCKOUT: EMPTY}),
        ("try", ("capacity.mode=onDemand",), {}),
    ],
)
def test_a_stack_meets_every_fault_but_those_that_it_cannot(
    stack: str, overrides: tuple[str, ...], wanted: dict[Named, str]
) -> None:
    assert impossible(list(Named), plan(stack, *overrides)) == wanted


def test_only_faults_that_were_asked_for_are_impossible() -> None:
    assert impossible([Named.KILLED, Named.WEIGHTS], plan("dev")) == {Named.WEIGHTS: NO_WEIGHTS}


def test_machines_run_out_for_a_pool_that_begins_with_nodes() -> None:
    found = first_pool_with_nodes(plan("try"))
    assert found
    assert found.key == "decode"
    assert first_pool_with_nodes(plan("staging")) is None
