"""Stack files → the config as Pulumi would hand it to the program, without Pulumi and without any key to secrets."""

import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reading import shape
from reading.errors import ConfigInvalid, Error, nearest, shown
from reading.strict_yaml import YamlInvalid, parse
from settings import config_block
from settings.schema import Settings
from settings.stack_config import NAMESPACE, StackConfig

_BASE64 = "[A-Za-z0-9+/]+={0,2}"
_CIPHERTEXT = re.compile(rf"v1:{_BASE64}:{_BASE64}|{_BASE64}")
"""An encrypted value as Pulumi writes it: with a nonce from a passphrase or KMS key, in one piece from Pulumi Cloud."""


def project_root() -> Path:
    """The folder of Pulumi.yaml: this program's own."""
    return Path(__file__).parents[2]


def stack_names(root: Path) -> list[str]:
    return sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml"))


def read(root: Path, stack: str, overrides: Iterable[str] = ()) -> StackConfig:
    """The config of a stack with `path=value` overrides laid over it.

    Raises ConfigInvalid for a file that is not there or is not YAML, and for an override that is not `path=value`.
    """
    return config_block.stack_config(stack, {**_project_defaults(root), **blocks(root, stack, overrides)})


def blocks(root: Path, stack: str, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """The `config` of a stack file by full keys, as nested values, with the overrides. Raises ConfigInvalid."""
    _check_name(root, stack)
    path = root / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = stack_names(root)
        why = f"there is no such stack{nearest(stack, known)}; stacks: {', '.join(known)}"
        raise config_block.unreadable(path, why)
    config = config_block.read(path)
    for override in overrides:
        _lay(config, override)
    return config


_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
"""A name that Pulumi gives to a stack; settings are stricter."""


def _check_name(root: Path, stack: str) -> None:
    """Raises ConfigInvalid for a name that no stack can have, such as Pulumi's full one, organization/project/stack."""
    if _STACK_NAME.fullmatch(stack):
        return
    known = stack_names(root)
    *_, last = stack.rsplit("/", 1)
    if not stack:
        why = "is empty"
    elif "/" in stack and last in known:
        why = f"{shown(stack)} is not the name of a stack alone; give its last part, {last}"
    else:
        why = f"{shown(stack)} is not 1 to 100 letters, digits, dashes, underscores and dots"
    raise ConfigInvalid([Error("--stack", f"{why}; stacks: {', '.join(known)}")])


def undecryptable(root: Path, stack: str) -> list[str]:
    """Keys with a secret that Pulumi did not encrypt, such as `{secure: replace-me}`.

    Every command of the Pulumi CLI then ends with "validating stack config: bad value".
    """
    config = config_block.read(root / f"Pulumi.{stack}.yaml")
    return [key for key, value in config.items() if not all(map(_is_ciphertext, config_block.secure_parts(value)))]


def _is_ciphertext(value: Any) -> bool:
    # Shorter text is no ciphertext of anything: a nonce and a tag alone are longer.
    return isinstance(value, str) and len(value) >= 24 and bool(_CIPHERTEXT.fullmatch(value))


def _project_defaults(root: Path) -> dict[str, Any]:
    declared: Mapping[str, Any] = config_block.content(root / "Pulumi.yaml").get("config") or {}
    return {config_block.full(key): entry["default"] for key, entry in declared.items() if "default" in entry}


def _lay(config: dict[str, Any], override: str) -> None:
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise ConfigInvalid([Error("--set", f"{shown(override)} is not path=value, {_SUCH_AS}")])
    if why := _path_error(path):
        allowed = 'write keys joined by dots, [0] for an entry of a list, ["a.b"] for a key with a dot'
        raise ConfigInvalid([Error("--set", f"{shown(override)}: the path {why}; {allowed}, {_SUCH_AS}")])
    keys = _keys(path)
    steps = [config_block.full(str(keys[0])), *keys[1:]]
    block: Any = config
    for step, following in itertools.pairwise(steps):
        _refuse_gap(override, block, step)
        wanted = list if isinstance(following, int) else dict
        inner = _entry(block, step)
        block = inner if isinstance(inner, wanted) else _put(block, step, wanted())
    last = steps[-1]
    _refuse_gap(override, block, last)
    if text:
        _put(block, last, value_at(path, text))
    else:
        _take_out(block, last)


def _refuse_gap(override: str, block: Any, step: str | int) -> None:
    """Raises ConfigInvalid for an index that would leave a gap in a list."""
    if isinstance(step, int) and step > len(block):
        raise ConfigInvalid([Error("--set", f"{shown(override)}: the next index of the list is {len(block)}")])


def _entry(block: Any, step: str | int) -> Any:
    """The entry of an object or a list; None where there is none."""
    if isinstance(step, int):
        return block[step] if step < len(block) else None
    return block.get(step)


def _put(block: Any, step: str | int, value: Any) -> Any:
    """Sets an entry, the one after the last of a list included."""
    if isinstance(step, int) and step == len(block):
        block.append(value)
    else:
        block[step] = value
    return value


def _take_out(block: Any, step: str | int) -> None:
    there = step < len(block) if isinstance(step, int) else step in block
    if there:
        del block[step]


_SUCH_AS = "such as models.chat.layout=single-node"
_PLAIN, _QUOTED, _INDEX = r'[^.\[\]"]+', r'\["[^"]+"\]', r"\[\d+\]"
_PATH = re.compile(rf"(?:{_PLAIN}|{_QUOTED})(?:\.{_PLAIN}|{_QUOTED}|{_INDEX})*")
_EMPTY = re.compile(r'\.(?=[.\[]|$)|\[\]|\[""\]')
"""The beginning of an empty part of a path."""


def _path_error(path: str) -> str | None:
    """Why a path is not well formed; None if it is. Pulumi accepts some such paths, and leaves out what is empty."""
    well_formed = _PATH.match(path)
    rest = path[well_formed.end() :] if well_formed else path
    if not rest:
        return None
    if _EMPTY.match(rest) or (rest == path and path.startswith(".")):
        return f"has an empty part at {shown(rest)}"
    if rest == path and re.match(_INDEX, path):
        return "begins with an index, not with a key"
    return f"cannot be read from {shown(rest)} on"


def _keys(path: str) -> list[str | int]:
    """`models["a.b"].list[0]` → models, a.b, list, 0."""
    parts = re.findall(rf"{_QUOTED}|{_INDEX}|{_PLAIN}", path)
    return [int(part[1:-1]) if re.fullmatch(_INDEX, part) else part.strip('[]"') for part in parts]


def value_at(path: str, text: str) -> Any:
    """A value as the type of its key has it: text stays text, an object or a list is read as YAML or JSON.

    All else, unknown keys included, is true or false, a number, else text. `pulumi config set --path` needs `--type`
    for two of them: it makes a number of a text such as 70, and text of a number such as 0.9.
    """
    own = [key.removeprefix(f"{NAMESPACE}:") if isinstance(key, str) else key for key in _keys(path)]
    declared = shape.at(Settings, ["project"] if own == ["gcp:project"] else own, tagged=False)
    if shape.is_text(declared):
        return text
    if shape.is_collection(declared):
        try:
            return parse(text)
        except YamlInvalid as invalid:
            raise ConfigInvalid(
                [Error("--set", f"{path}={shown(text)}: {str(error).removeprefix(': ')}") for error in invalid.errors]
            ) from None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return int(text)
    if re.fullmatch(r"-?(0|[1-9]\d*)\.\d+", text):
        return float(text)
    return text
