"""The status that a kubelet reports for a pod of one container. Pure: patches of `status`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Pod = Mapping[str, Any]

# As the kubelet limits a message that it takes from the log.
_LOG_BYTES, _LOG_LINES, _FILE_BYTES = 2048, 80, 4096
_READY = ("Initialized", "PodReadyToStartContainers", "ContainersReady", "Ready")


@dataclass(frozen=True)
class Ended:
    """How a container ended."""

    exit_code: int
    reason: str
    message: str
    started: str
    finished: str

    def to_wire(self) -> dict[str, Any]:
        """`state.terminated` of the container."""
        times = {"startedAt": self.started, "finishedAt": self.finished}
        return {"exitCode": self.exit_code, "reason": self.reason, "message": self.message, **times}


def waiting(pod: Pod, reason: str, message: str) -> dict[str, Any]:
    """A container that cannot start yet."""
    return {"containerStatuses": [_container(pod, {"waiting": {"reason": reason, "message": message}})]}


def running(pod: Pod, address: str, started: str) -> dict[str, Any]:
    return {
        "phase": "Running",
        "hostIP": "127.0.0.1",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": started,
        "conditions": _conditions(pod, {kind: {"status": "True"} for kind in _READY}, started),
        "containerStatuses": [_container(pod, {"running": {"startedAt": started}})],
    }


def ended(pod: Pod, end: Ended) -> dict[str, Any]:
    """The final status. The Job counts the pod from here on."""
    phase = "Failed" if end.exit_code else "Succeeded"
    why = {"status": "False", "reason": f"Pod{'Failed' if end.exit_code else 'Completed'}"}
    changed = {"ContainersReady": why, "Ready": why, "PodReadyToStartContainers": {"status": "False"}}
    return {
        "phase": phase,
        "conditions": _conditions(pod, changed, end.finished),
        "containerStatuses": [_container(pod, {"terminated": end.to_wire()})],
    }


def message(container: Mapping[str, Any], exit_code: int, written: bytes, log: Sequence[str]) -> str:
    """What the container leaves in its status: the file that it wrote or, if the pod asks for it, its log's end."""
    if written or not exit_code or container.get("terminationMessagePolicy") != "FallbackToLogsOnError":
        return written[:_FILE_BYTES].decode(errors="replace")
    text = "".join(f"{line}\n" for line in log[-_LOG_LINES:]).encode()
    return text[-_LOG_BYTES:].decode(errors="replace")


def _conditions(pod: Pod, changed: Mapping[str, Mapping[str, str]], time: str) -> list[dict[str, Any]]:
    """The pod's conditions with these changes. A merge patch replaces the list, so the others are repeated."""
    others = [each for each in pod.get("status", {}).get("conditions", ()) if each["type"] not in changed]
    return [*others, *({"type": kind, "lastTransitionTime": time, **what} for kind, what in changed.items())]


def _container(pod: Pod, state: Mapping[str, Any]) -> dict[str, Any]:
    container = pod["spec"]["containers"][0]
    names = {"name": container["name"], "image": container["image"], "imageID": ""}
    runs = "running" in state
    return {**names, "ready": runs, "started": runs, "restartCount": 0, "state": state}
