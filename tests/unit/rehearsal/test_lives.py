"""Failed creations and named faults together: two lives of the stack, and one verdict on both."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ops.rehearsal.engine import beside, broken_off, rehearsal
from ops.rehearsal.engine.report import StepReport
from ops.rehearsal.engine.request import Request
from ops.rehearsal.engine.simulation import Simulation, empty
from ops.rehearsal.faults.lost_answers import LostAnswers
from ops.rehearsal.faults.strikes import Strikes
from ops.rehearsal.google.cloud import Cloud, Resource
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World

FAULTS = ("killed", "node-lost")
BROKEN: list[str] = []
"""What the stand-ins of the cluster said when they ended by an error."""


@contextmanager
def no_cluster(*_: object) -> Iterator[Any]:
    yield beside.Cluster(plane=None, kube=None, failures=BROKEN)  # pyright: ignore[reportArgumentType] - no step asks them


def rehearsed(
    monkeypatch: pytest.MonkeyPatch, folder: Path, faults: tuple[str, ...], *ends: bool
) -> tuple[int, dict[str, Any], list[type]]:
    """Exit code, report, and what failed in each life. `ends`: whether each life did what was expected."""
    failing: list[type] = []

    def live(self: Simulation, number: int, injection: object) -> None:
        failing.append(type(injection))
        ok = ends[number - 1]
        self.report.steps.append(StepReport(name="destroy", ok=ok, seconds=0, said="", life=number))
        self.report.converged = True

    monkeypatch.setattr(broken_off, "say_nothing", lambda: None)  # for the whole process, which is pytest's here
    monkeypatch.setattr(beside, "cluster", no_cluster)
    monkeypatch.setattr(Simulation, "live", live)
    programs = Programs(**{field.name: folder for field in fields(Programs)})
    request = Request(
        stack="dev", overrides=(), programs=programs, fail=None, thorough=False, quiet=False, fail_every="type",
        faults=faults,
    )  # fmt: skip
    world = World(folder)
    world.request.write_text(request.to_json())
    return rehearsal.run(world), json.loads(world.report.read_text()), failing


def test_the_stack_lives_again_for_the_named_faults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report, failing = rehearsed(monkeypatch, tmp_path, FAULTS, True, True)
    assert failing == [Strikes, LostAnswers]
    assert (code, report["ok"], report["converged"]) == (0, True, True)
    assert [step["life"] for step in report["steps"]] == [1, 2]
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("life")] == [
        "life 1: the first creation of each type fails",
        "life 2: it meets killed",  # dev has no GPU node that could be lost
    ]


def test_a_life_alone_has_no_number_in_the_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rehearsed(monkeypatch, tmp_path, (), True)[2] == [Strikes]
    assert "life" not in capsys.readouterr().out


def test_after_a_failed_life_there_is_no_other_and_it_did_not_converge(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, report, failing = rehearsed(monkeypatch, tmp_path, FAULTS, False, True)
    assert failing == [Strikes]
    assert (code, report["ok"], report["converged"]) == (1, False, False)
    last = report["steps"][-1]
    assert (last["step"], last["skipped"], last["life"]) == ("life 2", True, 2)


def test_a_stand_in_that_ends_fails_the_life_in_which_it_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(globals(), "BROKEN", ["the stand-in of the operator failed"])
    code, report, failing = rehearsed(monkeypatch, tmp_path, FAULTS, True, True)
    assert (code, failing) == (1, [Strikes])
    assert [(step["step"], step["life"]) for step in report["steps"]] == [
        ("destroy", 1),
        ("stand-ins", 1),
        ("life 2", 2),
    ]


def test_a_life_begins_without_what_the_one_before_has_kept(tmp_path: Path) -> None:
    world, cloud = World(tmp_path), Cloud(tmp_path / "cloud.json")
    with cloud.change() as content:
        content.apis.add("container.googleapis.com")
        content.add(Resource(type="bucket", id="weights", urn="", state={}))
    (world.buckets / "weights").mkdir(parents=True)
    for _ in range(2):
        empty(world, cloud)
    assert cloud.resources() == []
    assert not world.buckets.exists()
    with cloud.change() as content:
        assert "container.googleapis.com" in content.apis


def test_a_second_life_that_fails_fails_both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, report, _ = rehearsed(monkeypatch, tmp_path, FAULTS, True, False)
    assert (code, report["ok"]) == (1, False)
