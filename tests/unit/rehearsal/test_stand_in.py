"""No loop of a stand-in ends by an error of the API server, and each says what failed."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.rehearsal import gke_controllers, node_adder, stand_in
from ops.rehearsal.kube import ApiError
from ops.rehearsal.kubelet.job_pods import JobPods
from ops.rehearsal.platform.operator import Operator
from ops.rehearsal.stand_in import StandIn
from ops.rehearsal.world import World

ERROR = "the server could not find its feet"
SENTENCE = f"the stand-in of the loop fails: {ERROR}"


class Cluster:
    """Refuses the first requests, and ends the loop after as many that it answers with no object."""

    def __init__(self, refused: int) -> None:
        self.refused, self.asked = refused, 0
        self.stop = threading.Event()
        self.errors: Callable[[], list[str]] = list
        self.seen: list[list[str]] = []
        """The loop's errors at each request."""

    def list(self, *_: str, **__: str) -> list[dict[str, Any]]:
        self.asked += 1
        self.seen.append(self.errors())
        if self.asked <= self.refused:
            raise ApiError(500, ERROR)
        if self.asked >= 2 * self.refused:
            self.stop.set()
        return []

    def watch(self, *_: str, **__: Any) -> Iterator[None]:
        self.stop.wait()
        yield from ()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    for module, name in ((stand_in, "RETRY_SECONDS"), (node_adder, "SECONDS_BETWEEN_LOOKS")):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr(node_adder, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(gke_controllers, "_TICK_SECONDS", 0.01)
    monkeypatch.setattr("ops.rehearsal.platform.operator._TICK_SECONDS", 0.01)
    monkeypatch.setattr("ops.rehearsal.kubelet.job_pods.ROUND_SECONDS", 0.01)
    return Cluster(refused=3)


LOOPS: dict[str, Callable[[StandIn, Path], None]] = {
    "autoscaler": lambda own, _: node_adder.run(own, tuple),
    "controllers of GKE": lambda own, _: gke_controllers.run(own, tuple),
    "kubelet": lambda own, folder: JobPods(own, World(folder), None).run(),  # type: ignore[arg-type] - no pod asks it
    "operator": lambda own, _: own.run((), Operator(own.kube).look),
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())
def test_a_loop_survives_errors_and_says_each_once(
    loop: Callable[[StandIn, Path], None], cluster: Any, tmp_path: Path
) -> None:
    own = StandIn("loop", cluster, tmp_path / "logs", cluster.stop)
    cluster.errors = own.errors
    loop(own, tmp_path)
    assert cluster.seen[:4] == [[], [SENTENCE], [SENTENCE], [SENTENCE]]
    assert own.errors() == []
    assert (tmp_path / "logs" / "loop.log").read_text() == f"{SENTENCE}\n"


def test_an_error_of_another_kind_goes_on(cluster: Any, tmp_path: Path) -> None:
    own = StandIn("loop", cluster, tmp_path, cluster.stop)
    with pytest.raises(KeyError), own.surviving("a look"):
        raise KeyError
    assert own.errors() == []


def test_the_errors_of_several_tasks_are_told_apart(cluster: Any, tmp_path: Path) -> None:
    own = StandIn("kubelet", cluster, tmp_path, cluster.stop)
    for task in ("pod a", "pod b"):
        with own.surviving(task):
            raise ApiError(500, ERROR)
    with own.surviving("pod a"):
        pass
    assert own.errors() == [f"the stand-in of the kubelet fails at pod b: {ERROR}"]
