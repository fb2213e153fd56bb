"""The three things that a check can find, and the report that they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What a check found. Only `verified` passes."""

    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """One thing that was to be verified, and a sentence that says why it is or is not."""

    check: str
    outcome: Outcome
    sentence: str

    @staticmethod
    def of(check: str, holds: bool, sentence: str) -> Verdict:
        """A check that can be told either way."""
        return Verdict(check, Outcome.VERIFIED if holds else Outcome.NOT_VERIFIED, sentence)

    @property
    def verified(self) -> bool:
        return self.outcome is Outcome.VERIFIED


@dataclass(frozen=True)
class WorkerShare:
    """How many requests one worker served for the verification; None if its metrics could not be read."""

    role: str
    address: str
    requests: int | None


@dataclass(frozen=True)
class Report:
    """The outcome: verified when every verdict is."""

    model: str | None
    verdicts: tuple[Verdict, ...]
    workers: tuple[WorkerShare, ...] = field(default=())
    prompts: int = 0
    """How many fresh prompts were answered."""

    @property
    def verified(self) -> bool:
        return all_verified(self.verdicts)


def all_verified(verdicts: Iterable[Verdict]) -> bool:
    """Whether there are verdicts and all are `verified`."""
    outcomes = [verdict.outcome for verdict in verdicts]
    return bool(outcomes) and all(outcome is Outcome.VERIFIED for outcome in outcomes)
