"""Runs the programs of Jobs' pods, and reports what became of them as a kubelet does.

A pod has one container and `restartPolicy: Never`; others are refused with a waiting reason. Retries, deadlines and
the counting of failures are the Job controller's, which is the real one.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ops.rehearsal.changes import Changes
from ops.rehearsal.kube import ApiError, Conflict, Kube, NotFound
from ops.rehearsal.kubelet import container_logs, pod_status, sandbox
from ops.rehearsal.kubelet.container_logs import now
from ops.rehearsal.kubelet.hub import HOSTS
from ops.rehearsal.kubelet.network import HUB, Network, job_pod_addresses
from ops.rehearsal.kubelet.pod_status import Ended
from ops.rehearsal.kubelet.volumes import NotReady, Volumes
from ops.rehearsal.world import World

JOB_LABEL = "batch.kubernetes.io/job-name"
POLL_SECONDS = 0.2
ROUND_SECONDS = 2.0
"""The longest time between two looks at the pods; a change of one is seen at once."""
STOP_SECONDS = 2.0
RETRY_SECONDS = 1.0
"""Between two attempts to start a container whose volumes or variables do not exist yet."""
TERMINATION_LOG = "/dev/termination-log"


@dataclass
class PodRun:
    """One pod, from its binding to a node to its final status."""

    kube: Kube
    world: World
    network: Network
    pod: dict[str, Any]
    address: str
    stop: threading.Event
    deleted: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Returns when the pod has ended, was deleted, or `stop` is set."""
        if (container := self._prepared()) is not None:
            with suppress(NotFound):  # deleted without waiting for its end
                self._run(container)
        if self.deleted.is_set() and not self.stop.is_set():
            self._remove()

    @property
    def _spec(self) -> dict[str, Any]:
        return self.pod["spec"]["containers"][0]

    @property
    def _name(self) -> tuple[str, str]:
        return self.pod["metadata"]["name"], self.pod["metadata"]["namespace"]

    def _prepared(self) -> sandbox.Container | None:
        """The container with its mounts; None if the pod is deleted before they exist."""
        last = ""
        while not self._over():
            try:
                return self._container()
            except NotReady as missing:
                if str(missing) != last:
                    last = str(missing)
                    with suppress(NotFound):
                        self._report(pod_status.waiting(self.pod, missing.reason, last))
            self.stop.wait(RETRY_SECONDS)
        return None

    def _container(self) -> sandbox.Container:
        spec = self.pod["spec"]
        if len(spec["containers"]) != 1 or spec.get("initContainers") or spec.get("restartPolicy") != "Never":
            raise NotReady("CreateContainerError", "the rehearsal runs pods of one container that restart never")
        folder = self.world.pods / self.pod["metadata"]["uid"]
        volumes = Volumes(self.kube, self.world, self.pod, folder / "volumes")
        mounts, variables, hosts = volumes.mounts(self._spec), volumes.environment(self._spec), self.network.hosts()
        messages = folder / "termination-log"
        messages.touch()
        path = self._spec.get("terminationMessagePath", TERMINATION_LOG)
        api = {"KUBERNETES_SERVICE_HOST": hosts["kubernetes.default.svc"], "KUBERNETES_SERVICE_PORT": "443"}
        return sandbox.Container(
            argv=[*self._spec["command"], *self._spec.get("args", ())],
            folder=self._spec.get("workingDir", "/"),
            environment={**api, "HOSTNAME": self._name[0], **variables},
            mounts=[*mounts, sandbox.Mount(messages, path, False)],
            hosts={**hosts, **dict.fromkeys(HOSTS, HUB), self._name[0]: self.address},
            read_only_root=self._spec.get("securityContext", {}).get("readOnlyRootFilesystem", False),
            trusts=self.world.ca,
        )

    def _run(self, container: sandbox.Container) -> None:
        folder = self.world.pods / self.pod["metadata"]["uid"]
        log = self.world.container_log(self._name[1], self._name[0], self._spec["name"])
        started = now()
        self._report(pod_status.running(self.pod, self.address, started))
        process = sandbox.start(container, folder / "root")
        copying = threading.Thread(target=container_logs.copy, args=(sandbox.output(process), log), daemon=True)
        copying.start()
        code = self._awaited(process)
        copying.join()
        if self.stop.is_set():
            return
        written = (folder / "termination-log").read_bytes()
        message = pod_status.message(self._spec, code, written, container_logs.lines_of(log))
        reason = "Error" if code else "Completed"
        self._report(pod_status.ended(self.pod, Ended(code, reason, message, started, now())))

    def _awaited(self, process: "subprocess.Popen[bytes]") -> int:
        """The exit code. Ends the program when the pod is deleted or the rehearsal stops."""
        while process.poll() is None and not self._over():
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)
        if process.poll() is None:
            process.terminate()
            grace = 0 if self.stop.is_set() else self.pod["spec"].get("terminationGracePeriodSeconds", 30)
            with suppress(subprocess.TimeoutExpired):
                process.wait(grace)
        # Its children too. The group keeps the id while it has members, so the signal reaches no other process.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        return code if code >= 0 else 128 - code

    def _over(self) -> bool:
        return self.stop.is_set() or self.deleted.is_set()

    def _report(self, status: dict[str, Any]) -> None:
        self.pod = self.kube.patch_status("v1", "Pod", self._name[0], status, self._name[1])

    def _remove(self) -> None:
        """Removes the object, as the last act of a kubelet."""
        name, namespace = self._name
        options = {"preconditions": {"uid": self.pod["metadata"]["uid"]}, "gracePeriodSeconds": 0}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", **options}
        with suppress(NotFound, Conflict):  # another pod may have the name by now
            self.kube.request("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}", body)


@dataclass
class JobPods:
    """All pods of Jobs, each in its own thread."""

    kube: Kube
    world: World
    network: Network
    stop: threading.Event
    runs: dict[str, PodRun] = field(default_factory=dict[str, PodRun])
    threads: list[threading.Thread] = field(default_factory=list[threading.Thread])
    addresses: Iterator[str] = field(default_factory=job_pod_addresses)

    def run(self) -> None:
        """Returns after `stop` is set and every program has ended."""
        changes = Changes(self.kube, [("v1", "Pod", JOB_LABEL)], self.stop)
        while not self.stop.is_set():
            with suppress(ApiError):  # for longer than a restart of the API server takes; the next round asks again
                self._round()
            changes.wait(ROUND_SECONDS)
        for thread in self.threads:
            thread.join(STOP_SECONDS)

    def _round(self) -> None:
        found = {pod["metadata"]["uid"]: pod for pod in self.kube.list("v1", "Pod", selector=JOB_LABEL)}
        for uid in self.runs.keys() - found:  # with its node, or by force
            self.runs[uid].deleted.set()
        for uid, pod in found.items():
            if uid not in self.runs and pod["spec"].get("nodeName") and pod["status"].get("phase") == "Pending":
                self.runs[uid] = PodRun(self.kube, self.world, self.network, pod, next(self.addresses), self.stop)
                thread = threading.Thread(target=self.runs[uid].run, daemon=True)
                thread.start()
                self.threads.append(thread)
            if "deletionTimestamp" in pod["metadata"] and uid in self.runs:
                self.runs[uid].deleted.set()
