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

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_IPV4_PREFIX = "/(3[0-2]|[12]?[0-9])"
# Groups of up to 4 hexadecimal digits, 8 of them or with `::`. Accepts a few texts that are no address.
_GROUP = "[0-9A-Fa-f]{0,4}"
_IPV6 = rf"(?=.*::|([^:]+:){{6,7}}[^:]+$)(?!.*::.*::|.*:::)({_GROUP}:){{2,8}}({_GROUP}|{_IPV4})"
_IPV6_PREFIX = "/(12[0-8]|1[01][0-9]|[1-9]?[0-9])"


def _range(pattern: str, kind: str) -> dict[str, str]:
    """The form of a range in the JSON Schema. Bits after the prefix are beyond a pattern; the program rejects them."""
    why = f"must be {kind}; no bits may be set after its prefix"
    return {"description": f"{why[0].upper()}{why[1:]}.", "pattern": f"^({pattern})$", "patternErrorMessage": why}


IPV4_RANGE = _range(_IPV4 + _IPV4_PREFIX, "a range of IPv4 addresses, such as 10.0.0.0/20")
CLIENT_RANGE = _range(
    f"{_IPV4}({_IPV4_PREFIX})?|{_IPV6}({_IPV6_PREFIX})?",
    "a range of addresses or a single address, such as 203.0.113.0/24 or 203.0.113.7",
)


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
