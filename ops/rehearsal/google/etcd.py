"""The store behind the simulated cluster's API server, over etcd's JSON gateway.

A deleted GKE cluster takes its objects with it, without finalizers and without a controller. No call of Kubernetes does
that, so the objects vanish from the store.
"""

import base64
import json
import urllib.request
from collections.abc import Iterable
from typing import Any

from ops.rehearsal.control_plane import ETCD

_REGISTRY = "/registry/"
_SECONDS = 30


def keys() -> set[str]:
    """The keys of all objects."""
    end = _REGISTRY[:-1] + chr(ord("/") + 1)  # the first key after all that begin with the prefix
    found = _post("range", {"key": _encoded(_REGISTRY), "range_end": _encoded(end), "keys_only": True})
    return {base64.b64decode(entry["key"]).decode() for entry in found.get("kvs", [])}


def delete(gone: Iterable[str]) -> None:
    for key in gone:
        _post("deleterange", {"key": _encoded(key)})


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()


def _post(call: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(f"{ETCD}/v3/kv/{call}", json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:
        found: dict[str, Any] = json.load(response)
    return found
