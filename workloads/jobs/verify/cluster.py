"""Finds the pods of a graph through the Kubernetes API, with the rights of the Job's service account."""

from __future__ import annotations

import ssl
import time
import urllib.parse
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .clock import Deadline
from .untrusted import InvalidJson, plain, read_json
from .web import UnreachableError, fetch, lines, opened

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CONTAINER = "main"
READ_SECONDS = 10.0
# An API server that restarts, as in an upgrade of the control plane, answers again within a minute.
LIST_SECONDS = 60.0
RETRY_SECONDS = 1.0
# A pod's JSON is about 20 KB.
PODS_BYTES = 8 * 2**20
# By default a kubelet rotates a log at 10 MiB.
LOG_BYTES = 2**30
LONGEST_LINE = 2**20
# An engine prints within seconds of its start, so a log that begins later was rotated.
FIRST_LINE_SECONDS = 600.0


@dataclass(frozen=True)
class Pod:
    """A running worker."""

    name: str
    metrics: str
    """Address of the pod's metrics."""
    started: datetime | None
    """Start time of the container; None if the API does not give it."""


@dataclass(frozen=True)
class Cluster:
    """Client of the Kubernetes API, with a pod's credentials."""

    api: str
    token: str
    trust: ssl.SSLContext

    @staticmethod
    def of_this_pod(api: str, credentials: Path) -> Cluster:
        """The client for this pod. Raises UnreachableError outside a pod, where there are no credentials."""
        try:
            trust = ssl.create_default_context(cafile=credentials / "ca.crt")
            token = (credentials / "token").read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UnreachableError(f"no credentials of a pod ({error})") from None
        return Cluster(api.rstrip("/"), token, trust)

    def get(self, path: str, deadline: Deadline, **query: str) -> str:
        """The text of one answer. Asks again until the deadline while the API server restarts.

        Raises UnreachableError unless the status is 200.
        """
        url = f"{self.api}{path}?{urllib.parse.urlencode(query)}"
        while True:
            soon = deadline.within(READ_SECONDS)
            try:
                status, text = fetch(url, soon, token=self.token, trust=self.trust, limit=PODS_BYTES)
            except UnreachableError:
                if deadline.left() <= RETRY_SECONDS:
                    raise
            else:
                if status < 500 or deadline.left() <= RETRY_SECONDS:
                    break
            time.sleep(RETRY_SECONDS)
        if status != 200:
            raise UnreachableError(f"the Kubernetes API answered HTTP {status}: {plain(text)}")
        return text

    @contextmanager
    def streamed(self, path: str, deadline: Deadline, **query: str) -> Generator[Iterator[str]]:
        """The lines of an answer as they arrive. Raises UnreachableError unless it is 200 and complete in time."""
        url = f"{self.api}{path}?{urllib.parse.urlencode(query)}"
        with opened(url, deadline, token=self.token, trust=self.trust, limit=LOG_BYTES) as response:
            if response.status != 200:
                text = response.read(4096).decode(errors="replace")
                raise UnreachableError(f"the Kubernetes API answered HTTP {response.status}: {plain(text)}")
            yield lines(response, LONGEST_LINE)


@dataclass(frozen=True)
class Pods:
    """The workers of one graph in a cluster."""

    cluster: Cluster
    namespace: str
    graph: str
    metrics_port: int
    """The port of a worker's metrics unless its pod names another one."""

    def running(self, role: str, deadline: Deadline) -> tuple[Pod, ...]:
        """The role's running pods that are not being deleted. Raises UnreachableError if they cannot be listed."""
        labels = {"nvidia.com/dynamo-graph-deployment-name": self.graph, "nvidia.com/dynamo-component-type": role}
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        text = self.cluster.get(f"/api/v1/namespaces/{self.namespace}/pods", deadline, labelSelector=selector)
        try:
            return tuple(_pod(pod, self.metrics_port) for pod in read_json(text)["items"] if _serves(pod))
        except (InvalidJson, LookupError, TypeError, AttributeError, ValueError):
            raise UnreachableError("the Kubernetes API did not answer with a list of pods") from None

    @contextmanager
    def log(self, pod: Pod, deadline: Deadline) -> Generator[Iterator[str]]:
        """The whole log of a worker's current container; each line begins with its time.

        Raises UnreachableError if it cannot be read.
        """
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod.name}/log"
        with self.cluster.streamed(path, deadline, container=CONTAINER, timestamps="true") as found:
            yield found


def rotated(pod: Pod, first_line: str) -> bool:
    """Whether a log's first line is so much younger than its container that older lines must be missing."""
    written = _time(first_line.partition(" ")[0])
    return bool(pod.started and written and (written - pod.started).total_seconds() > FIRST_LINE_SECONDS)


def _serves(pod: Mapping[str, Any]) -> bool:
    deleted = "deletionTimestamp" in pod["metadata"]
    return pod["status"].get("phase") == "Running" and bool(pod["status"].get("podIP")) and not deleted


def _pod(pod: Mapping[str, Any], metrics_port: int) -> Pod:
    address = str(pod["status"]["podIP"])
    host = f"[{address}]" if ":" in address else address
    statuses = pod["status"].get("containerStatuses") or ()
    nothing: Mapping[str, Any] = {}
    main = next((status for status in statuses if status.get("name") == CONTAINER), nothing)
    state: Mapping[str, Any] = main.get("state") or nothing
    running: Mapping[str, Any] = state.get("running") or nothing
    metrics = f"http://{host}:{_metrics_port(pod, metrics_port)}/metrics"
    return Pod(str(pod["metadata"]["name"]), metrics, _time(running.get("startedAt")))


def _metrics_port(pod: Mapping[str, Any], otherwise: int) -> int:
    """The container port that the operator names `system`."""
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports", ())]
    return int(next((p["containerPort"] for p in ports if p.get("name") == "system"), otherwise))


def _time(text: str | None) -> datetime | None:
    """A time of the Kubernetes API, to the second; None if the text is no time."""
    try:
        return datetime.strptime(f"{text}"[:19] + "Z", "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
