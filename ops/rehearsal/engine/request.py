"""What to rehearse, as the command hands it to the process that does so."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ops.rehearsal.programs import Programs


@dataclass(frozen=True, kw_only=True)
class Request:
    stack: str
    overrides: Sequence[str]
    """`path=value`, laid over the stack file."""
    programs: Programs
    fail: str | None
    """Text in the URN of the resource whose first create fails; None rehearses without a fault."""
    thorough: bool
    """Whether to run the steps that a deployment meets more seldom, too."""
    quiet: bool
    """Whether progress goes to stderr, because stdout is for JSON."""
    fail_every: str | None = None
    """`type` or `resource`, each of which fails once; None for at most one fault."""
    swap: Sequence[str] = ()
    """`path=value` of the model swap; empty for one that the rehearsal chooses."""
    judge: str | None = None
    """Path of Google's own provider, which previews what the stand-in has created; None for a whole rehearsal."""
    faults: Sequence[str] = ()
    """Names of faults."""
    kubectl: str | None = None
    """Runs the commands that mend these; None if there is none."""

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "programs": self.programs.to_wire()})

    @classmethod
    def from_json(cls, text: str) -> "Request":
        given = json.loads(text)
        return cls(programs=Programs.from_wire(given.pop("programs")), **given)
