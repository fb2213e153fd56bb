"""Access to the API server of a rehearsal: plain dicts in, plain dicts out.

Over urllib3, because the official client's dynamic part cannot ask for strict validation of fields and keeps its
discovery in a file that outlives the rehearsal. All writes are strict: the API server refuses fields that it does not
know. Requests are repeated for half a minute while the API server restarts.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import urllib3
import yaml
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError
from urllib3.util.retry import Retry

from ops.rehearsal.errors import RehearsalError

MANAGER = "rehearsal"
"""Field manager of the stand-ins' own writes."""
TIMEOUT_SECONDS = 30.0
WATCH_SECONDS = 5
"""A watch asks again after that long, so it stops within that time."""

DEFAULT_NAMESPACE = "default"

# Waits of 0.2, 0.4, 0.8 and then 1 s: half a minute in all.
_RETRIES = Retry(
    total=33,
    read=3,
    backoff_factor=0.1,
    backoff_max=1,
    status_forcelist=(429, 503),  # overloaded, or just starting
    allowed_methods=None,  # writes as well: applying and deleting twice has the same result
    raise_on_status=False,
)

Object = dict[str, Any]
Objects = list[Object]


class ApiError(RehearsalError):
    """The API server refused a request, for the reason in its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class NotFound(ApiError):
    """The object or its kind does not exist."""


class Conflict(ApiError):
    """Another manager owns a field, or the object has changed or already exists."""


class Expired(ApiError):
    """The API server no longer knows the changes since that resource version."""


_ERRORS: Mapping[int, type[ApiError]] = {404: NotFound, 409: Conflict, 410: Expired}


@dataclass(frozen=True)
class Event:
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object


@dataclass(frozen=True)
class _Resource:
    """Where the API server serves a kind."""

    root: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None, *rest: str) -> str:
        """All objects, those of a namespace, or one, which is in `default` unless its namespace is given."""
        place = ("namespaces", namespace or DEFAULT_NAMESPACE) if self.namespaced and (namespace or rest) else ()
        return "/".join((self.root, *place, self.plural, *filter(None, rest)))


class Kube:
    """An identity at the API server: the kubeconfig's administrator, or the owner of `token`. Safe in threads."""

    def __init__(self, kubeconfig: Path, token: str | None = None) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._kubeconfig = kubeconfig
        self._server: str = cluster["server"]
        self._token: str = token or config["users"][0]["user"]["token"]
        self._http = urllib3.PoolManager(ca_certs=cluster["certificate-authority"], retries=_RETRIES, maxsize=16)
        self._resources: dict[tuple[str, str], _Resource] = {}

    def as_owner_of(self, token: str) -> "Kube":
        """The same API server with another identity, such as a pod's service account."""
        return Kube(self._kubeconfig, token)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        """Raises NotFound."""
        return self.request("GET", self._path(api_version, kind, namespace, name))

    def list(self, api_version: str, kind: str, namespace: str | None = None, selector: str = "") -> Objects:
        """The objects that have the selector's labels, of all namespaces unless one is given."""
        return self._list(api_version, kind, namespace, selector)[0]

    def create(self, manifest: Mapping[str, Any]) -> Object:
        """The new object; `metadata.generateName` works. Raises Conflict if the object already exists."""
        api_version, kind, namespace, _ = _identity(manifest)
        path = self._path(api_version, kind, namespace or DEFAULT_NAMESPACE)
        return self.request("POST", path, manifest, query={"fieldValidation": "Strict", "fieldManager": MANAGER})

    def token(self, service_account: str, namespace: str) -> str:
        """A token of a service account, as the kubelet mounts it into pods."""
        path = self._path("v1", "ServiceAccount", namespace, service_account, "token")
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        return str(self.request("POST", path, request)["status"]["token"])

    def apply(
        self, manifest: Mapping[str, Any], *, manager: str = MANAGER, force: bool = True, dry_run: bool = False
    ) -> Object:
        """The object after server-side apply; with `dry_run` as it would be.

        Raises Conflict if another manager owns a field that would change and `force` is false.
        """
        path = self._path(*_identity(manifest))
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        query |= {"dryRun": "All"} if dry_run else {}
        return self.request("PATCH", path, manifest, query=query, content_type="application/apply-patch+yaml")

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        patch: Mapping[str, Any],
        namespace: str | None = None,
        *,
        subresource: str = "",
        manager: str = MANAGER,
    ) -> Object:
        """The object after a JSON merge patch: lists are replaced, None removes a key."""
        path = self._path(api_version, kind, namespace, name, subresource)
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        return self.request("PATCH", path, patch, query=query, content_type="application/merge-patch+json")

    def patch_status(
        self, api_version: str, kind: str, name: str, status: Mapping[str, Any], namespace: str | None = None
    ) -> Object:
        """The object after a merge patch of its status."""
        return self.patch(api_version, kind, name, {"status": status}, namespace, subresource="status")

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, *, at_once: bool = False
    ) -> bool:
        """Whether there was an object to delete. Its dependents follow in the background.

        `at_once` does not wait for a pod's kubelet.
        """
        grace = {"gracePeriodSeconds": "0"} if at_once else {}
        path = self._path(api_version, kind, namespace, name)
        try:
            self.request("DELETE", path, query={"propagationPolicy": "Background", **grace})
        except NotFound:
            return False
        return True

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        stop: threading.Event,
        selector: str = "",
    ) -> Iterator[Event]:
        """Every object as ADDED, then its changes, until `stop` is set.

        Survives restarts of the API server. When changes were missed, existing objects come again as ADDED, and those
        that vanished meanwhile as DELETED with their last known content.
        """
        known: dict[str, Object] = {}
        version = ""
        while not stop.is_set():
            if not version:
                found, version = self._list(api_version, kind, namespace, selector)
                current = {str(each["metadata"]["uid"]): each for each in found}
                vanished = [each for uid, each in known.items() if uid not in current]
                known = current
                yield from (Event("DELETED", each) for each in vanished)
                yield from (Event("ADDED", each) for each in found)
            try:
                for change, found_object in self._changes(api_version, kind, namespace, selector, version):
                    version = str(found_object["metadata"]["resourceVersion"])
                    if change == "BOOKMARK":
                        continue
                    uid = str(found_object["metadata"]["uid"])
                    if change == "DELETED":
                        known.pop(uid, None)
                    else:
                        known[uid] = found_object
                    yield Event(change, found_object)
                    if stop.is_set():
                        return
            except Expired:
                version = ""
            except (ProtocolError, ReadTimeoutError):
                stop.wait(0.1)  # the API server ended; the next request waits for it

    def served(self, api_version: str) -> Objects:
        """What the API server says of each kind that it serves in a version."""
        found: Objects = self.request("GET", _root(api_version))["resources"]
        return [each for each in found if "/" not in each["name"]]  # others are subresources

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """The answer to any request. Raises ApiError."""
        answer = self._send(method, path, query or {}, None if body is None else json.dumps(body), content_type)
        return _checked(answer.status, answer.data)

    def _list(self, api_version: str, kind: str, namespace: str | None, selector: str) -> tuple[Objects, str]:
        """The objects and the resource version of the list. Items of a list lack their kind, which is added."""
        query = {"labelSelector": selector} if selector else {}
        found = self.request("GET", self._path(api_version, kind, namespace), query=query)
        items = [{"apiVersion": api_version, "kind": kind, **item} for item in found["items"]]
        return items, str(found["metadata"]["resourceVersion"])

    def _changes(
        self, api_version: str, kind: str, namespace: str | None, selector: str, version: str
    ) -> Iterator[tuple[Any, Object]]:
        """The changes since a resource version, for WATCH_SECONDS. Raises Expired."""
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
            "allowWatchBookmarks": "true",
            **({"labelSelector": selector} if selector else {}),
        }
        answer = self._send("GET", self._path(api_version, kind, namespace), query, stream=True)
        try:
            if answer.status != 200:
                _checked(answer.status, answer.read())
            rest = b""
            for chunk in answer.stream(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise _error(int(event["object"]["code"]), str(event["object"]["message"]))
                    yield event["type"], event["object"]
        finally:
            answer.close()  # and not released: an unfinished answer would break the next request on the connection

    def _path(self, api_version: str, kind: str, namespace: str | None, *rest: str) -> str:
        return self._resource(api_version, kind).path(namespace, *rest)

    def _resource(self, api_version: str, kind: str) -> _Resource:
        """Raises NotFound for a kind that the API server does not serve (yet): misses are not remembered."""
        if (api_version, kind) not in self._resources:
            for each in self.served(api_version):
                place = _Resource(_root(api_version), each["name"], each["namespaced"])
                self._resources[api_version, each["kind"]] = place
        if (api_version, kind) not in self._resources:
            raise NotFound(404, f"the API server has no kind {kind} in {api_version}")
        return self._resources[api_version, kind]

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: str | None = None,
        content_type: str = "application/json",
        *,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """Raises ApiError if the API server does not answer for longer than a restart takes."""
        try:
            return self._http.request(
                method,
                f"{self._server}{path}?{urlencode(query)}" if query else f"{self._server}{path}",
                body=body,
                headers={
                    "Authorization": f"Bearer {self._token}",
                    "Content-Type": content_type,
                    "Accept": "application/json",
                },
                timeout=TIMEOUT_SECONDS,
                preload_content=not stream,
            )
        except HTTPError as error:
            raise ApiError(0, f"the API server did not answer {method} {path}: {error}") from error


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _identity(manifest: Mapping[str, Any]) -> tuple[str, str, str | None, str]:
    """apiVersion, kind, namespace and name, which is empty for objects whose name the API server generates."""
    metadata = manifest.get("metadata", {})
    return manifest["apiVersion"], manifest["kind"], metadata.get("namespace"), metadata.get("name", "")


def _checked(status: int, data: bytes) -> Object:
    try:
        answer: Object = json.loads(data)
    except ValueError:  # such as /readyz, which answers with text
        answer = {"message": data.decode(errors="replace")}
    if status >= 400:
        raise _error(status, str(answer.get("message") or answer))
    return answer


def _error(status: int, message: str) -> ApiError:
    return _ERRORS.get(status, ApiError)(status, message)
