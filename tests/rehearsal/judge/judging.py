"""The verdict on one case, shared by the files of tests, which run in parallel."""

import os

from ops.changes.dependents import EMPTIED
from tests.rehearsal.judge import cases, registered, steps
from tests.rehearsal.judge.cases import Case
from tests.rehearsal.judge.forecast import forecast, printed
from tests.rehearsal.judge.later_release import RENAMED
from tests.rehearsal.judge.process import Deployed
from tests.rehearsal.judge.steps import Fate

EVERYTHING = "JUDGE_EVERYTHING"
"""Environment variable that chooses each value of each setting instead of one."""

# A changed secret shows as `[secret]` on both sides of a forecast (docs/diff.md, "Limitations").
UNSEEN_SECRET = "kubernetes:core/v1:Secret::workloads-hf-token"


def of_base(base: str) -> list[Case]:
    chosen = cases.every() if os.environ.get(EVERYTHING) else cases.once()
    return [case for case in chosen if case.base == base]


def disagreements(case: Case, deployed: Deployed) -> list[str]:
    """Where the engine's preview differs from the forecast of `diff`, a sentence for each resource, and from what
    `preview --json` prints, a sentence for each part of one."""
    digest = deployed.preview(case)
    before, after = deployed.common, (*deployed.common, *deployed.overrides(case))
    comparison = forecast(case.base, before, after, renames=case.renames)
    expected, done = steps.of_forecast(comparison), steps.of_engine(digest["steps"])
    if not digest["ok"]:
        errors = [said["message"] for said in digest["diagnostics"] if said["severity"] == "error"]
        return [f"the engine's preview failed: {error}" for error in errors or ["it printed no error"]]
    was, becomes = printed(case.base, before), printed(case.base, after, renames=case.renames)
    if case.renames:  # the rest of what is registered is compared by names
        names = {*registered.of_engine(digest), *registered.of_preview(becomes)}
        found = [f"{urn}: not renamed" for urn in sorted(names) if not urn.endswith(RENAMED)]
    else:
        found = [*registered.differences_of_change(was, becomes, digest)]
    undecided = steps.undecided(digest["steps"])
    if undecided and not any(EMPTIED in change.notes for change in comparison.changes):
        found.append(
            "the engine does not know the cluster's provider, but no forecast says that the cluster is emptied"
        )
    for urn in undecided:  # test_replaced_cluster shows what `pulumi up` does with them
        expected.pop(urn, None)
        done.pop(urn, None)
    if case.rotates_token:
        expected |= {urn: Fate.UPDATED for urn in done if urn.endswith(UNSEEN_SECRET)}
    return [*found, *steps.disagreements(expected, done)]
