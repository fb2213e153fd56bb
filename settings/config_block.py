"""The `config` block of a stack file: reads it, and converts it to text values as Pulumi hands them to a program."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from reading.errors import ConfigInvalid, Error, closest, unknown_key
from reading.strict_yaml import YamlInvalid, parse
from settings.stack_config import NAMESPACE, PLAIN_KEYS, SECRET_KEYS, StackConfig

KEYS_OF_PULUMI: Mapping[str, str] = {
    "secretsprovider": "Where the key is that encrypts the stack's secrets.",
    "encryptedkey": "The key of the stack's secrets, encrypted. Safe to commit.",
    "encryptionsalt": "The salt of the stack's passphrase. Safe to commit.",
    "environment": "Environments of Pulumi ESC.",
}
"""What a stack file may have beside `config`: key → what it is. Pulumi ignores all other keys, in silence, and its next
`pulumi config set` deletes them."""


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The block of a stack file by full keys, as nested values. Raises ConfigInvalid for a file that is none."""
    path = Path(path)
    keys = content(path)
    if path.name == "Pulumi.yaml" or "runtime" in keys:
        why = f"is the project file, which has no settings of a stack; {_stack_files(path.parent)}"
        raise unreadable(path, why)
    if errors := list(_misplaced([str(key) for key in keys])):
        raise ConfigInvalid(Error(path.name, each) for each in errors)
    given: Any = keys.get("config") or {}
    if not isinstance(given, dict):
        raise unreadable(path, "`config` must be an object")
    return with_full_keys(cast(dict[Any, Any], given), path.name)


def _misplaced(keys: list[str]) -> Iterator[str]:
    """An error for the settings outside of `config`, together, and for each key that is none of Pulumi's."""
    settings, top = (*PLAIN_KEYS, *SECRET_KEYS), ("config", *KEYS_OF_PULUMI)
    place = "must be in the block `config`, indented below it"
    if outside := [key for key in keys if ":" in key or key in settings]:
        yield f"{', '.join(outside)}: {place}"
    for key in keys:
        if key not in (*outside, *top):
            meant = closest(key, (*top, *settings))
            why = f"did you mean {meant}? It {place}" if meant in settings else unknown_key(key, top)
            yield f"{key}: {why}. Pulumi ignores the key, and deletes it with the next `pulumi config set`"


def _stack_files(folder: Path) -> str:
    """Which file to give instead."""
    found = sorted(path.name for path in folder.glob("Pulumi.*.yaml"))
    return f"stack files in its folder: {', '.join(found)}" if found else "a stack file is named Pulumi.<stack>.yaml"


def with_full_keys(block: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """The block with a namespace in every key. Raises ConfigInvalid, naming `where`, for a key that is given twice."""
    keys = [str(key) for key in block]
    if twice := [key for key in keys if key != full(key) and full(key) in keys]:
        raise ConfigInvalid(
            Error(key, f"{where}: is given twice, as {key} and as {full(key)}; remove one of them") for key in twice
        )
    return {full(str(key)): value for key, value in block.items()}


def full(key: str) -> str:
    return key if ":" in key else f"{NAMESPACE}:{key}"


def stack_config(stack: str, block: Mapping[str, Any]) -> StackConfig:
    """The block as Pulumi hands it to the program of a stack, of secrets the keys only."""
    secrets = frozenset(secret_keys(block))
    return StackConfig(
        stack=stack, values={key: text(value) for key, value in block.items() if key not in secrets}, secrets=secrets
    )


def text(value: Any) -> str:
    """A value as Pulumi passes it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def secret_keys(block: Mapping[str, Any]) -> list[str]:
    """The keys with an encrypted part."""
    return [key for key, value in block.items() if list(secure_parts(value))]


def secure_parts(value: Any) -> Iterator[Any]:
    """The encrypted parts of a value: they count as present and are never decrypted here.

    One of them makes the whole key a secret to Pulumi, however deep it lies.
    """
    if isinstance(value, dict):
        inner = cast(dict[Any, Any], value)
        if set(inner) == {"secure"}:
            yield inner["secure"]
        else:
            for each in inner.values():
                yield from secure_parts(each)
    elif isinstance(value, list):
        for each in cast(list[Any], value):
            yield from secure_parts(each)


def content(path: Path) -> dict[str, Any]:
    """The keys of a YAML file. Raises ConfigInvalid for a file that is none."""
    try:
        found: Any = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise unreadable(path, f"there is no file {path.absolute()}; {_stack_files(path.parent)}") from None
    except OSError as error:
        raise unreadable(path, f"{path.absolute()} cannot be read ({error.strerror}); give a file") from None
    except UnicodeDecodeError as error:
        raise unreadable(path, f"is not YAML: {error}") from None
    except YamlInvalid as invalid:
        raise ConfigInvalid(
            # A key of the configuration as every error names it, else where it is in the file.
            Error(error.path.removeprefix(_CONFIG), f"{path.name}: {error.message}")
            if error.path.startswith(_CONFIG)
            else Error(path.name, f"{error.path}: {error.message}".removeprefix(": "))
            for error in invalid.errors
        ) from None
    found = {} if found is None else found
    if not isinstance(found, dict):
        raise unreadable(path, "must be an object with the key `config`")
    return cast(dict[str, Any], found)


_CONFIG = f"config.{NAMESPACE}:"


def unreadable(path: Path, message: str) -> ConfigInvalid:
    return ConfigInvalid([Error(path.name or str(path), message)])
