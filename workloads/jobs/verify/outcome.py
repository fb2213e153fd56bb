"""The three outcomes of a check, and the report of all checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of a check. Only `verified` passes."""

    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check, and a sentence with the reason."""

    check: str
    outcome: Outcome
    sentence: str

    @staticmethod
    def of(check: str, holds: bool, sentence: str) -> Verdict:
        """The verdict of a check whose outcome is known."""
        return Verdict(check, Outcome.VERIFIED if holds else Outcome.NOT_VERIFIED, sentence)

    @property
    def verified(self) -> bool:
        return self.outcome is Outcome.VERIFIED


@dataclass(frozen=True)
class WorkerShare:
    """The number of requests one worker served during the verification; None if its metrics could not be read."""

    role: str
    address: str
    requests: int | None


@dataclass(frozen=True)
class Report:
    """The result of a verification: verified if every verdict is."""

    model: str | None
    verdicts: tuple[Verdict, ...]
    workers: tuple[WorkerShare, ...] = field(default=())
    prompts: int = 0
    """Number of fresh prompts that were answered."""

    @property
    def verified(self) -> bool:
        return all_verified(self.verdicts)


def all_verified(verdicts: Iterable[Verdict]) -> bool:
    """Whether there is at least one verdict and all are `verified`."""
    outcomes = [verdict.outcome for verdict in verdicts]
    return bool(outcomes) and all(outcome is Outcome.VERIFIED for outcome in outcomes)
