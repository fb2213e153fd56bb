"""A program that Pulumi breaks off leaves no traceback; every other error still does."""

import subprocess
import sys

from tests.stacks import ROOT

ENDS_BROKEN_OFF = """
from ops.rehearsal.engine import broken_off

broken_off.say_nothing()

class Forever:
    def __await__(self):
        yield

async def program():
    try:
        await Forever()
    finally:
        raise RuntimeError("no running event loop")

running = program()
running.send(None)
del running
"""
FAILS_AT_ITS_END = """
class Broken:
    def __del__(self):
        raise ValueError("broken")

Broken()
"""


def stderr_of(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stderr


def test_the_program_says_nothing() -> None:
    assert stderr_of(ENDS_BROKEN_OFF) == ""


def test_another_error_is_shown() -> None:
    assert "ValueError: broken" in stderr_of(ENDS_BROKEN_OFF + FAILS_AT_ITS_END)
