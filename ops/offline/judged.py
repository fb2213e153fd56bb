"""A dry run with the policy pack's verdicts on it, by the stack's policy configuration."""

from dataclasses import dataclass, replace
from typing import Any

from ops.offline import policy_config, policy_strength, stackfile
from ops.offline.dry_run import DryRun
from ops.offline.policy_strength import InForce, Weakening
from ops.offline.verdicts import Verdict, judge
from policies.rules import RULES
from reading.errors import ConfigInvalid


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A dry run and the verdicts on it. The run's warnings name each rule that is weaker than its default."""

    run: DryRun
    verdicts: list[Verdict]
    rules: InForce
    weak: tuple[Weakening, ...]
    """The rules that are weaker than their defaults."""

    @property
    def mandatory(self) -> int:
        """The number of violations that stop `pulumi up`."""
        return sum(verdict.mandatory for verdict in self.verdicts)

    def to_wire(self) -> dict[str, Any]:
        return self.run.to_wire() | {
            "policies": [
                {"policy": v.policy, "level": v.level, "urn": v.urn, "message": v.message, "remedy": v.remedy}
                for v in self.verdicts
            ],
            "rules": self.rules,
        }


def judged(run: DryRun) -> Judged:
    """Judges a dry run. Raises ConfigInvalid for a policy configuration that does not fit the rules."""
    root, stack = stackfile.project_root(), run.plan.stack
    config = policy_config.read(root, stack)
    try:
        rules = policy_strength.in_force(RULES, config)
    except ConfigInvalid as invalid:
        raise policy_config.in_its_file(invalid, root, stack) from None
    weak = tuple(policy_strength.weaker_than_default(RULES, rules))
    warned = replace(run.plan, warnings=(*run.plan.warnings, *map(str, weak)))
    return Judged(run=replace(run, plan=warned), verdicts=judge(run.recording, config), rules=rules, weak=weak)
