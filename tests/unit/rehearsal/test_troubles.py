"""Which failures of an update the injected faults explain."""

import pytest

from ops.rehearsal.engine.events import Command, Message
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.troubles import CANCELED, Trouble, judged, met, unseen

SAYS = {"stock": "ZONE_RESOURCE_POOL_EXHAUSTED", "lock": "is currently locked"}


def troubles(**says: str) -> list[Trouble]:
    return [Trouble(fault=Named.STOCKOUT, says=each) for each in (says or SAYS).values()]


def update(*errors: str) -> Command:
    said = tuple(Message(severity="error", urn=None, text=error) for error in errors)
    return Command(name="up", ok=not errors, seconds=1, steps=(), messages=said)


@pytest.mark.parametrize(
    ("errors", "wanted"),
    [
        ((), (True, "no change")),
        (("no ZONE_RESOURCE_POOL_EXHAUSTED",), (True, "failed by stockout; no change")),
        (("ZONE_RESOURCE_POOL_EXHAUSTED", "the stack is currently locked"), (True, "failed by stockout; no change")),
        (("ZONE_RESOURCE_POOL_EXHAUSTED", "boom"), (False, "failed by stockout; no change")),
        (("boom",), (False, "failed by no injected fault; no change")),
    ],
)
def test_an_update_may_fail_by_injected_faults_only(errors: tuple[str, ...], wanted: tuple[bool, str]) -> None:
    assert judged(troubles(), update(*errors)) == wanted


def test_a_failed_update_that_says_nothing_is_explained_by_nothing() -> None:
    silent = Command(name="up", ok=False, seconds=1, steps=(), messages=())
    assert judged(troubles(), silent) == (False, "failed by no injected fault; no change")


def test_a_fault_that_comes_back_after_its_mend_explains_nothing() -> None:
    known = troubles()
    known[0].met = True
    assert not judged(known, update("ZONE_RESOURCE_POOL_EXHAUSTED"))[0]


def test_one_error_is_that_of_one_fault() -> None:
    """Two kills leave two locks, one after the other."""
    known = troubles(first="is currently locked", second="is currently locked")
    assert met(known, update("the stack is currently locked")) == known[:1]


def test_a_fault_that_did_not_happen_is_reported_unless_an_update_may_survive_it() -> None:
    known = [*troubles(), Trouble(fault=Named.API_SERVER, says="EOF", certain=False)]
    known[0].met = True
    assert list(unseen(known)) == ["no update failed with 'is currently locked' (stockout)"]


def test_a_lock_is_not_a_canceled_operation() -> None:
    """Its message names the command `pulumi cancel`."""
    known = troubles(canceled=CANCELED)
    assert not met(known, update("the stack is currently locked; delete the lock file with `pulumi cancel`"))
    assert met(known, update("Job weights: context canceled")) == known
