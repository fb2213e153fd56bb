"""One check of the preflight: its condition, the API and role it needs, and its possible results."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

from reading.tokens import masked
from settings.forms import EXAMPLE_PROJECT


class Verdict(Enum):
    PASSED = auto()
    FAILED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What a check found."""

    verdict: Verdict
    sentence: str = ""
    """The error and how to fix it; for a passed check, an optional note."""


PASSED = CheckResult(verdict=Verdict.PASSED)


def failed(sentence: str) -> CheckResult:
    return CheckResult(verdict=Verdict.FAILED, sentence=sentence)


@dataclass(frozen=True, kw_only=True)
class PreflightCheck:
    """A check at Google Cloud. `condition` completes the sentence "the preflight checks whether …"."""

    api: ClassVar[str]
    role: ClassVar[str]
    """The smallest role that may call the API."""

    project: str
    """The project whose API is called, and on which the role is needed."""

    @property
    def condition(self) -> str:
        raise NotImplementedError

    def unknown(self, why: str) -> CheckResult:
        return CheckResult(verdict=Verdict.UNKNOWN, sentence=f"could not find out whether {self.condition}: {why}")

    def on_error(self, error: str) -> CheckResult:
        """The result of a check whose call failed."""
        return self.unknown(explained(error, api=self.api, role=self.role, project=self.project))


def is_missing(error: str) -> bool:
    """Whether an error says that the requested object does not exist."""
    return bool(re.search(r"\bError 404\b|\bnot found$", error.strip()))


# A note on the first `pulumi up` in a project whose APIs are off.
FRESH_PROJECT = (
    "APIs of the project are off. `pulumi up` turns them on, but a new API answers 403 for some minutes; if `pulumi "
    "up` fails with a 403, run it again: it continues where it stopped"
)


def is_off(error: str) -> bool:
    """Whether an error says that the API is off in the project."""
    return bool(re.search(r"accessNotConfigured|SERVICE_DISABLED|has not been used in project", error))


def is_logged_out(error: str) -> bool:
    """Whether an error says that there are no credentials, or that they have expired."""
    return bool(re.search(r"find default credentials|No credentials loaded|invalid_grant|invalid_rapt", error))


def explained(error: str, *, api: str, role: str, project: str, grant: str | None = None) -> str:
    """The cause of an error and, where one exists, the command that fixes it.

    `grant` is the command that grants the role where the role is not on the project.
    """
    if "requires a quota project" in error:  # a person's own credentials; this error also has SERVICE_DISABLED
        return (
            f"{api}.googleapis.com needs a quota project for your credentials; "
            f"`gcloud auth application-default set-quota-project {project}`"
        )
    if is_off(error):
        return (
            f"{api}.googleapis.com is off in project {project}; the first `pulumi up` turns it on, or run "
            f"`gcloud services enable {api}.googleapis.com --project={project}`"
        )
    if re.search(r"\bError 403\b|PERMISSION_DENIED", error):
        grant = grant or f"gcloud projects add-iam-policy-binding {project} --role=roles/{role} --member=YOURS"
        whose = (
            f"; or is {project} the placeholder of the shipped stack file? `pulumi config set gcp:project PROJECT`"
            if project == EXAMPLE_PROJECT
            else ""
        )
        return f"roles/{role} is missing; `{grant}`{whose}"
    if is_logged_out(error):
        return (
            "could not find default credentials of Google Cloud, or they have expired; `gcloud auth "
            "application-default login`"
        )
    said = masked(" ".join(error.split()))
    return said if len(said) <= 300 else f"{said[:299]}…"
