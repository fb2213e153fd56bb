"""Plans and runs a stack in this process, for `preview`, `render` and `diff`.

The configuration is checked before the providers are imported, which takes a second, so errors in it show at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ops.offline import stackfile
from ops.offline.recorded import Recording
from planning.load import load
from planning.plan import plan
from planning.summary import summary
from planning.types import Plan
from settings.stack_config import NAMESPACE, StackConfig


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """A stack's plan, and the resources that the program registered for it."""

    config: StackConfig
    """The stack file's configuration, without the values of secrets."""
    plan: Plan
    recording: Recording

    def to_wire(self) -> dict[str, Any]:
        return {
            "stack": self.plan.stack,
            "resources": [resource.to_wire() for resource in self.recording.resources],
            "outputs": self.recording.outputs,
            "plan": summary(self.plan) | {"preflight": _preflight(self.plan)},
        }


def planned(stack: str, overrides: Iterable[str] = ()) -> Plan:
    """The plan of a stack of this checkout. Raises ConfigInvalid."""
    return plan(load(stackfile.read(stackfile.project_root(), stack, overrides)))


def dry_run(stack: str, overrides: Iterable[str] = ()) -> DryRun:
    """Plans a stack of this checkout and runs the program for it. Raises ConfigInvalid or ProgramFailed."""
    root = stackfile.project_root()
    config = stackfile.read(root, stack, overrides)
    stack_plan = plan(load(config))
    warnings = [
        f"{key.partition(':')[2]}: its `secure` value was not encrypted by Pulumi, whose CLI refuses to load the whole "
        f"file; delete the line, then `pulumi config set --secret {key}`"
        for key in stackfile.undecryptable(root, stack)
    ]
    from ops.offline import policy_config, recording

    if unjudged := policy_config.warning(root, stack):
        warnings.append(unjudged)
    recorded = recording.record(root, _without_preflight(config))
    return DryRun(
        config=config, plan=replace(stack_plan, warnings=(*stack_plan.warnings, *warnings)), recording=recorded
    )


def _without_preflight(config: StackConfig) -> StackConfig:
    """The config without the preflight, which only Google Cloud can answer: canned answers must not fail a check."""
    return replace(config, values={**config.values, f"{NAMESPACE}:preflight": "false"})


def _preflight(plan: Plan) -> dict[str, Any]:
    """The checks that `pulumi preview` makes against Google Cloud, none of which a dry run makes."""
    from planning.preflight import checks

    return {"asked": False, "questions": [check.condition for check in checks(plan)]}
