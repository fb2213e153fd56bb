"""The forecast of a case, as `diff` makes it, without a second checkout: both sides are previewed by this one."""

from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from typing import Any

from ops.changes.change import Comparison
from ops.changes.comparison import compare
from ops.changes.previewed import Snapshot
from ops.offline.dry_run import DryRun
from ops.offline.recording import record
from planning.load import load
from planning.plan import plan
from tests.rehearsal.judge import cases
from tests.rehearsal.judge.later_release import later_release
from tests.stacks import ROOT


def forecast(base: str, before: tuple[str, ...], after: tuple[str, ...], *, renames: bool = False) -> Comparison:
    """The changes of a base from some overrides to others. `renames`: by a release that renames every resource."""
    was, becomes = printed(base, before), printed(base, after, renames=renames)
    return compare(Snapshot.from_wire(was), Snapshot.from_wire(becomes))


@cache
def printed(base: str, overrides: tuple[str, ...], *, renames: bool = False) -> dict[str, Any]:
    """What `preview --json` prints of a base with overrides."""
    config = cases.read(base, overrides)
    # Canned answers must not fail a check of the preflight, and it creates nothing.
    offline = replace(config, values={**config.values, "dynamo-gke:preflight": "false"})
    with later_release() if renames else nullcontext():
        return DryRun(config=config, plan=plan(load(config)), recording=record(ROOT, offline)).to_wire()
