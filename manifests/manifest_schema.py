"""Checks custom resources against the fields of their kinds. The API server would prune an unknown field and answer
200, so a misspelled field would be lost silently.

`python -m tools.field_tables` writes the tables in schemas/.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "schemas"


def file_name(api_version: str, kind: str) -> str:
    """Name of a kind's table: `nvidia.com_dynamographdeployment_v1beta1.json`."""
    group, _, version = api_version.rpartition("/")
    return f"{group}_{kind.lower()}_{version}.json"


# Every custom resource that a stack may render → None, or the reason why it has no table.
RENDERED: dict[str, str | None] = {
    file_name("nvidia.com/v1beta1", "DynamoGraphDeployment"): None,
    file_name("monitoring.googleapis.com/v1", "PodMonitoring"): None,
    file_name("gateway.networking.k8s.io/v1", "Gateway"): None,
    file_name("gateway.networking.k8s.io/v1", "HTTPRoute"): None,
    file_name("networking.gke.io/v1", "GCPBackendPolicy"): None,
    file_name("networking.gke.io/v1", "HealthCheckPolicy"): None,
    file_name("networking.gke.io/v1", "Network"): None,
    file_name("networking.gke.io/v1", "GKENetworkParamSet"): None,
    file_name("secret-sync.gke.io/v1", "SecretSync"): None,
    file_name("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass"): "GKE publishes no schema of it",
    file_name("autoscaling.gke.io/v1beta1", "AutoscalingMetric"): "GKE publishes no schema of it",
}

# Kinds that no stack renders, but that controllers in its cluster create or offer.
_BESIDE = {
    file_name("nvidia.com/v1beta1", "DynamoGraphDeploymentScalingAdapter"),
    file_name("nvidia.com/v1alpha1", "DynamoWorkerMetadata"),
    file_name("cloud.google.com/v1", "ComputeClass"),
}

TABLES = {name for name, reason in RENDERED.items() if reason is None} | _BESIDE
"""File names of the tables."""


def has_table(api_version: str, kind: str) -> bool:
    return (FOLDER / file_name(api_version, kind)).is_file()


def errors(manifest: dict[str, Any], unknown: type | tuple[type, ...] = ()) -> Iterator[str]:
    """Errors of unknown fields and invalid values, as `path: message`. None for a kind without a table.

    Values of a type in `unknown` are not yet known and always valid.
    """
    if not has_table(manifest["apiVersion"], manifest["kind"]):
        return
    for error in _validator(manifest["apiVersion"], manifest["kind"]).iter_errors(manifest):
        if not isinstance(error.instance, unknown):
            yield f"{error.json_path.removeprefix('$.')}: {error.message[:300]}"


@cache
def _validator(api_version: str, kind: str) -> Any:
    from jsonschema import Draft202012Validator  # imported late, so that a failing preview is not slowed down

    return Draft202012Validator(json.loads((FOLDER / file_name(api_version, kind)).read_text(encoding="utf-8")))
