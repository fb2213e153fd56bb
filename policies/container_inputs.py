"""Checks the inputs of a graph's container besides its command line: only those of the graph builder are allowed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from manifests import dgd
from manifests.graph import frontend_image, mounts, volumes
from planning import names
from policies.inputs import at, block, items, plain

_SECRETS = frozenset({names.HF_TOKEN_SECRET, names.SYNCED_HF_TOKEN_SECRET})
# Container ports open nothing that a NetworkPolicy closes; no-host-access checks host ports.
_KEYS = frozenset({*(str(field.alias) for field in dgd.Container.model_fields.values()), "name", "ports"})
_MOUNTS = [mount.to_wire() for mount in mounts()]
_VOLUMES = [volume.to_wire() for volume in volumes()]
_REFERENCE = re.compile(r"(?P<name>[^@]+?)(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")


def image_name(container: Mapping[str, Any]) -> str:
    """The image without its tag and digest."""
    match = _REFERENCE.fullmatch(at(container, "image") or "")
    return match["name"] if match else ""


FRONTEND_IMAGE = image_name({"image": frontend_image("0")})


def container_violations(container: Mapping[str, Any]) -> Iterator[str]:
    """Inputs that run or load code other than the command: hooks, probes, files mounted over those of the image."""
    yield from (f"the key {key}" for key in container if key not in _KEYS)
    for hook, handler in block(container, "lifecycle").items():
        if hook != "preStop" or list(handler) != ["sleep"]:
            yield f"the hook lifecycle.{hook}"
    for source in items(container, "envFrom"):
        if at(source, "secretRef", "name") not in _SECRETS or at(source, "prefix"):
            yield "variables from elsewhere (envFrom)"
    for mount in items(container, "volumeMounts"):
        if plain(mount) not in _MOUNTS:
            yield f"a volume at {at(mount, 'mountPath')}"


def pod_violations(pod: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"the volume {at(v, 'name')}" for v in items(pod, "volumes") if plain(v) not in _VOLUMES)
