"""Searches the files of a rehearsal, the objects of its cluster and its simulated cloud for a secret."""

import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.rehearsal.engine.events import short
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.google.operations import digests
from policies import kinds


@dataclass(frozen=True, kw_only=True)
class Search:
    files: int
    found: tuple[Path, ...]
    """Files with a secret, relative to the folder."""


def search_objects(objects: Iterable[Mapping[str, Any]], secrets: tuple[str, ...]) -> list[str]:
    """The objects with one of the secrets, also in base64; of a Secret all but its data is searched."""
    wanted = _all_forms(secrets)
    found: list[str] = []
    for each in objects:
        shown = {key: value for key, value in each.items() if each["kind"] != "Secret" or key != "data"}
        content = json.dumps(shown).encode()
        if any(part in content for part in wanted):
            metadata = each["metadata"]
            place = f" in {metadata['namespace']}" if metadata.get("namespace") else ""
            found.append(f"{each['kind']} {metadata['name']}{place}")
    return found


def search_cloud(resources: Iterable[Resource]) -> list[str]:
    """The inputs of Google Cloud that got any secret, but for the one that is made for secrets.

    The simulated cloud keeps a digest of a secret, in whatever text the secret was.
    """
    return [
        f"{path} of {short(each.urn)}"
        for each in resources
        for path in digests(each.state)
        if (each.type, path) != (kinds.SECRET_VERSION, "secretData")
    ]


def search(folder: Path, secrets: tuple[str, ...], ignored: Path) -> Search:
    """Looks for the secrets, also in base64, in every file of the folder but those below `ignored`."""
    wanted = _all_forms(secrets)
    files = list(_files(folder, ignored))
    return Search(
        files=len(files),
        found=tuple(path.relative_to(folder) for path in files if any(part in _content(path) for part in wanted)),
    )


def _all_forms(secrets: tuple[str, ...]) -> list[bytes]:
    return [part for secret in secrets for part in _forms(secret)]


def _forms(secret: str) -> Iterator[bytes]:
    """The secret, and the middle of its base64 at each of the three offsets in a longer text."""
    plain = secret.encode()
    yield plain
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + plain).rstrip(b"=")
        yield encoded[4 if offset else 0 : -2]


def _files(folder: Path, ignored: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if Path(root, name) != ignored]
        for name in names:
            path = Path(root, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _content(path: Path) -> bytes:
    """The whole file; empty if it is gone meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
