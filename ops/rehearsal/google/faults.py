"""Failures of Google Cloud that a rehearsal asks for.

`World.faults` is a JSON list, read at each operation:
`[{"urn": "gpu-decode", "operation": "create", "effect": "stockout", "times": 1}]`. The first entry counts whose `urn`
is part of the resource's URN, and whose `times` is not used up.
"""

import fcntl
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from ops.rehearsal.files import write_whole


class Operation(StrEnum):
    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"


class Effect(StrEnum):
    FAIL = "fail"
    """An error of the API before anything happened."""
    STOCKOUT = "stockout"
    """A node pool is created without nodes, in state ERROR. GKE keeps it and goes on looking for machines."""
    TIMEOUT = "timeout"
    """The operation succeeds, after the provider has stopped waiting for it."""
    PRECONDITION = "precondition"
    """GKE answers failedPrecondition `times` times. The provider retries a node pool without a word."""
    DELAY = "delay"
    """The operation takes `seconds` longer."""


class Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    urn: str
    operation: Operation = Operation.CREATE
    effect: Effect = Effect.FAIL
    message: str = ""
    """Google Cloud's words; by default those of the effect."""
    seconds: float = 0
    times: int = 1


_FAULTS = TypeAdapter(list[Fault])


class Faults:
    def __init__(self, file: Path) -> None:
        self._file = file

    def ask(self, *faults: Fault) -> None:
        """Replaces the list."""
        self._write(list(faults))

    def take(self, urn: str, operation: Operation) -> Fault | None:
        """The fault that an operation meets, if any; counts it as used once."""
        if not self._file.exists():
            return None
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            faults = _FAULTS.validate_json(self._file.read_text(encoding="utf-8"))
            for index, fault in enumerate(faults):
                if fault.urn in urn and fault.operation is operation and fault.times > 0:
                    faults[index] = fault.model_copy(update={"times": fault.times - 1})
                    self._write(faults)
                    return fault
        return None

    def _write(self, faults: list[Fault]) -> None:
        raw: list[dict[str, Any]] = [fault.model_dump(mode="json") for fault in faults]
        write_whole(self._file, json.dumps(raw, indent=1))
