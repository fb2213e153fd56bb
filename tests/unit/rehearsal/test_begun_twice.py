"""A command whose program lost Pulumi is begun once more, and its step says so."""

from typing import Any

import pytest

from ops.rehearsal.engine import expectations
from ops.rehearsal.engine.events import Command, Message
from ops.rehearsal.engine.report import Report
from ops.rehearsal.engine.stack import RehearsedStack
from ops.rehearsal.engine.steps import Steps

UNUSED: Any = None
DONE = Command(name="up", ok=True, seconds=1, steps=(), messages=())
LOST = "Resource monitor has terminated, shutting down"
CUT_OFF = Command(name="up", ok=False, seconds=1, steps=(), messages=(Message(severity="error", urn=None, text=LOST),))


def said(monkeypatch: pytest.MonkeyPatch, *commands: Command) -> str:
    """Of the step, if these commands follow each other."""
    ends = iter(commands)
    monkeypatch.setattr(RehearsedStack, "_once", lambda *_: next(ends))
    stack, report = RehearsedStack.__new__(RehearsedStack), Report(stack="s")
    steps = Steps(
        world=UNUSED, stack=stack, standstill=UNUSED, plan=UNUSED, unprotected=UNUSED, swap=None, cloud=UNUSED,
        kube=UNUSED, report=report, on_step=lambda _: None, tokens=[],
    )  # fmt: skip
    steps._do("up", lambda: stack._run("up", UNUSED), expectations.done)
    assert next(ends, None) is None
    return report.steps[0].said


def test_a_command_that_was_cut_off_is_begun_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, CUT_OFF, DONE) == "begun once more, because its program lost Pulumi; no change"


def test_another_command_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, DONE) == "no change"
