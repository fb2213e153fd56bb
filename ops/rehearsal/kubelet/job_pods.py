"""Runs the programs of Jobs' pods, and reports what became of them as a kubelet does.

A pod has one container and `restartPolicy: Never`; others are refused with a waiting reason. Retries, deadlines and
the counting of failures are the Job controller's, which is the real one.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ops.rehearsal.kube import Conflict, NotFound
from ops.rehearsal.kubelet import container_logs, pod_status, sandbox
from ops.rehearsal.kubelet.container_logs import now
from ops.rehearsal.kubelet.hub import HOSTS
from ops.rehearsal.kubelet.network import HUB, Network, job_pod_addresses
from ops.rehearsal.kubelet.pod_status import Ended
from ops.rehearsal.kubelet.volumes import NotReady, Volumes
from ops.rehearsal.stand_in import RETRY_SECONDS, StandIn
from ops.rehearsal.world import World

JOB_LABEL = "batch.kubernetes.io/job-name"
POLL_SECONDS = 0.2
ROUND_SECONDS = 2.0
"""The longest time between two looks at the pods; a change of one is seen at once."""
STOP_SECONDS = 2.0
TERMINATION_LOG = "/dev/termination-log"

_T = TypeVar("_T")


@dataclass
class PodRun:
    """One pod, from its binding to a node to its final status."""

    stand_in: StandIn
    world: World
    network: Network
    pod: dict[str, Any]
    address: str
    deleted: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    """By which `run` ended too early. It must not vanish with its thread."""

    def run(self) -> None:
        """Returns when the pod has ended or was deleted, or when the stand-in is stopped."""
        try:
            if (process := self._persist(self._started)) is not None:
                self._accompany(process)
            if self.deleted.is_set():
                self._persist(self._remove)
        except Exception as error:
            self.error = error

    @property
    def _spec(self) -> dict[str, Any]:
        return self.pod["spec"]["containers"][0]

    @property
    def _name(self) -> tuple[str, str]:
        return self.pod["metadata"]["name"], self.pod["metadata"]["namespace"]

    @property
    def _folder(self) -> Path:
        return self.world.pods / self.pod["metadata"]["uid"]

    def _persist(self, act: Callable[[], _T]) -> _T | None:
        """What `act` returns as soon as the API server lets it; None if the stand-in is stopped before."""
        while not self.stand_in.stop.is_set():
            with self.stand_in.surviving(f"pod {'/'.join(reversed(self._name))}"):
                return act()
            self.stand_in.stop.wait(RETRY_SECONDS)
        return None

    def _started(self) -> "subprocess.Popen[bytes] | None":
        """The container's program, once it has what it needs; None if the pod is deleted before."""
        last = ""
        while not self._over():
            try:
                return sandbox.start(self._container(), self._folder / "root")
            except (NotReady, OSError) as why:
                if str(why) != last:
                    last = str(why)
                    reason = why.reason if isinstance(why, NotReady) else "CreateContainerError"
                    self._report(pod_status.waiting(self.pod, reason, last))
            self.stand_in.stop.wait(RETRY_SECONDS)
        return None

    def _container(self) -> sandbox.Container:
        spec = self.pod["spec"]
        if len(spec["containers"]) != 1 or spec.get("initContainers") or spec.get("restartPolicy") != "Never":
            raise NotReady("CreateContainerError", "the rehearsal runs pods of one container that restart never")
        volumes = Volumes(self.stand_in.kube, self.world, self.pod, self._folder / "volumes")
        mounts, variables, hosts = volumes.mounts(self._spec), volumes.environment(self._spec), self.network.hosts()
        messages = self._folder / "termination-log"
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

    def _accompany(self, process: "subprocess.Popen[bytes]") -> None:
        """Reports that the program runs, and how it ended."""
        log = self.world.container_log(self._name[1], self._name[0], self._spec["name"])
        copying = threading.Thread(target=container_logs.copy, args=(sandbox.output(process), log), daemon=True)
        copying.start()
        began = now()
        self._persist(lambda: self._report(pod_status.running(self.pod, self.address, began)))
        code = self._awaited(process)
        copying.join()
        written = (self._folder / "termination-log").read_bytes()
        message = pod_status.message(self._spec, code, written, container_logs.lines_of(log))
        ended = Ended(code, "Error" if code else "Completed", message, began, now())
        self._persist(lambda: self._report(pod_status.ended(self.pod, ended)))

    def _awaited(self, process: "subprocess.Popen[bytes]") -> int:
        """The exit code. Ends the program when the pod is deleted or the rehearsal stops."""
        while process.poll() is None and not self._over():
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)
        if process.poll() is None:
            process.terminate()
            grace = 0 if self.stand_in.stop.is_set() else self.pod["spec"].get("terminationGracePeriodSeconds", 30)
            with suppress(subprocess.TimeoutExpired):
                process.wait(grace)
        # Its children too. The group keeps the id while it has members, so the signal reaches no other process.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        return code if code >= 0 else 128 - code

    def _over(self) -> bool:
        return self.stand_in.stop.is_set() or self.deleted.is_set()

    def _report(self, status: dict[str, Any]) -> None:
        try:
            self.pod = self.stand_in.kube.patch_status("v1", "Pod", self._name[0], status, self._name[1])
        except NotFound:  # deleted without waiting for its end
            self.deleted.set()

    def _remove(self) -> None:
        """Removes the object, as the last act of a kubelet."""
        name, namespace = self._name
        options = {"preconditions": {"uid": self.pod["metadata"]["uid"]}, "gracePeriodSeconds": 0}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", **options}
        with suppress(NotFound, Conflict):  # another pod may have the name by now
            self.stand_in.kube.request("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}", body)


@dataclass
class JobPods:
    """All pods of Jobs, each in its own thread."""

    stand_in: StandIn
    world: World
    network: Network
    runs: dict[str, PodRun] = field(default_factory=dict[str, PodRun])
    threads: list[threading.Thread] = field(default_factory=list[threading.Thread])
    addresses: Iterator[str] = field(default_factory=job_pod_addresses)

    def run(self) -> None:
        """Returns after the stand-in is stopped and every program has ended."""
        self.stand_in.run([("v1", "Pod", JOB_LABEL)], self._look)
        for thread in self.threads:
            thread.join(STOP_SECONDS)

    def _look(self) -> float:
        """Starts and stops pods. Returns the seconds until the next look. Raises what a pod's thread ended by."""
        if errors := [run.error for run in self.runs.values() if run.error]:
            raise errors[0]
        found = {pod["metadata"]["uid"]: pod for pod in self.stand_in.kube.list("v1", "Pod", selector=JOB_LABEL)}
        for uid in self.runs.keys() - found:  # with its node, or by force
            self.runs[uid].deleted.set()
        for uid, pod in found.items():
            if uid not in self.runs and pod["spec"].get("nodeName") and pod["status"].get("phase") == "Pending":
                self.runs[uid] = PodRun(self.stand_in, self.world, self.network, pod, next(self.addresses))
                thread = threading.Thread(target=self.runs[uid].run, daemon=True)
                thread.start()
                self.threads.append(thread)
            if "deletionTimestamp" in pod["metadata"] and uid in self.runs:
                self.runs[uid].deleted.set()
        return ROUND_SECONDS
