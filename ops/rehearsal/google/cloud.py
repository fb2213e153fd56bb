"""What exists in the simulated Google Cloud: one file, shared by all processes of a rehearsal."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ops.rehearsal.files import write_whole


@dataclass(kw_only=True)
class Resource:
    type: str
    id: str
    urn: str
    """The resource of the program that created it."""
    state: dict[str, Any]
    """Inputs and outputs. A secret is a digest of its value."""
    status: str = "RUNNING"
    """Of a node pool: RUNNING, or ERROR until its nodes come."""


@dataclass
class Content:
    resources: dict[str, Resource] = field(default_factory=dict[str, Resource])
    """Type and id → the resource."""
    last_number: int = 4_000_000_000_000_000_000
    """The last number that Google Cloud chose for a resource."""
    apis: set[str] = field(default_factory=lambda: {"serviceusage.googleapis.com"})
    """The APIs that are on."""

    def number(self) -> int:
        self.last_number += 1
        return self.last_number

    def find(self, type_: str, id_: str) -> Resource | None:
        return self.resources.get(_key(type_, id_))

    def add(self, resource: Resource) -> None:
        self.resources[_key(resource.type, resource.id)] = resource

    def remove(self, type_: str, id_: str) -> None:
        self.resources.pop(_key(type_, id_), None)


def _key(type_: str, id_: str) -> str:
    return f"{type_} {id_}"


class Cloud:
    """Access to the file. Tests edit it too: what drifted, what is lost, what is left over."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def resources(self) -> list[Resource]:
        return list(self._read().resources.values())

    def find(self, type_: str, id_: str) -> Resource | None:
        return self._read().find(type_, id_)

    @contextmanager
    def change(self) -> Iterator[Content]:
        """The content, written back at the end unless the block raises. One change at a time."""
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            content = self._read()
            yield content
            write_whole(self._file, json.dumps(_to_wire(content), indent=1))

    def _read(self) -> Content:
        try:
            raw: Mapping[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Content()
        found = Content(last_number=raw["lastNumber"], apis=set(raw["apis"]))
        for entry in raw["resources"]:
            found.add(Resource(**entry))
        return found


def _to_wire(content: Content) -> dict[str, Any]:
    return {
        "lastNumber": content.last_number,
        "apis": sorted(content.apis),
        "resources": [asdict(resource) for resource in content.resources.values()],
    }
