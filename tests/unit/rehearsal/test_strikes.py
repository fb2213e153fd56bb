"""Which creations fail in a rehearsal of many faults."""

from typing import Literal

import pytest

from ops.rehearsal.engine.events import Command, Message, Step
from ops.rehearsal.faults.every import Every
from ops.rehearsal.faults.strikes import Strikes, judged

BUCKET = "urn:pulumi:prod::dynamo-gke::dynamo-gke:infra:Bucket$gcp:storage/bucket:Bucket::weights"
OTHER_BUCKET = BUCKET.replace("weights", "logs")
POOL = "urn:pulumi:prod::dynamo-gke::gcp:container/nodePool:NodePool::decode-pool"


def armed(every: Every) -> Strikes:
    strikes = Strikes(text="", every=every)
    strikes.armed.set()
    return strikes


@pytest.mark.parametrize(
    ("every", "struck"),
    [(Every.TYPE, [True, False, False, True]), (Every.RESOURCE, [True, True, False, True])],
)
def test_each_fails_once(every: Every, struck: list[bool]) -> None:
    strikes = armed(every)
    assert [strikes.strikes(urn) for urn in (BUCKET, OTHER_BUCKET, BUCKET, POOL)] == struck
    assert [*strikes.struck.values()] == [BUCKET, *([OTHER_BUCKET] if every is Every.RESOURCE else []), POOL]


def test_nothing_fails_before_the_rehearsal_says_so() -> None:
    assert not Strikes(text="", every=Every.TYPE).strikes(BUCKET)


def test_what_never_failed_is_missed_and_components_are_not() -> None:
    strikes = armed(Every.TYPE)
    strikes.strikes(BUCKET)
    component = "urn:pulumi:prod::dynamo-gke::dynamo-gke:infra:Bucket::weights"
    assert strikes.missed([component, OTHER_BUCKET, POOL]) == ["gcp:container/nodePool:NodePool"]


def update(ok: bool, op: Literal["create", "same"] = "create") -> Command:
    step = Step(op=op, urn=POOL, began=0, ended=1, failed=False, changed=())
    said = () if ok else (Message(severity="error", urn=None, text="boom"),)
    return Command(name="up", ok=ok, seconds=1, steps=(step,), messages=said)


@pytest.mark.parametrize(
    ("ok", "new", "wanted"),
    [
        (True, [], (True, "1 created")),
        (False, [BUCKET], (True, "failed at Bucket weights; 1 created")),
        (True, [BUCKET], (False, "succeeded, although Bucket weights failed")),
        (False, [], (False, "failed without an injected fault")),
    ],
)
def test_an_update_fails_because_of_a_fault_and_only_then(ok: bool, new: list[str], wanted: tuple[bool, str]) -> None:
    assert judged(update(ok), new) == wanted
