"""`diff` across releases: the side of an older base, whose recorder knew fewer outputs than today's."""

from typing import Any

import pytest
from pulumi.runtime import mocks

from ops.changes.comparison import compare
from ops.changes.previewed import Snapshot
from ops.changes.values import UNKNOWN
from ops.offline import recording, stackfile
from ops.offline.dry_run import DryRun
from planning.load import load
from planning.plan import plan
from policies.kinds import NODE_POOL
from tests.stacks import ROOT, SHIPPED


def no_output(self: Any, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
    """What a recorder would answer that knows no output at all."""
    return "", {}


OLDER: dict[str, tuple[str, Any]] = {
    # The recorder of the first commits: the email of an account was unknown before the account exists.
    "email unknown": ("planned", lambda args: {}),
    "no output known": ("_Cloud.new_resource", no_output),
}


def previewed(stack: str) -> Snapshot:
    config = stackfile.read(ROOT, stack)
    run = DryRun(config=config, plan=plan(load(config)), recording=recording.record(ROOT, config))
    return Snapshot.from_wire(run.to_wire())


@pytest.mark.parametrize("older", OLDER)
@pytest.mark.parametrize("stack", SHIPPED)
def test_an_unchanged_stack_has_no_change_against_an_older_recorder(
    stack: str, older: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = previewed(stack)
    where, answer = OLDER[older]
    monkeypatch.setattr(f"{recording.__name__}.{where}", answer)
    base = previewed(stack)
    pools = [of.inputs["nodeConfig"]["serviceAccount"] for of in base.resources if of.type == NODE_POOL]
    assert set(pools) <= {UNKNOWN}, "the base's recorder knows the email, so this test shows nothing"
    for before, after in ((base, head), (head, base)):
        comparison = compare(before, after)
        assert [(change.kind, change.name, change.because) for change in comparison.changes] == []
        assert comparison.not_compared
        assert comparison.rolling == ()
