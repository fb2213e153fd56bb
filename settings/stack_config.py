"""Converts a stack's config from text to plain blocks of settings, and reports every error that needs no schema."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from reading.errors import Error, join, nearest, unknown_key
from reading.loader import text_or_data
from reading.tokens import kind
from settings.forms import EXAMPLE_PROJECT

NAMESPACE = "dynamo-gke"
SECRET_KEYS = ("hfToken",)
PLAIN_KEYS = (
    "location",
    "network",
    "cluster",
    "capacity",
    "models",
    "endpoint",
    "alerts",
    "budget",
    "weights",
    "preflight",
    "labels",
    "secrets",
    "versions",
)


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """A stack's config as in Pulumi: full keys (`dynamo-gke:models`) and text values, objects as JSON.

    Has only the keys of secrets, never their values.
    """

    stack: str
    values: Mapping[str, str]
    secrets: frozenset[str]
    of_program: bool = False
    """Whether another program gives the config as a dict: `pulumi config` then has no stack to set it in."""


def raw_blocks(config: StackConfig) -> tuple[dict[str, Any], list[Error]]:
    """The plain blocks of Settings from text values, and the errors that need no schema."""
    raw: dict[str, Any] = {"stack": config.stack}
    found: list[Error] = []
    if config.of_program and "gcp:project" not in config.values:
        found.append(Error("gcp:project", f"is required, such as {EXAMPLE_PROJECT}; add it to the config"))
    for full_key in sorted({*config.values, *config.secrets}):
        namespace, _, key = full_key.partition(":")
        if namespace == "gcp":
            found += _gcp_key(key, raw, config)
        elif namespace != NAMESPACE:
            found += _foreign_key(namespace, key)
        elif key in SECRET_KEYS:
            found += _secret_key(key, full_key, raw, config)
        else:
            found += _plain_key(key, full_key, raw, config)
    return raw, found


def _secret_key(key: str, full_key: str, raw: dict[str, Any], config: StackConfig) -> Iterable[Error]:
    """Records that the secret is set. Yields an error if it is in plain text."""
    secret = full_key in config.secrets
    if secret or config.values[full_key] not in ("", "null"):  # empty is the default in Pulumi.yaml
        raw[key] = True
        if not secret:
            yield Error(key, f"is in plain text; set it with `pulumi config set --secret {full_key}`, and revoke it")


def _plain_key(key: str, full_key: str, raw: dict[str, Any], config: StackConfig) -> Iterable[Error]:
    """Puts the value of a Settings key into `raw`. Yields an error for each text in it that no stack may have."""
    if re.split(r"[.\[]", key, maxsplit=1)[0] in PLAIN_KEYS and key not in PLAIN_KEYS:
        mend = (
            "write it as a dict in a dict"
            if config.of_program
            else f"`pulumi config set` was run without --path. Remove it with `pulumi config rm {full_key}`, then "
            f"`pulumi config set --path '{full_key}' VALUE`"
        )
        yield Error(key, f"is one key with this whole name, not a key in a block: {mend}")
    elif key not in PLAIN_KEYS:
        yield Error(key, unknown_key(key, (*PLAIN_KEYS, *SECRET_KEYS, "gcp:project")))
    elif full_key in config.secrets:
        mend = (
            "Give its value as it is"
            if config.of_program
            else f"Remove it with `pulumi config rm {full_key}` and write it in the stack file"
        )
        yield Error(key, f"is set as a secret, but only hfToken may be one: the program prints all other keys. {mend}")
    else:
        value = text_or_data(config.values[full_key])
        yield from _text_errors(key, value)
        if value != {}:  # the default of every object in Pulumi.yaml
            raw[key] = value


def _text_errors(path: str, value: Any) -> Iterable[Error]:
    """An error for each key or text of the value that has a credential or a placeholder of the docs in it."""
    if isinstance(value, dict):
        for key, inner in cast(dict[str, Any], value).items():
            yield from _errors_in(join(path, key), key)
            yield from _text_errors(join(path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(cast(list[Any], value)):
            yield from _text_errors(join(path, index), inner)
    elif isinstance(value, str):
        yield from _errors_in(path, value)


_PLACEHOLDER = re.compile(r"\b(YOU@)?YOUR-[A-Z][A-Z.-]*")
"""What the docs' commands have in place of a value, such as YOUR-PROJECT."""


def _errors_in(path: str, text: str) -> Iterable[Error]:
    """An error for a credential, because stack files and manifests are plain text, or for a placeholder."""
    if found := _PLACEHOLDER.search(text):
        yield Error(path, f"{found[0]} is a placeholder of the docs; write your own value in its place")
    if found := kind(text):
        yield Error(
            path,
            f"looks like {found}, in plain text; remove it and revoke it. Use the secret `hfToken` for a token of "
            "Hugging Face",
        )


NOT_READ = "is not read: only gcp:project is. Region and zone come from `location`, credentials from the environment"
"""Why a key of the provider, such as gcp:region, is an error."""


def _gcp_key(key: str, raw: dict[str, Any], config: StackConfig) -> Iterable[Error]:
    if key == "project" and "gcp:project" in config.values:
        raw["project"] = config.values["gcp:project"]
        yield from _errors_in("gcp:project", config.values["gcp:project"])
    else:
        yield Error(f"gcp:{key}", NOT_READ)


def _foreign_key(namespace: str, key: str) -> Iterable[Error]:
    """The error of a key that is probably meant for this program or its provider. Ignores keys of other tools."""
    ours = (*PLAIN_KEYS, *SECRET_KEYS)
    if key in ours or nearest(namespace, (NAMESPACE,)) or "dynamo" in namespace.lower():
        yield Error(f"{namespace}:{key}", f"is not read: the namespace is {NAMESPACE}; write {NAMESPACE}:{key}")
    elif key == "project" or nearest(namespace, ("gcp",)):
        yield Error(f"{namespace}:{key}", f"is not read: the provider's namespace is gcp; write gcp:{key}")
