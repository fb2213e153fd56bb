"""A rehearsal's autoscaler scales roles for real, and the update after it really sends their graphs."""

from types import SimpleNamespace
from typing import Any

import pytest

from ops.offline.dry_run import planned
from ops.rehearsal.engine.autoscaler import Autoscaler, one_more
from ops.rehearsal.engine.events import Command
from ops.rehearsal.engine.report import Report
from ops.rehearsal.engine.steps import Steps, Stopped
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.faults import scene
from ops.rehearsal.kube import NotFound
from planning.types import Plan

UNUSED: Any = None
AUTOSCALED = ["models.chat.autoscaling={decode: {min: 1, max: 2}}", "capacity.maxNodes=3"]
WANTED = {("chat", "decode"): 2}


class Cluster:
    """The graph `chat` and its adapter. The operator copies its number before this look at it, if ever."""

    def __init__(self, *, copied_at: int | None = 3, adapter: bool = True) -> None:
        self._copied_at, self._adapter = copied_at, adapter
        self._asked, self._looks = 1, 0
        self.managers: list[str] = []

    def patch(
        self, version: str, kind: str, name: str, patch: dict[str, Any], namespace: str, *, manager: str
    ) -> dict[str, Any]:
        if not self._adapter:
            raise NotFound(404, f"there is no {name}")
        assert (kind, name) == ("DynamoGraphDeploymentScalingAdapter", "chat-decode")
        self._asked = patch["spec"]["replicas"]
        self.managers.append(manager)
        return patch

    def get(self, version: str, kind: str, name: str, namespace: str) -> dict[str, Any]:
        assert (kind, name) == ("DynamoGraphDeployment", "chat")
        self._looks += 1
        copied = self._copied_at is not None and self._looks >= self._copied_at
        roles = {"frontend": 1, "prefill": 1, "decode": self._asked if copied else 1}
        components = [{"name": role, "replicas": replicas} for role, replicas in roles.items()]
        return {"metadata": {"name": name}, "spec": {"components": components}}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "_POLL_SECONDS", 0.001)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "SECONDS", 0.05)


def autoscaler(cluster: Cluster) -> Autoscaler:
    return Autoscaler(kube=cluster, namespace="dynamo", wanted=WANTED)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        ([], {}),
        (AUTOSCALED, WANTED),
        (["models.chat.autoscaling={decode: {min: 1, max: 1}}"], {}),  # its autoscaler would take one more back
    ],
)
def test_a_role_is_scaled_within_its_range(overrides: list[str], wanted: dict[tuple[str, str], int]) -> None:
    assert one_more(planned("try", overrides)) == wanted


def test_the_operator_has_written_the_number_into_the_graph() -> None:
    cluster = Cluster()
    autoscaler(cluster).scale()
    assert autoscaler(cluster).replicas() == WANTED
    assert cluster.managers == ["autoscaler"]


@pytest.mark.parametrize(
    "cluster", [Cluster(copied_at=None), Cluster(adapter=False)], ids=["no operator", "no adapter"]
)
@pytest.mark.usefixtures("impatient")
def test_an_autoscaler_that_scales_nothing_is_an_error(cluster: Cluster) -> None:
    with pytest.raises(RehearsalError):
        autoscaler(cluster).scale()


def steps_of(plan: Plan, cluster: Cluster, done: list[object]) -> Steps:
    """Steps whose commands and settings are noted in `done`."""
    stack: Any = SimpleNamespace(
        set_frontends=lambda *given: done.append(given),
        up=lambda: done.append("up") or Command(name="up", ok=True, seconds=0, steps=(), messages=()),
    )
    return Steps(
        world=UNUSED, stack=stack, standstill=UNUSED, plan=plan, unprotected=UNUSED, swap=None, cloud=UNUSED,
        kube=cluster, report=Report(stack="s"), on_step=lambda _: None,  # pyright: ignore[reportArgumentType]
    )  # fmt: skip


@pytest.mark.parametrize(("frontends", "then"), [(1, 2), (2, 1), (3, 2)])
def test_the_update_changes_the_graph_and_not_its_workers(frontends: int, then: int) -> None:
    done: list[object] = []
    steps = steps_of(planned("try", [*AUTOSCALED, f"models.chat.frontend.replicas={frontends}"]), Cluster(), done)
    steps._scale_elsewhere()
    assert done == [("chat", then), "up"]


def test_an_update_that_sends_no_graph_fails() -> None:
    steps = steps_of(planned("try", AUTOSCALED), Cluster(), [])
    steps._scale_elsewhere()
    assert [(step.name, step.ok) for step in steps.report.steps] == [("up after an autoscaler", False)]


@pytest.mark.usefixtures("impatient")
def test_no_update_follows_an_autoscaler_that_scaled_nothing() -> None:
    done: list[object] = []
    steps = steps_of(planned("try", AUTOSCALED), Cluster(copied_at=None), done)
    with pytest.raises(Stopped):
        steps._scale_elsewhere()
    assert done == []
    assert not steps.report.ok


def test_a_stack_that_scales_nothing_skips_the_step() -> None:
    done: list[object] = []
    steps = steps_of(planned("try", []), Cluster(), done)
    steps._scale_elsewhere()
    assert done == []
    assert [step.skipped for step in steps.report.steps] == [True]
