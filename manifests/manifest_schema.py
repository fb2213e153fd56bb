"""Custom resources against the fields that their kinds have. The API server prunes a field that it does not know and
answers 200: a misspelt one is lost in silence unless it is refused here.

The tables in schemas/ are written by `python -m tools.field_tables`.
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


# Every custom resource that a stack may render, with the reason where it has no table.
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


def has_table(api_version: str, kind: str) -> bool:
    return (FOLDER / file_name(api_version, kind)).is_file()


def errors(manifest: dict[str, Any], unknown: type | tuple[type, ...] = ()) -> Iterator[str]:
    """Each field that the kind does not have or does not take, as `path: what is wrong`. Nothing for a kind without a
    table.

    Values of the type `unknown` are not known yet and fit everywhere.
    """
    if not has_table(manifest["apiVersion"], manifest["kind"]):
        return
    for error in _validator(manifest["apiVersion"], manifest["kind"]).iter_errors(manifest):
        if not isinstance(error.instance, unknown):
            yield f"{error.json_path.removeprefix('$.')}: {error.message[:300]}"


@cache
def _validator(api_version: str, kind: str) -> Any:
    from jsonschema import Draft202012Validator  # a preview that is refused earlier need not wait for it

    return Draft202012Validator(json.loads((FOLDER / file_name(api_version, kind)).read_text(encoding="utf-8")))
