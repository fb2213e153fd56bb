"""One question to Google Cloud: its words, what it needs to be asked, and the ways it can end."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

from reading.tokens import masked


class Verdict(Enum):
    WELL = auto()
    REFUSED = auto()
    NOT_ANSWERED = auto()


@dataclass(frozen=True, kw_only=True)
class Finding:
    verdict: Verdict
    sentence: str = ""
    """What is wrong and what rights it. With a good answer what is worth knowing besides, if anything is."""


WELL = Finding(verdict=Verdict.WELL)


def refused(sentence: str) -> Finding:
    return Finding(verdict=Verdict.REFUSED, sentence=sentence)


@dataclass(frozen=True, kw_only=True)
class Question:
    """`what` completes the sentence "Google Cloud is asked whether …"."""

    api: ClassVar[str]
    role: ClassVar[str]
    """The least role that may ask."""

    project: str
    """Whose API is asked, and where the role is needed."""

    @property
    def what(self) -> str:
        raise NotImplementedError

    def not_answered(self, why: str) -> Finding:
        return Finding(verdict=Verdict.NOT_ANSWERED, sentence=f"could not find out whether {self.what}: {why}")

    def failed(self, error: str) -> Finding:
        """For a question that ended in an error."""
        return self.not_answered(explained(error, api=self.api, role=self.role, project=self.project))


def is_missing(error: str) -> bool:
    """Whether an error says that what was asked for is not there."""
    return bool(re.search(r"\bError 404\b|\bnot found$", error.strip()))


# What a person needs to know of the first `pulumi up` in a project whose APIs are off.
FRESH_PROJECT = (
    "APIs of the project are off: one that was just switched on answers 403 for some minutes; if `pulumi up` ends with "
    "such an error, run it again, and it goes on where it stopped"
)


def is_off(error: str) -> bool:
    """Whether an error says that the API is switched off in the project."""
    return bool(re.search(r"accessNotConfigured|SERVICE_DISABLED|has not been used in project", error))


def explained(error: str, *, api: str, role: str, project: str, grant: str | None = None) -> str:
    """Why an error came instead of an answer, and the command that rights it where there is one.

    `grant` is the command that gives the role where that is not the project's to give.
    """
    if "requires a quota project" in error:  # a person's own credentials; it too comes as SERVICE_DISABLED
        return (
            f"{api}.googleapis.com wants to know whose quota its callers use; "
            f"`gcloud auth application-default set-quota-project {project}`"
        )
    if is_off(error):
        return (
            f"{api}.googleapis.com is off in project {project}; the first `pulumi up` switches it on, and so does "
            f"`gcloud services enable {api}.googleapis.com --project={project}`"
        )
    if re.search(r"\bError 403\b|PERMISSION_DENIED", error):
        grant = grant or f"gcloud projects add-iam-policy-binding {project} --role=roles/{role} --member=YOURS"
        return f"roles/{role} is missing; `{grant}`"
    said = masked(" ".join(error.split()))
    return said if len(said) <= 300 else f"{said[:299]}…"
