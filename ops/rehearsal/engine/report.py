"""What a rehearsal found, step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.commands.ending import Exit, to_wire
from ops.rehearsal.engine.timeline import Timeline
from reading.errors import Error


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """One step: a command of Pulumi, and whether it did what was expected."""

    name: str
    ok: bool
    seconds: float
    said: str
    """What happened, in a few words."""
    errors: Sequence[str] = ()
    skipped: bool = False
    """Whether the stack or the request gives nothing to do here; `said` is why."""
    life: int = 1
    """The stack's life in which it ran. There are two if creations fail and named faults follow."""

    def to_wire(self) -> dict[str, Any]:
        return {
            "step": self.name,
            "life": self.life,
            "ok": self.ok,
            "skipped": self.skipped,
            "seconds": round(self.seconds, 1),
            "said": self.said,
            "errors": list(self.errors),
        }


@dataclass(kw_only=True)
class Report:
    stack: str
    steps: list[StepReport] = field(default_factory=list[StepReport])
    failed: str | None = None
    """URN of the resource whose creation failed, as asked for."""
    converged: bool | None = None
    """Whether updates completed, in every life, what the failed ones began; None without a fault."""
    struck: Mapping[str, str] = field(default_factory=dict[str, str])
    """URN of each resource whose creation failed among many → the update that then created it."""
    timeline: Timeline | None = None
    """Of the first update."""
    refusals: Sequence[Error] = ()
    """Settings that the program refused when it ran, such as those of which the preflight did not approve."""

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps)

    @property
    def exit_code(self) -> Exit | None:
        """None if every step did what was expected."""
        if self.ok:
            return None
        return Exit.CONFIG_INVALID if self.refusals else Exit.FAILED

    def to_wire(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "ok": self.ok,
            "steps": [step.to_wire() for step in self.steps],
            "failed": self.failed,
            "converged": self.converged,
            "struck": dict(self.struck),
            "timeline": self.timeline and self.timeline.to_wire(),
            **({"faults": to_wire(self.refusals)} if self.refusals else {}),
        }
