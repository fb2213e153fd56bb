"""Pulumi's process is stopped and killed by its number in the rehearsal's PID namespace, between two writes."""

import sys
from pathlib import Path

import pytest

from tests.own_processes import FIRST, output_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a rehearsal runs on Linux only")

# Several threads, as a program in Go has.
PULUMI = """\
#!{python}
import threading, time
for _ in range(4):
    threading.Thread(target=time.sleep, args=(60,)).start()
print("started", flush=True)
"""
STARTED = (
    FIRST
    + """
import json, signal, subprocess, time
from pathlib import Path
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.faults import pulumi_process
from ops.rehearsal.faults.pulumi_process import PulumiProcess
from ops.rehearsal.world import World
world = World(Path(sys.argv[1]))
process = PulumiProcess(world, Path(sys.argv[2]))
pulumi = subprocess.Popen([world.commands / "pulumi"], stdout=subprocess.PIPE)
pulumi.stdout.readline()
assert process._pid == pulumi.pid and not Path("/proc/self").samefile(f"/proc/{os.getpid()}"), "no own numbers"
state = world.state / ".pulumi" / "stacks" / "try.json"
pulumi_process._ATTEMPTS = 3
def killed():
    try:
        process.kill()
    except RehearsalError as error:
        print(error)
    else:
        print("ended with", pulumi.wait())
"""
)


@pytest.fixture
def arguments(tmp_path: Path) -> tuple[str, str]:
    """The folder of a rehearsal, and a program that takes Pulumi's place."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "state" / ".pulumi" / "stacks").mkdir(parents=True)
    program = tmp_path / "real-pulumi"
    program.write_text(PULUMI.format(python=sys.executable))
    program.chmod(0o755)
    return str(tmp_path), str(program)


def test_whether_a_process_has_stopped_is_seen_from_within(arguments: tuple[str, str]) -> None:
    script = """
def seen():
    time.sleep(0.2)
    print(pulumi_process._stopped(pulumi.pid))
seen()
pulumi.send_signal(signal.SIGSTOP)
seen()
pulumi.send_signal(signal.SIGCONT)
seen()
pulumi.kill()
seen()
pulumi.wait()
seen()
"""
    assert output_of(STARTED + script, *arguments).split() == ["False", "True", "False", "False", "False"]


def test_it_is_killed_once_its_state_is_whole(arguments: tuple[str, str]) -> None:
    script = """
state.write_text('{"half":')
killed()
print("lives:", pulumi.poll() is None)
state.write_text("{}")
pulumi_process._ATTEMPTS = 100
killed()
"""
    assert output_of(STARTED + script, *arguments).splitlines() == [
        "Pulumi never stopped writing its state, so it was not killed",
        "lives: True",
        "ended with -9",
    ]


def test_a_process_that_has_ended_cannot_be_killed(arguments: tuple[str, str]) -> None:
    script = "pulumi.kill(); pulumi.wait(); killed()"
    assert output_of(STARTED + script, *arguments) == "Pulumi ended before it could be killed\n"
