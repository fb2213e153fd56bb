"""Shared by the tests: valid stacks, made invalid one value at a time, and recordings of the shipped ones."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

from catalog import locations
from catalog.defaults import defaults
from catalog.engines import default_engine
from catalog.layouts import layouts_for
from catalog.machines import GpuMachine, gpu_machine
from catalog.models import Layout, card
from ops.offline import stackfile
from ops.offline.recorded import Recording
from ops.offline.recording import record
from planning.load import load
from planning.plan import plan
from planning.types import Plan
from reading.errors import ConfigInvalid, Error
from settings.stack_config import StackConfig

ROOT = stackfile.project_root()
SHIPPED = ("dev", "try", "staging", "prod")

GOOD: dict[str, Any] = {
    "gcp:project": "my-project",
    "location": {"region": "europe-west1", "zone": "europe-west1-b"},
    "capacity": {"mode": "reservation", "reservation": "my-h200"},
    "models": {"chat": {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}},
    "hfToken": {"secure": "v1:abc"},
}


def config(changes: dict[str, Any] | None = None, stack: str = "prod") -> StackConfig:
    """GOOD with values changed by path (`models.chat.layout`); None takes one out."""
    blocks = deepcopy(GOOD)
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        block = blocks
        for key in parents:
            block = block.setdefault(key, {})
        if value is None:
            block.pop(last)
        else:
            block[last] = deepcopy(value)
    full = {key if ":" in key else f"dynamo-gke:{key}": value for key, value in blocks.items()}
    secrets = frozenset(key for key, value in full.items() if isinstance(value, dict) and "secure" in value)
    values = {k: v if isinstance(v, str) else json.dumps(v) for k, v in full.items() if k not in secrets}
    return StackConfig(stack=stack, values=values, secrets=secrets)


def layouts(model: str) -> Mapping[str, Layout]:
    """The layouts of a card on the machine of GOOD."""
    return layouts_for(card(model), gpu_machine(defaults().machine), default_engine())


def place(machine: GpuMachine) -> dict[str, str]:
    """A zone where the machine was listed, or of a region where it was."""
    first = machine.zones[0]
    zone = locations.known().zones_of(first)[0] if first in locations.known().zones else first
    return {"region": locations.region_of(zone), "zone": zone}


def on_machine(machine: GpuMachine, mode: str, chat: Mapping[str, Any], rdma: str | None = None) -> dict[str, Any]:
    """Changes that put a deployment on a machine; RDMA is in the machine's first mode, unless one is given."""
    rdma = rdma or (machine.rdma.modes[0] if machine.rdma else None)
    return {
        "location": place(machine),
        "capacity": {"machine": machine.name, "mode": mode}
        | ({"reservation": "ours"} if mode == "reservation" else {}),
        "models.chat": chat,
        "labels": {"owner": "ml-platform", "costCenter": "1234"},
    } | ({"network": {"rdma": rdma}} if rdma else {})


def planned(changes: dict[str, Any] | None = None) -> Plan:
    return plan(load(config(changes)))


def errors(changes: dict[str, Any] | None = None, stack: str = "prod") -> tuple[Error, ...]:
    """The errors of GOOD with changes; none when it loads."""
    try:
        load(config(changes, stack))
    except ConfigInvalid as invalid:
        return invalid.errors
    return ()


@cache
def recorded(stack: str, *, preview: bool = True) -> Recording:
    """The program's recording for a shipped stack, once per test run; `up` has a token where one is needed."""
    shipped = stackfile.read(ROOT, stack)
    given = shipped if preview else replace(shipped, secrets=shipped.secrets | {"dynamo-gke:hfToken"})
    return record(ROOT, given, preview=preview)
