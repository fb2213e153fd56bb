"""Renamed keys of a stack file. The old name still loads, with a warning that gives the new one."""

from typing import Any, cast

from reading.errors import Error, join

# Old key path → new last key. `*` matches any key.
RENAMED = {("models", "*", "proof"): "verification"}


def move(raw: dict[str, Any]) -> tuple[dict[str, str], list[Error]]:
    """Renames the old keys in `raw`. Returns the moved paths, old → new, and an error where both names are given."""
    moved: dict[str, str] = {}
    found: list[Error] = []
    for (*parents, old), new in RENAMED.items():
        for path, block in _blocks(raw, parents):
            if old not in block:
                continue
            old_path, new_path = join("", *path, old), join("", *path, new)
            value = block.pop(old)
            if new in block:
                found.append(Error(old_path, f"is the old name of {new_path}, which is also set; remove {old_path}"))
            else:
                block[new] = value
                moved[old_path] = new_path
    return moved, found


def _blocks(raw: Any, parents: list[str]) -> list[tuple[list[str], dict[str, Any]]]:
    """The objects at a path with `*`, each with its own path. Skips values that are no objects."""
    if not isinstance(raw, dict):
        return []
    block = cast(dict[str, Any], raw)
    if not parents:
        return [([], block)]
    keys = list(block) if parents[0] == "*" else [key for key in parents[:1] if key in block]
    return [([key, *path], inner) for key in keys for path, inner in _blocks(block[key], parents[1:])]
