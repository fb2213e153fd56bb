"""Volumes and variables of a pod, from objects of a made-up API server."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from ops.rehearsal.kube import Kube, NotFound
from ops.rehearsal.kubelet.volumes import GCS_FUSE, NotReady, Volumes
from ops.rehearsal.world import World

TOKEN = "the token of account writer"


class Objects:
    """The calls of Kube that volumes need."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], dict[str, Any]] = {
            ("ConfigMap", "script"): {"data": {"a.b.py": "one", "c.py": "two"}},
            ("Secret", "token"): {"data": {"HF_TOKEN": base64.b64encode(b"hf_x").decode()}},
            ("PersistentVolumeClaim", "weights"): {"spec": {"volumeName": "volume"}, "status": {"phase": "Bound"}},
            ("PersistentVolume", "volume"): {
                "spec": {"csi": {"driver": GCS_FUSE, "volumeHandle": "bucket", "readOnly": True}}
            },
        }
        self.asked: dict[str, Any] = {}

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        if (kind, name) not in self.found:
            raise NotFound(404, f"{name} not found")
        return self.found[kind, name]

    def request(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.asked = {"path": path, **body}
        return {"status": {"token": TOKEN}}


def volumes(place: Path, *wanted: dict[str, Any], objects: Objects | None = None) -> Volumes:
    pod = {
        "metadata": {"name": "job-x", "namespace": "dynamo", "uid": "u", "labels": {"a": "b"}},
        "spec": {"serviceAccountName": "writer", "volumes": [{"name": "v", **each} for each in wanted]},
    }
    return Volumes(cast(Kube, objects or Objects()), World(place), pod, place / "volumes")


def mounted(place: Path, volume: dict[str, Any], objects: Objects | None = None) -> tuple[dict[str, str], bool]:
    """The files of the volume, and whether they can only be read."""
    (mount,) = volumes(place, volume, objects=objects).mounts({"volumeMounts": [{"name": "v", "mountPath": "/v"}]})
    found = {str(file.relative_to(mount.source)): file for file in mount.source.rglob("*") if file.is_file()}
    return {name: file.read_text() for name, file in found.items()}, mount.read_only


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ({"name": "script"}, {"a.b.py": "one", "c.py": "two"}),
        ({"name": "script", "items": [{"key": "a.b.py", "path": "a/b.py"}]}, {"a/b.py": "one"}),
        ({"name": "none", "optional": True}, {}),
    ],
)
def test_config_maps(tmp_path: Path, source: dict[str, Any], files: dict[str, str]) -> None:
    assert mounted(tmp_path, {"configMap": source}) == (files, True)


def test_the_token_is_the_pods_own_and_bound_to_it(tmp_path: Path) -> None:
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "script", "items": [{"key": "c.py", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    objects = Objects()
    files, read_only = mounted(tmp_path, {"projected": {"sources": sources}}, objects)
    assert (files, read_only) == ({"token": TOKEN, "ca.crt": "two", "namespace": "dynamo"}, True)
    assert objects.asked["path"] == "/api/v1/namespaces/dynamo/serviceaccounts/writer/token"
    assert objects.asked["spec"]["boundObjectRef"]["uid"] == "u"


def test_a_bucket_outlives_its_pods(tmp_path: Path) -> None:
    written = {"csi": {"driver": GCS_FUSE, "volumeAttributes": {"bucketName": "bucket"}}}
    assert mounted(tmp_path, written) == ({}, False)
    (World(tmp_path).buckets / "bucket" / "file").write_text("content")
    claim = {"persistentVolumeClaim": {"claimName": "weights"}}
    assert mounted(tmp_path, claim) == ({"file": "content"}, True)


@pytest.mark.parametrize(
    ("volume", "says"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"configMap": {"name": "script", "items": [{"key": "z", "path": "z"}]}}, "non-existent config key: z"),
        ({"persistentVolumeClaim": {"claimName": "none"}}, "persistentvolumeclaim none"),
        ({"hostPath": {"path": "/"}}, "no volumes of kind hostPath"),
        ({"csi": {"driver": "other"}}, "no volumes of kind csi"),
    ],
)
def test_a_missing_object_keeps_the_pod_waiting(tmp_path: Path, volume: dict[str, Any], says: str) -> None:
    with pytest.raises(NotReady, match=says):
        mounted(tmp_path, volume)


def test_variables(tmp_path: Path) -> None:
    container = {
        "envFrom": [{"secretRef": {"name": "token"}}],
        "env": [
            {"name": "PLAIN", "value": "1"},
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "token", "key": "HF_TOKEN"}}},
        ],
    }
    wanted = {"HF_TOKEN": "hf_x", "PLAIN": "1", "NAME": "job-x", "KEY": "hf_x"}
    assert volumes(tmp_path).environment(container) == wanted


@pytest.mark.parametrize(
    "container",
    [
        {"envFrom": [{"secretRef": {"name": "none"}}]},
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "token", "key": "none"}}}]},
    ],
)
def test_a_missing_secret_is_a_reason_to_wait(tmp_path: Path, container: dict[str, Any]) -> None:
    with pytest.raises(NotReady) as waiting:
        volumes(tmp_path).environment(container)
    assert waiting.value.reason == "CreateContainerConfigError"
