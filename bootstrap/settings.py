"""What the bootstrap stack may set, read from its config with every fault at once; pure."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from reading import spelling
from reading.errors import ConfigInvalid, Fault, join, nearest, shown
from reading.frozen import Frozen
from settings.forms import PROJECT_ID, PROJECT_ID_RULE
from settings.stack_config import StackConfig

NAMESPACE = "dynamo-gke-bootstrap"

# Of the GitHub Environments whose jobs only look.
PREVIEW_SUFFIX = "-preview"

# Google Cloud takes no longer `google.subject`, in bytes.
LONGEST_SUBJECT = 127


def _of_form(pattern: str, rule: str, example: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            like = spelling.like(value, pattern)
            meant = f"; did you mean {like}?" if like else ""
            raise ValueError(f"{shown(value)} is not {rule}, such as {example}{meant}")
        return value

    return AfterValidator(check)


# With `dynamo-deploy-` before it at most the 30 characters of a service account's id.
Environment = Annotated[
    str,
    _of_form(
        r"[a-z]([a-z0-9-]{0,14}[a-z0-9])?",
        "1 to 16 lower-case letters, digits and dashes, the first a letter, the last no dash",
        "prod",
    ),
]


class Repository(Frozen):
    """A repository on github.com. Its name may be given to somebody else one day, its numbers never."""

    name: Annotated[
        str,
        _of_form(
            r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}", "a repository on github.com as OWNER/NAME", "my-org/dynamo-gke"
        ),
    ]
    id: Annotated[int, Field(ge=1)]
    owner_id: Annotated[int, Field(ge=1)]

    def subjects(self, context: str) -> dict[str, str]:
        """`sub` of the tokens of a context, such as `environment:prod`, in both forms that GitHub writes.

        Repositories made or renamed since 15 July 2026 have numbers in it by default, earlier ones names alone.
        """
        owner, _, name = self.name.partition("/")
        return {
            "named": f"repo:{self.name}:{context}",
            "numbered": f"repo:{owner}@{self.owner_id}/{name}@{self.id}:{context}",
        }


class Settings(Frozen):
    project: Annotated[str, _of_form(PROJECT_ID, PROJECT_ID_RULE, "my-project")]
    region: Annotated[
        str, _of_form(r"[a-z]+-[a-z]+[0-9]+", "a region, in lower case: area, dash, place and number", "europe-west1")
    ]
    repository: Repository
    environments: tuple[Environment, ...]
    billing_account: (
        Annotated[
            str,
            _of_form(
                r"[0-9A-F]{6}(-[0-9A-F]{6}){2}",
                "a billing account's id: three groups of six digits or capitals A to F",
                "000000-AAAAAA-BBBBBB",
            ),
        ]
        | None
    ) = None
    """Where the deploy accounts may create budgets; a stack without a budget needs none."""

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
                f"names {', '.join(suffixed)}; {PREVIEW_SUFFIX} is the ending of the environments that only look, for "
                "which any branch gets a token"
            )
        repository: Repository | None = info.data.get("repository")  # absent when it is a fault of its own
        for name in environments if repository else ():
            subject = cast(Repository, repository).subjects(f"environment:{name}{PREVIEW_SUFFIX}")["numbered"]
            if len(subject) > LONGEST_SUBJECT:
                raise ValueError(
                    f"{name} makes a token's subject of {len(subject)} characters, and Google Cloud takes "
                    f"{LONGEST_SUBJECT}; shorten the names of environment or repository"
                )
        return environments


KEYS = tuple(field.alias or name for name, field in Settings.model_fields.items() if name != "project")


def load(config: StackConfig) -> Settings:
    """The settings of a bootstrap stack. Raises ConfigInvalid with every fault."""
    raw: dict[str, Any] = {}
    found: list[Fault] = []
    for full_key in sorted({*config.values, *config.secrets}):
        namespace, _, key = full_key.partition(":")
        if full_key == "gcp:project" and full_key in config.values:
            raw["project"] = config.values[full_key]
        elif namespace == "gcp":
            found.append(Fault(full_key, "is not read: only gcp:project is, in plain text"))
        elif namespace == NAMESPACE and key not in KEYS:
            found.append(Fault(key, _unknown(key, KEYS)))
        elif namespace == NAMESPACE and full_key in config.secrets:
            found.append(Fault(key, "is a secret, which would show in plain once read; the bootstrap stack has none"))
        elif namespace == NAMESPACE and config.values[full_key] not in ("", "{}", "[]"):  # defaults of Pulumi.yaml
            raw[key] = _parsed(key, config.values[full_key])
    try:
        settings = Settings.from_wire(raw)
    except ValidationError as error:
        told = {fault.path for fault in found}
        shape = [_fault(cast(dict[str, Any], e)) for e in error.errors(include_url=False)]
        raise ConfigInvalid([*found, *(fault for fault in shape if fault.path not in told)]) from None
    if found:
        raise ConfigInvalid(found)
    return settings


def _parsed(key: str, text: str) -> Any:
    """The object or list in a text value; what holds none stays text, and its shape is a fault later."""
    if key in ("region", "billingAccount"):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "an object",
    "model_attributes_type": "an object",
}

_REQUIRED = {
    "gcp:project": "set it with `pulumi config set gcp:project PROJECT`",
    "region": "such as europe-west1",
    "repository": "such as {name: my-org/dynamo-gke, id: 123456789, ownerId: 1234567}",
    "environments": "such as [dev, staging, prod]",
}


def _fault(e: Mapping[str, Any]) -> Fault:
    path = "gcp:project" if e["loc"] == ("project",) else join("", *e["loc"])
    kind, given = str(e["type"]), e["input"]
    if kind == "missing":
        hint = _REQUIRED.get(path, "`gh api repos/OWNER/REPO` prints it")
        return Fault(path, f"is required, {hint}" if hint.startswith("such") else f"is required; {hint}")
    if kind == "extra_forbidden":
        return Fault(path, _unknown(str(e["loc"][-1]), ("name", "id", "ownerId")))
    if kind == "value_error":
        return Fault(path, str(e["msg"]).removeprefix("Value error, "))
    if kind == "greater_than_equal":
        return Fault(path, f"got {shown(given)}; must be at least 1")
    wanted = _WANTED.get(kind)
    return Fault(path, f"got {shown(given)}; " + (f"must be {wanted}" if wanted else str(e["msg"])))


def _unknown(key: str, allowed: tuple[str, ...]) -> str:
    return f"is not a key here{nearest(key, allowed)}; allowed: {', '.join(allowed)}"
