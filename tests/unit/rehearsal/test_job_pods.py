"""The pod of a Job ends with a status, whatever the API server and the machine refuse meanwhile."""

import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ops.rehearsal.kube import ApiError, NotFound
from ops.rehearsal.kubelet import job_pods, sandbox
from ops.rehearsal.kubelet.job_pods import JobPods, PodRun
from ops.rehearsal.stand_in import StandIn
from ops.rehearsal.world import World

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "proof-x", "namespace": "dynamo", "uid": "u"},
    "spec": {
        "nodeName": "node",
        "restartPolicy": "Never",
        "containers": [{"name": "proof", "image": "i", "command": ["true"]}],
    },
    "status": {"phase": "Pending"},
}
REFUSED = ApiError(0, "the API server did not answer")
RUNNING, SUCCEEDED = "Running", "Succeeded"


class Cluster:
    """Has the pod, and answers each write of its status with the next of `answers`, then with the pod."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = [*answers]
        self.statuses: list[dict[str, Any]] = []
        """As they were written."""

    def list(self, *_: str, **__: str) -> list[dict[str, Any]]:
        return [POD]

    def watch(self, *_: str, stop: threading.Event, **__: Any) -> Iterator[None]:
        stop.wait()
        yield from ()

    def patch_status(self, _version: str, _kind: str, _name: str, status: dict[str, Any], _of: str) -> dict[str, Any]:
        if self.answers and (error := self.answers.pop(0)):
            raise error
        self.statuses.append(status)
        return {**POD, "status": status}

    @property
    def told(self) -> Sequence[str]:
        """Phases, and reasons of waiting."""
        waiting = [each["containerStatuses"][0]["state"].get("waiting", {}) for each in self.statuses]
        return [each.get("phase") or why["reason"] for each, why in zip(self.statuses, waiting, strict=True)]


class Network:
    def hosts(self) -> dict[str, str]:
        return {"kubernetes.default.svc": "10.96.0.1"}


class Started:
    """Starts a program without a sandbox, after the machine has refused it some times."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals, self.programs = [*refusals], 0

    def __call__(self, *_: object) -> "subprocess.Popen[bytes]":
        if self.refusals:
            raise self.refusals.pop(0)
        self.programs += 1
        return subprocess.Popen(["true"], stdout=subprocess.PIPE, start_new_session=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_pods, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(job_pods, "ROUND_SECONDS", 0.01)


def ran(cluster: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, *refusals: Exception) -> tuple[PodRun, Started]:
    """The pod's life, to its end."""
    started, world, network = Started(*refusals), World(folder), Network()
    monkeypatch.setattr(sandbox, "start", started)
    (world.pods / "u").mkdir(parents=True)
    own = StandIn("kubelet", cluster, folder, threading.Event())
    run = PodRun(own, world, network, POD, "10.245.0.1")  # type: ignore[arg-type] - it asks for hosts only
    run.run()
    assert own.errors() == []
    return run, started


@pytest.mark.parametrize("answers", [(), (REFUSED, REFUSED), (None, REFUSED, REFUSED)], ids=["none", "begin", "end"])
def test_a_status_that_was_refused_is_written_later(
    answers: tuple[Exception | None, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cluster = Cluster(*answers)
    run, started = ran(cluster, tmp_path, monkeypatch)
    assert (run.error, cluster.told, started.programs) == (None, [RUNNING, SUCCEEDED], 1)
    said = "the stand-in of the kubelet fails at pod dynamo/proof-x: the API server did not answer\n"
    assert [each.read_text() for each in tmp_path.glob("kubelet.log")] == ([said] if answers else [])


def test_a_program_that_cannot_be_started_is_reported_and_started_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cluster, full = Cluster(), OSError(28, "No space left on device")
    run, started = ran(cluster, tmp_path, monkeypatch, full, full)
    assert (run.error, started.programs) == (None, 1)
    assert cluster.told == ["CreateContainerError", RUNNING, SUCCEEDED]
    assert "No space left" in cluster.statuses[0]["containerStatuses"][0]["state"]["waiting"]["message"]


def test_a_pod_that_is_gone_ends_its_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cluster = Cluster(NotFound(404, 'pods "proof-x" not found'))
    cluster.request = lambda *_: {}  # type: ignore[attr-defined] - the last act of a kubelet
    run, _ = ran(cluster, tmp_path, monkeypatch)
    assert run.error is None
    assert run.deleted.is_set()


def test_an_unexpected_error_of_a_pod_ends_the_stand_in_which_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cluster: Any = Cluster()
    stop = threading.Event()
    monkeypatch.setattr(sandbox, "start", Started(KeyError("command")))
    (World(tmp_path).pods / "u").mkdir(parents=True)
    network: Any = Network()
    limit = threading.Timer(30, stop.set)
    limit.start()
    with pytest.raises(KeyError, match="command"):
        JobPods(StandIn("kubelet", cluster, tmp_path, stop), World(tmp_path), network).run()
    limit.cancel()
    stop.set()
