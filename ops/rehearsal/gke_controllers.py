"""Stand-ins of two controllers of GKE: they say that a gateway serves, and that a secret was copied.

They prove nothing of either: no load balancer and no certificate exists, and the copy holds a made-up token.
"""

import threading
from contextlib import suppress
from typing import Any

from ops.rehearsal.kube import Kube, NotFound, Objects
from planning import names

_INTERVAL_SECONDS = 0.5
_DATE = "2026-01-01T00:00:00Z"
_PROGRAMMED = {
    "type": "Programmed", "status": "True", "reason": "Programmed", "message": "", "lastTransitionTime": _DATE,
}  # fmt: skip


def run(kube: Kube, stop: threading.Event) -> None:
    """Writes the statuses until `stop` is set."""
    while not stop.wait(_INTERVAL_SECONDS):
        with suppress(NotFound):  # the kinds come with the cluster
            for gateway in _without(kube, "gateway.networking.k8s.io/v1", "Gateway", "conditions"):
                _write(kube, gateway, {"conditions": [_PROGRAMMED]})
            for sync in _without(kube, "secret-sync.gke.io/v1", "SecretSync", "lastSuccessfulSyncTime"):
                metadata = {key: sync["metadata"][key] for key in ("name", "namespace")}
                data = {names.HF_TOKEN_KEY: "hf_synced"}
                kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})
                _write(kube, sync, {"lastSuccessfulSyncTime": _DATE})


def _without(kube: Kube, api_version: str, kind: str, field: str) -> Objects:
    return [each for each in kube.list(api_version, kind) if not (each.get("status") or {}).get(field)]


def _write(kube: Kube, each: dict[str, Any], status: dict[str, Any]) -> None:
    metadata = each["metadata"]
    kube.patch_status(each["apiVersion"], each["kind"], metadata["name"], status, metadata["namespace"])
