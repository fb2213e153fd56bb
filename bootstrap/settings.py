"""Settings of the bootstrap stack, read from its configuration with all errors at once; pure."""

from typing import Annotated, Any, cast

from pydantic import Field, ValidationInfo, field_validator

from reading import fixes, loader, shape
from reading.errors import ConfigInvalid, Error, first_at_each, unknown_key
from reading.frozen import Frozen
from reading.shape import HowToSet
from settings.forms import StackProject
from settings.location import Region
from settings.stack_config import StackConfig

NAMESPACE = "dynamo-gke-bootstrap"

# Suffix of GitHub Environments whose jobs are read-only.
PREVIEW_SUFFIX = "-preview"

# Max length of `google.subject` in Google Cloud, in bytes.
LONGEST_SUBJECT = 127


# With the prefix `dynamo-deploy-`, the name must fit into the 30 characters of a service account's id.
Environment = Annotated[
    str,
    Field(
        pattern=r"^[a-z]([a-z0-9-]{0,14}[a-z0-9])?$",
        description="1 to 16 lower-case letters, digits and dashes, the first a letter, the last no dash",
        examples=["prod"],
    ),
]

_PRINTED = HowToSet("`gh api repos/OWNER/REPO` prints it")
_Number = Annotated[int, Field(ge=1), _PRINTED]


class Repository(Frozen):
    """A repository on github.com. Its name may be reused by someone else, its numbers are never reused."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$",
            description="a repository on github.com as OWNER/NAME",
            examples=["my-org/dynamo-gke"],
        ),
        _PRINTED,
    ]
    id: _Number
    owner_id: _Number

    def subjects(self, context: str) -> dict[str, str]:
        """Token subjects (`sub`) of a context, such as `environment:prod`, in both of GitHub's forms.

        Repositories created or renamed since 15 July 2026 use numbers by default, earlier ones only names.
        """
        owner, _, name = self.name.partition("/")
        return {
            "named": f"repo:{self.name}:{context}",
            "numbered": f"repo:{owner}@{self.owner_id}/{name}@{self.id}:{context}",
        }


class Settings(Frozen):
    project: StackProject
    region: Region
    repository: Annotated[Repository, Field(examples=["{name: my-org/dynamo-gke, id: 123456789, ownerId: 1234567}"])]
    environments: Annotated[tuple[Environment, ...], Field(examples=["[dev, staging, prod]"])]
    billing_account: (
        Annotated[
            str,
            Field(
                pattern=r"^[0-9A-F]{6}(-[0-9A-F]{6}){2}$",
                description="a billing account's id: three groups of six digits or capitals A to F",
                examples=["000000-AAAAAA-BBBBBB"],
            ),
        ]
        | None
    ) = None
    """The billing account in which deploy accounts may create budgets; not needed without budgets."""

    @field_validator("environments")
    @classmethod
    def _distinct_and_short(cls, environments: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not environments:
            raise ValueError("is empty; name at least one GitHub environment, such as prod")
        twice = sorted({name for name in environments if environments.count(name) > 1})
        if twice:
            raise ValueError(f"names {', '.join(twice)} more than once")
        if suffixed := [name for name in environments if name.endswith(PREVIEW_SUFFIX)]:
            raise ValueError(
                f"names {', '.join(suffixed)}; the suffix {PREVIEW_SUFFIX} is reserved for read-only environments, for "
                "which any branch gets a token"
            )
        repository: Repository | None = info.data.get("repository")  # absent if the repository itself is invalid
        for name in environments if repository else ():
            subject = cast(Repository, repository).subjects(f"environment:{name}{PREVIEW_SUFFIX}")["numbered"]
            if len(subject) > LONGEST_SUBJECT:
                raise ValueError(
                    f"{name} leads to a token subject of {len(subject)} characters, but Google Cloud allows "
                    f"{LONGEST_SUBJECT}; shorten the name of the environment or the repository"
                )
        return environments


KEYS = tuple(field.alias or name for name, field in Settings.model_fields.items() if name != "project")


def load(config: StackConfig) -> Settings:
    """The settings of a bootstrap stack. Raises ConfigInvalid with all errors."""
    raw, unread = _blocks(config)
    reading = loader.read(Settings, raw, {})
    found = first_at_each(unread, reading.errors)
    if found or reading.result is None:
        raise ConfigInvalid(map(fixes.keep_all, found))
    return reading.result


def _blocks(config: StackConfig) -> tuple[dict[str, Any], list[Error]]:
    """The wire form of Settings from text values, and the errors of keys that cannot be read."""
    raw: dict[str, Any] = {}
    found: list[Error] = []
    for full_key in sorted({*config.values, *config.secrets}):
        namespace, _, key = full_key.partition(":")
        if full_key == "gcp:project" and full_key in config.values:
            raw["project"] = config.values[full_key]
        elif namespace == "gcp":
            found.append(Error(full_key, "is not used; only gcp:project is, in plain text"))
        elif namespace == NAMESPACE and (why := _unreadable(key, full_key in config.secrets)):
            found.append(Error(key, why))
        elif namespace == NAMESPACE and config.values[full_key] not in ("", "{}", "[]"):  # defaults of Pulumi.yaml
            text = config.values[full_key]
            raw[key] = text if shape.is_text(shape.at(Settings, [key], tagged=False)) else loader.text_or_data(text)
    return raw, found


def _unreadable(key: str, secret: bool) -> str:
    """The reason why the value of a key cannot be read; empty if it can."""
    if key not in KEYS:
        return unknown_key(key, KEYS)
    return "is a secret, but the bootstrap stack would show it in plain text; set it without --secret" if secret else ""
