"""What the engine did in one command: its steps with their times, and its errors. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ops.report.plain import plain_lines

UNCHANGED = ("same", "read")
"""Steps that change nothing. One that finds changed properties does."""
_REFRESH = "refresh"
"""What the engine begins for each resource of a refresh. It ends as what the refresh found: same, update or delete."""


@dataclass(frozen=True, kw_only=True)
class StepEvent:
    """A step of the engine on one resource began, ended or failed."""

    at: float
    """Seconds since the command began."""
    what: Literal["began", "ended", "failed"]
    op: str
    urn: str
    changed: tuple[str, ...] = ()
    """Paths of the properties that differ."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A sentence for the user, of a resource or of the engine itself."""

    severity: str
    urn: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """A whole step of the engine on one resource."""

    op: str
    urn: str
    began: float
    ended: float
    failed: bool
    changed: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def unchanged(self) -> bool:
        return self.op in UNCHANGED and not self.changed


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of Pulumi: whether it succeeded, and what the engine told about it."""

    name: str
    ok: bool
    seconds: float
    steps: tuple[Step, ...]
    messages: tuple[Message, ...]

    @property
    def changes(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if not step.unchanged)

    @property
    def failures(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.failed)

    def count(self, *ops: str) -> int:
        """The number of resources with such a step; components and the stack itself do not count."""
        return sum(step.op in ops and is_resource(step.urn) for step in self.steps)

    @property
    def blamed(self) -> frozenset[str]:
        """URNs of the resources that have errors. The engine says one of each operation that fails."""
        return frozenset(each.urn for each in self.messages if each.severity == "error" and each.urn)

    def errors(self, *, but: Collection[str] = ()) -> tuple[str, ...]:
        """Each error once, as Pulumi shows it, with its resource; none of the resources `but`, which are URNs."""
        found = [(_sentence(message), message.urn) for message in self.messages if message.severity == "error"]
        causes = [each for each in found if not each[0].endswith(_CONSEQUENCES)]
        return tuple(dict.fromkeys(sentence for sentence, urn in causes or found if urn not in but))


def steps(events: Sequence[StepEvent]) -> tuple[Step, ...]:
    """The steps in the order of their ends; one that has no end, because the command stopped, is failed."""
    done, unended = paired(events)
    last = max((event.at for event in events), default=0.0)
    stopped = (_step(began, StepEvent(at=last, what="failed", op=began.op, urn=began.urn), failed=True)
               for began in unended)  # fmt: skip
    return (*(_step(began, ended, failed=ended.what == "failed") for began, ended in done), *stopped)


def paired(events: Iterable[StepEvent]) -> tuple[list[tuple[StepEvent, StepEvent]], list[StepEvent]]:
    """Begin and end of each step, in the order of the ends; and the begins of the steps that have no end yet."""
    begun: dict[tuple[str, str], StepEvent] = {}
    done: list[tuple[StepEvent, StepEvent]] = []
    for event in events:
        key = (event.op, event.urn)
        if event.what == "began":
            begun[key] = event
        # A component ends again when it registers its outputs.
        elif began := begun.pop(key, None) or begun.pop((_REFRESH, event.urn), None):
            done.append((began, event))
    return done, [*begun.values()]


def _step(began: StepEvent, ended: StepEvent, *, failed: bool) -> Step:
    return Step(
        op=ended.op,
        urn=ended.urn,
        began=began.at,
        ended=ended.at,
        failed=failed,
        changed=ended.changed or began.changed,
    )


def is_resource(urn: str) -> bool:
    """Whether a provider creates the resource; components and the stack are created by nobody."""
    return not type_of(urn).startswith(("dynamo-gke:", "pulumi:pulumi:"))


def types_of(urn: str) -> str:
    """The types of the components that have the resource, and its own, by `$`."""
    return urn.split("::")[2]


def type_of(urn: str) -> str:
    return types_of(urn).rpartition("$")[2]


def name_of(urn: str) -> str:
    return urn.rpartition("::")[2]


def short(urn: str) -> str:
    """`NodePool decode-pool`, of a URN: kind and logical name."""
    kind = type_of(urn)
    if kind.startswith("pulumi:providers:"):
        return f"provider {name_of(urn)}"
    return f"{kind.rpartition(':')[2]} {name_of(urn)}"


def needs(resource: Mapping[str, Any]) -> Iterator[str]:
    """URNs of what a resource of the state needs itself: its dependencies and its provider, which is "" without one."""
    yield from resource.get("dependencies") or ()
    yield str(resource.get("provider") or "").rpartition("::")[0]  # "<urn>::<id>"


_COLOR = re.compile(r"<\{%[^%]*%\}>")


def uncolored(text: str) -> str:
    """Text of the engine without its color marks."""
    return _COLOR.sub("", text)


_MAX_LINES = 8
_CONSEQUENCES = ("update failed", "preview failed", "Resource monitor has terminated, shutting down")
"""What the engine adds after an error."""


def _sentence(message: Message) -> str:
    lines = [line.rstrip() for line in uncolored(message.text).strip().splitlines() if line.strip()]
    text = "\n".join(_shortened(lines)).removeprefix("error: ")
    where = f"{short(message.urn)}: " if message.urn and is_resource(message.urn) else ""
    return plain_lines(f"{where}{text}")


def _shortened(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MAX_LINES]
    if len(lines) > _MAX_LINES:
        yield f"… {len(lines) - _MAX_LINES} more lines"
