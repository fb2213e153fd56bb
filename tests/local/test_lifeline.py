"""A child ends with its parent, whenever that dies."""

import sys

import pytest

from tests.own_processes import output_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends children on Linux only")

# The call of the kernel is held up until the parent is dead, which closes its end of a pipe.
DIES = """
import signal
from types import SimpleNamespace
from ops.local import lifeline
dead, held = os.pipe()
libc = lifeline._LIBC
def late(*arguments):
    os.close(held)
    os.read(dead, 1)
    return libc.prctl(*arguments)
lifeline._LIBC = SimpleNamespace(prctl=late)
if lifeline.forked():
    os.kill(os.getpid(), signal.SIGKILL)
print("outlived its parent,", os.getppid(), flush=True)
"""
LIVES = """
from ops.local import lifeline
child = lifeline.forked()
if child:
    os.waitpid(child, 0)
else:
    print("process", os.getpid(), "of process", os.getppid(), flush=True)
"""


def test_the_first_process_of_a_namespace_ends_although_its_parent_died_before_it_could_ask_the_kernel() -> None:
    assert output_of(DIES) == ""


def test_the_first_process_of_a_namespace_lives_as_long_as_its_parent() -> None:
    assert output_of(LIVES) == "process 1 of process 0\n"
