"""A pod's volumes as folders, and its variables, from the objects that the API server has.

The GCS FUSE driver's volumes are folders of the simulated cloud, one for each bucket, which outlive the pods. Neither
the identity of the pod nor its roles on the bucket are checked, and a folder is no object store.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.rehearsal.kube import Kube, NotFound
from ops.rehearsal.kubelet.sandbox import Mount
from ops.rehearsal.world import World

GCS_FUSE = "gcsfuse.csi.storage.gke.io"

Pod = Mapping[str, Any]


class NotReady(Exception):
    """The pod cannot start before something else exists. `reason` is the one of the waiting container."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Volumes:
    """The volumes of one pod, written below `folder`."""

    kube: Kube
    world: World
    pod: Pod
    folder: Path

    def mounts(self, container: Mapping[str, Any]) -> list[Mount]:
        """The container's mounts, outer paths first. Raises NotReady."""
        made = {volume["name"]: self._made(volume) for volume in self.pod["spec"].get("volumes", ())}
        found = [
            Mount(place / mount.get("subPath", ""), mount["mountPath"], read_only or mount.get("readOnly", False))
            for mount in container.get("volumeMounts", ())
            for place, read_only in [made[mount["name"]]]
        ]
        return sorted(found, key=lambda mount: mount.path)

    def environment(self, container: Mapping[str, Any]) -> dict[str, str]:
        """The container's variables; those of `env` win. Raises NotReady for a Secret or key that is missing."""
        found: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            for kind, field in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
                if field in source:
                    found |= {k: v.decode() for k, v in self._data(kind, source[field]).items()}
        for variable in container.get("env", ()):
            found[variable["name"]] = self._value(variable)
        return found

    @property
    def _namespace(self) -> str:
        return self.pod["metadata"]["namespace"]

    def _value(self, variable: Mapping[str, Any]) -> str:
        source = variable.get("valueFrom") or {}
        for kind, field in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
            if field in source:
                data = self._data(kind, source[field])
                if source[field]["key"] not in data and not source[field].get("optional"):
                    missing = f"couldn't find key {source[field]['key']} in {kind} {source[field]['name']}"
                    raise NotReady("CreateContainerConfigError", missing)
                return data.get(source[field]["key"], b"").decode()
        if "fieldRef" in source:
            return field_of(self.pod, source["fieldRef"]["fieldPath"])
        return variable.get("value", "")

    def _data(self, kind: str, reference: Mapping[str, Any]) -> dict[str, bytes]:
        try:
            found = self.kube.get("v1", kind, reference["name"], self._namespace)
        except NotFound:
            if reference.get("optional"):
                return {}
            name = f'{kind.lower()} "{reference["name"]}" not found'
            raise NotReady("CreateContainerConfigError", name) from None
        encoded = {"Secret": "data", "ConfigMap": "binaryData"}[kind]
        plain = found.get("data") or {} if kind == "ConfigMap" else {}
        return {k: v.encode() for k, v in plain.items()} | {
            k: base64.b64decode(v) for k, v in (found.get(encoded) or {}).items()
        }

    def _made(self, volume: Mapping[str, Any]) -> tuple[Path, bool]:
        """The folder of a volume, and whether it can only be read."""
        place = self.folder / volume["name"]
        match volume:
            case {"emptyDir": _}:
                place.mkdir(parents=True, exist_ok=True)
                return place, False
            case {"csi": {"driver": driver, "volumeAttributes": {"bucketName": bucket}, **rest}} if driver == GCS_FUSE:
                return self._bucket(bucket), rest.get("readOnly", False)
            case {"persistentVolumeClaim": claim}:
                return self._claimed(claim)
            case {"configMap": source} | {"secret": source} | {"projected": source} | {"downwardAPI": source}:
                kind = next(kind for kind in ("configMap", "secret", "projected", "downwardAPI") if kind in volume)
                sources = source["sources"] if kind == "projected" else [{kind: source}]
                _write(place, (file for each in sources for file in self._projected(each)))
                return place, True
            case _:
                kinds = ", ".join(sorted(set(volume) - {"name"}))
                raise NotReady("ContainerCreating", f"the rehearsal's kubelet has no volumes of kind {kinds}")

    def _bucket(self, name: str) -> Path:
        place = self.world.buckets / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _claimed(self, claim: Mapping[str, Any]) -> tuple[Path, bool]:
        name = claim["claimName"]
        try:
            bound = self.kube.get("v1", "PersistentVolumeClaim", name, self._namespace)
            volume = self.kube.get("v1", "PersistentVolume", bound["spec"].get("volumeName") or "")["spec"]
        except NotFound as error:
            raise NotReady("ContainerCreating", f"persistentvolumeclaim {name}: {error}") from None
        if bound["status"].get("phase") != "Bound" or volume.get("csi", {}).get("driver") != GCS_FUSE:
            raise NotReady("ContainerCreating", f"persistentvolumeclaim {name} is not bound to a bucket")
        read_only = claim.get("readOnly", False) or volume["csi"].get("readOnly", False)
        return self._bucket(volume["csi"]["volumeHandle"]), read_only

    def _projected(self, source: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
        """The files of one source of a projected volume: path, content."""
        match source:
            case {"serviceAccountToken": asked}:
                yield asked["path"], self._token(asked).encode()
            case {"configMap": wanted} | {"secret": wanted}:
                kind = "ConfigMap" if "configMap" in source else "Secret"
                reference = {**wanted, "name": wanted.get("name") or wanted.get("secretName")}
                yield from _chosen(self._data(kind, reference), wanted.get("items"))
            case {"downwardAPI": {"items": items}}:
                for item in items:
                    yield item["path"], field_of(self.pod, item["fieldRef"]["fieldPath"]).encode()
            case _:
                raise NotReady("ContainerCreating", f"the rehearsal's kubelet cannot project {', '.join(source)}")

    def _token(self, asked: Mapping[str, Any]) -> str:
        """A token of the pod's own service account, bound to the pod, as a kubelet requests it."""
        metadata = self.pod["metadata"]
        account = self.pod["spec"]["serviceAccountName"]
        reference = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        spec: dict[str, Any] = {"boundObjectRef": reference, "expirationSeconds": asked.get("expirationSeconds", 3600)}
        if "audience" in asked:
            spec["audiences"] = [asked["audience"]]
        path = f"/api/v1/namespaces/{self._namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return self.kube.request("POST", path, request)["status"]["token"]


def field_of(pod: Pod, path: str) -> str:
    """A field of the pod as text, such as `metadata.name`; a whole map as JSON."""
    found: Any = pod
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else json.dumps(found)


def _chosen(data: Mapping[str, bytes], items: Sequence[Mapping[str, str]] | None) -> Iterator[tuple[str, bytes]]:
    if items is None:
        yield from data.items()
        return
    for item in items:
        if item["key"] not in data:
            raise NotReady("ContainerCreating", f"references non-existent config key: {item['key']}")
        yield item["path"], data[item["key"]]


def _write(folder: Path, files: Iterator[tuple[str, bytes]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in files:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
