"""Which creations fail in a rehearsal of many faults."""

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


def update(*failed: str | None) -> Command:
    """An update that created a node pool. `failed`: URNs of resources that failed, None for the program itself."""
    step = Step(op="create", urn=POOL, began=0, ended=1, failed=False, changed=())
    said = tuple(Message(severity="error", urn=urn, text="boom\nand why") for urn in failed)
    ended = (Message(severity="error", urn=None, text="update failed"),) if failed else ()
    return Command(name="up", ok=not failed, seconds=1, steps=(step,), messages=(*said, *ended))


@pytest.mark.parametrize(
    ("failed", "new", "wanted"),
    [
        ([], [], (True, "1 created")),
        ([BUCKET], [BUCKET], (True, "failed at Bucket weights; 1 created")),
        ([OTHER_BUCKET, BUCKET], [BUCKET, OTHER_BUCKET], (True, "failed at Bucket weights, Bucket logs; 1 created")),
        ([], [BUCKET], (False, "succeeded, although Bucket weights failed")),
        ([OTHER_BUCKET], [BUCKET, OTHER_BUCKET], (False, "failed elsewhere, although Bucket weights failed")),
        ([None], [], (False, "failed without an injected fault: boom")),
        ([BUCKET, OTHER_BUCKET], [BUCKET], (False, "failed without an injected fault: Bucket logs: boom")),
        ([BUCKET, None], [BUCKET], (False, "failed without an injected fault: boom")),
    ],
)
def test_an_update_fails_at_the_faults_and_nowhere_else(
    failed: list[str | None], new: list[str], wanted: tuple[bool, str]
) -> None:
    assert judged(update(*failed), new) == wanted


def test_a_failed_update_that_says_nothing_has_no_fault() -> None:
    silent = Command(name="up", ok=False, seconds=1, steps=(), messages=())
    assert not judged(silent, [])[0]
