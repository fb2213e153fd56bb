"""Builds the table of all inputs that the program sets, from recordings of all variants of a stack."""

import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from catalog.capacity import NAMES as CAPACITY_MODES
from catalog.rdma import NAMES as RDMA_MODES
from ops.offline.recorded import Recording
from ops.offline.recording import record
from policies.known_inputs import input_paths
from settings.endpoint import Exposure
from tests.program.test_combinations import ENDPOINTS, MODEL, PLACES, refusal
from tests.stacks import ROOT, SHIPPED, config, layouts, recorded

KEY = "projects/keys/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"
ONE_EACH = {"min": 1, "max": 2}
EVERYTHING: dict[str, Any] = {
    "labels": {"owner": "me", "costCenter": "1"},
    "alerts.emails": ["a@example.com"],
    "budget": {"monthly": 140000, "currency": "USD", "emails": ["a@example.com"]},
    "cluster.secretsKey": KEY,
    "cluster.binaryAuthorization": True,
    "secrets": {"store": "secretManager"},
    "endpoint": {"exposure": "internal", "globalAccess": True},
    "models.chat.autoscaling": {"prefill": ONE_EACH, "decode": ONE_EACH},
    "models.chat.decode": {"drainSeconds": 60},
}
UNWIRED = {"network.rdma": "none", "models.chat.kvTransfer": "tcp"}


def variants() -> Iterator[dict[str, Any]]:
    """Changes to a valid stack, one set per variant."""
    yield EVERYTHING
    yield {**EVERYTHING, "weights.keep": False, "cluster.deletionProtection": False}
    yield {"cluster.maintenance": {"holdNodeUpgrades": False}, "models.chat.verification": "reported"}
    # These variants are independent of each other, so each occurs once and not in every combination.
    for rdma, mode in zip(RDMA_MODES, cycle(CAPACITY_MODES), strict=False):
        bought = {"mode": mode} | ({"reservation": "r"} if mode == "reservation" else {})
        yield {"network.rdma": rdma, "capacity": bought, "models.chat.kvTransfer": "tcp" if rdma == "none" else None}
    for name, layout in layouts(MODEL).items():
        yield {**(UNWIRED if refusal("none", layout) else {"network.rdma": "none"}), "models.chat.layout": name}
    for place, exposure in [*((place, Exposure.GATEWAY) for place in PLACES.values()), *(({}, e) for e in Exposure)]:
        proxies = {"network.ranges": {"proxies": "10.200.0.0/23"}} if exposure is Exposure.GATEWAY else {}
        yield {**UNWIRED, **place, **proxies, "endpoint": ENDPOINTS[exposure]}
    yield {"cluster.existing": {"name": "shared", "platform": "shared"}, **UNWIRED}
    yield {"cluster.existing": {"name": "shared", "addGpuPools": True}, "network.rdma": "multiNetwork"}


def recordings() -> Iterator[Recording]:
    for preview in (True, False):
        yield from (recorded(stack, preview=preview) for stack in SHIPPED)
        for changes in variants():
            yield record(ROOT, config({k: v for k, v in changes.items() if v is not None}), preview=preview)


def known_inputs() -> str:
    """The table as JSON: one type per line, types and paths sorted."""
    found: dict[str, set[str]] = {}
    for recording in recordings():
        for resource in recording.resources:
            if resource.type.startswith(("gcp:", "kubernetes:")):
                found.setdefault(resource.type, set()).update(input_paths(resource.inputs))
    lines = [f"{json.dumps(kind)}: {json.dumps(sorted(found[kind]))}" for kind in sorted(found)]
    return "{\n" + ",\n".join(lines) + "\n}\n"
