"""Runs a script in a PID namespace of its own, in which /proc has the numbers outside, as in a rehearsal."""

import subprocess
import sys

import pytest

from tests.stacks import ROOT

SECONDS = 60
_NOT_PERMITTED = 77
_ENTER = f"""
import os, sys
from ops.local import private_network
from ops.local.errors import LocalRunError
try:
    private_network.enter(own_processes=True, as_root=True)
except LocalRunError as error:
    print(error)
    sys.exit({_NOT_PERMITTED})
"""
FIRST = """
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""What follows runs in the first process of the namespace."""


def output_of(script: str, *arguments: str) -> str:
    """What the script prints. The next process that it forks is the first of the namespace.

    Skips the test where the machine permits no such namespace.
    """
    done = subprocess.run(
        [sys.executable, "-c", _ENTER + script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode == _NOT_PERMITTED:
        pytest.skip(f"this machine permits no processes of one's own: {done.stdout.strip()}")
    assert not done.stderr, done.stderr
    return done.stdout
