"""A rehearsal rotates the token only where an object of the stack has it."""

from types import SimpleNamespace
from typing import Any

import pytest

from ops.rehearsal.engine.events import Command
from ops.rehearsal.engine.report import Report
from ops.rehearsal.engine.steps import Steps
from policies import kinds

UNUSED: Any = None


def rotated(tokens: list[str], *types: str) -> tuple[list[str], list[str]]:
    """Names of the steps that were skipped, and the commands that ran, for a stack with resources of these types."""
    commands: list[str] = []
    stack: Any = SimpleNamespace(
        resources=lambda: [{"type": type_, "urn": f"urn:pulumi:s::p::{type_}::x"} for type_ in types],
        set_secret=lambda *_: commands.append("set"),
        up=lambda: commands.append("up") or Command(name="up", ok=True, seconds=0, steps=(), messages=()),
    )
    report = Report(stack="s")
    steps = Steps(
        world=UNUSED, stack=stack, standstill=UNUSED, plan=UNUSED, unprotected=UNUSED, swap=None, cloud=UNUSED,
        kube=UNUSED, report=report, on_step=lambda _: None, tokens=tokens,
    )  # fmt: skip
    steps._rotate_token()
    return [each.name for each in report.steps if each.skipped], commands


@pytest.mark.parametrize(("tokens", "types"), [([], (kinds.SECRET,)), (["t"], (kinds.CONFIG_MAP, kinds.GOOGLE_SECRET))])
def test_a_token_that_no_object_has_is_not_rotated(tokens: list[str], types: tuple[str, ...]) -> None:
    assert rotated(tokens, *types) == (["another token"], [])


@pytest.mark.parametrize("holder", [kinds.SECRET, kinds.SECRET_VERSION])
def test_a_token_of_an_object_is_rotated(holder: str) -> None:
    assert rotated(["t"], holder) == ([], ["set", "up"])
