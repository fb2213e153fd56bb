"""Types of values that several blocks of a stack file use."""

from typing import Annotated

from pydantic import AfterValidator, Field

from reading.shape import HowToSet

EXAMPLE_PROJECT = "my-project"
"""The project of the shipped stack files and of examples."""

# A project's id, not its display name or number.
ProjectId = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
        description="a project's id (not its name or number; `gcloud projects list` shows it): 6 to 30 lower-case "
        "letters, digits and dashes, the first a letter, the last no dash",
        examples=[EXAMPLE_PROJECT],
    ),
]
# The stack's own project, which Pulumi's provider also reads.
StackProject = Annotated[ProjectId, HowToSet("set it with `pulumi config set gcp:project PROJECT`", "gcp:project")]
CloudName = Annotated[
    str,
    Field(
        pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="1 to 63 lower-case letters, digits and dashes, the first a letter, the last no dash",
        examples=["my-name"],
    ),
]


EmailAddress = Annotated[
    str,
    Field(pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$", description="an email address", examples=["oncall@example.com"]),
]


def _each_once(emails: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({email for email in emails if emails.count(email) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is given more than once; remove the copies")
    return emails


EmailAddresses = Annotated[
    tuple[EmailAddress, ...], AfterValidator(_each_once), Field(json_schema_extra={"uniqueItems": True})
]
