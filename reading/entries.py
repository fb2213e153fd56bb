"""Reads folders of data files: one YAML file per entry, named after it."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from reading import shape, shape_errors
from reading.errors import ConfigInvalid, Error, join, nearest, one_of, shown, unknown_key
from reading.frozen import Frozen

ROOT = Path(__file__).parents[1]
"""The program's folder, where the paths of users' files begin unless another program has set its own."""
_of_caller: ContextVar[Path | None] = ContextVar("folder of users' files", default=None)
Entry = TypeVar("Entry", bound=Frozen)


@contextmanager
def paths_begin_at(folder: Path) -> Generator[None]:
    """Reads users' files of this folder, instead of the program's, while the block runs."""
    before = _of_caller.set(folder.resolve())
    try:
        yield
    finally:
        _of_caller.reset(before)


def root() -> Path:
    """The folder at which the paths of users' files begin."""
    return _of_caller.get() or ROOT


def beginning() -> str:
    """That folder as errors name it."""
    return str(_of_caller.get() or "the folder of Pulumi.yaml")


@cache
def names(folder: Path) -> tuple[str, ...]:
    """The names of the entries of a data folder, sorted."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def entry(model: type[Entry], folder: Path, name: str) -> Entry:
    """The entry `name` of a folder, as its type.

    Raises ConfigInvalid with the file, key, value and rule of every error; FileNotFoundError for a name that is neither
    in `names(folder)` nor a file.
    """
    path = path_of(folder, name)
    return checked(model, file_of(folder, name), path.stem, path.read_bytes())


def path_of(folder: Path, name: str) -> Path:
    """The file of an entry. `name` may also be a file in the program's folder, such as `./machines/ours.yaml`."""
    return root() / name if is_file(name) else folder / f"{name}.yaml"


def file_of(folder: Path, name: str) -> str:
    """The file of an entry as errors name it: relative to the folder of users' files, or to the program's."""
    path = path_of(folder, name)
    near = next((of for of in (root(), ROOT) if path.is_relative_to(of)), None)
    return (path.relative_to(near) if near else path).as_posix()


def named(given: str, allowed: Sequence[str]) -> str:
    """`given`, if it is an allowed name or a readable file. Raises ValueError, which says why it is not.

    A file of another program becomes a whole path, because entries are kept by name.
    """
    if is_file(given):
        if why := _unusable(given):
            raise ValueError(why)
        if _of_caller.get():
            return str(root() / given)
    elif given not in allowed:
        raise ValueError(one_of(given, allowed))
    return given


def is_file(name: str) -> bool:
    """Whether a name is the path of a user's file instead of an entry of a data folder."""
    return name.startswith(("./", "../", "/")) or name.endswith((".yaml", ".yml"))


def _unusable(name: str) -> str:
    """Why a user's file cannot be read; empty if it can."""
    if "\0" in name:
        return f"{shown(name)} is not the path of a file"
    path = root() / name
    if not path.resolve().is_relative_to(root().resolve()):
        where = str(of_caller) if (of_caller := _of_caller.get()) else "this program's folder"
        return f"{shown(name)} is outside of {where}; copy the file into it"
    if not name.endswith(".yaml"):
        return f"{shown(name)} does not end in .yaml{nearest(name, _files_near(path))}"
    if not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises OSError for a path that is too long
        near = nearest(name, _files_near(path))
        return f"there is no file {shown(name)}; paths begin at {beginning()}{near}"
    return "" if os.access(path, os.R_OK) else f"the file {shown(name)} cannot be read: permission denied"


def _files_near(path: Path) -> list[str]:
    """Files to propose for a wrong path: files in its folder, and in the folders next to Pulumi.yaml."""
    begin = root()
    found = {*path.parent.glob("*.yaml"), *begin.glob("[!.]*/*.yaml")}
    files = (each.relative_to(begin).as_posix() for each in found if each.is_relative_to(begin))
    return sorted(f"./{file}" for file in files if not file.startswith("Pulumi."))


def checked(model: type[Entry], file: str, name: str, content: bytes) -> Entry:
    """An entry from the content of its file. Raises ConfigInvalid, whose paths begin with `file`."""
    from reading.strict_yaml import YamlInvalid, parse  # imported late: PyYAML takes as long as all of this room

    try:
        plain = parse(content.decode("utf-8"))
        if not isinstance(plain, dict):
            raise YamlInvalid([Error("", "must be an object")])
        content_of = cast(dict[str, Any], plain)
        if (given := content_of.get("name", name)) != name:
            raise YamlInvalid(
                [Error("name", f"got {shown(given)}; the file's name already sets it: {name}. Remove the key")]
            )
        return model.from_wire({**content_of, "name": name})
    except UnicodeDecodeError:
        found = [Error("", "is not UTF-8 text")]
    except YamlInvalid as invalid:
        found = list(invalid.errors)
    except ValidationError as invalid:
        found = [_error(model, cast(Mapping[str, Any], e)) for e in invalid.errors(include_url=False)]
    raise ConfigInvalid(Error(f"{file}: {error.path}" if error.path else file, error.message) for error in found)


# Errors that get our own message. Others keep pydantic's, which names the rule.
_WORDED = ("missing", "value_error", "string_pattern_mismatch")


def _error(model: type[Frozen], e: Mapping[str, Any]) -> Error:
    kind, given, where = str(e["type"]), e["input"], shape.without_tags(model, e["loc"])
    path = join("", *where)
    if kind == "extra_forbidden":
        return Error(path, unknown_key(str(where[-1]), shape.keys(shape.at(model, e["loc"][:-1]))))
    if kind.startswith("union_tag"):
        key = str(e["ctx"]["discriminator"]).strip("'")
        allowed = shape.tags(shape.at(model, where), key)
        tag = e["ctx"].get("tag")
        return Error(join(path, key), one_of(tag, allowed) if tag else f"is required; one of {', '.join(allowed)}")
    if kind in _WORDED:
        return Error(path, shape_errors.message(model, e, list(e["loc"])))
    return Error(path, f"got {shown(given)}; {str(e['msg'])[:1].lower()}{str(e['msg'])[1:]}")
