"""A dry run of this checkout compared with the base's preview, policies included."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ops.changes.change import Comparison
from ops.changes.comparison import compare
from ops.changes.previewed import Snapshot
from ops.offline import policy_strength, stackfile, what_judges
from ops.offline.base_checkout import Base, base
from ops.offline.dry_run import dry_run
from ops.offline.judged import Judged, judged
from policies.rules import RULES


@dataclass(frozen=True, kw_only=True)
class AgainstBase:
    head: Judged
    base: Base
    comparison: Comparison
    warnings: tuple[str, ...]
    """Of the plan of this checkout, without those on its policies, which the comparison has."""


def against_base(ref: str, stack: str, overrides: Iterable[str] = ()) -> AgainstBase:
    """This checkout's stack compared with that of `ref`. Raises ConfigInvalid, ProgramFailed or DiffFailed."""
    run = dry_run(stack, overrides)
    root = stackfile.project_root()
    head, wire = judged(run), run.to_wire()
    before = base(root, ref, stack, wire)
    comparison = replace(
        compare(before.snapshot, Snapshot.from_wire(wire)),
        weakened=tuple(policy_strength.weaker_than_base(RULES, head.rules, before.policies)),
        weak=head.weak,
        let_through=tuple(policy_strength.let_through(before.judged.violations, head.verdicts)),
        judging_changed=tuple(what_judges.changed(before.judging, what_judges.digests(root))),
        unjudged=before.judged.unjudged,
        judging_failed=before.judged.failed,
    )
    return AgainstBase(head=head, base=before, comparison=comparison, warnings=run.plan.warnings)
