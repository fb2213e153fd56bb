"""Starts a rehearsal in a process of its own, waits for it, and leaves neither process nor folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from ops import interrupts
from ops.commands.ending import Exit, to_wire
from ops.local.lifeline import adopt_orphans, tied_to_this_process
from ops.offline.stackfile import project_root
from ops.rehearsal.engine.environment import environment
from ops.rehearsal.engine.request import Request
from ops.rehearsal.errors import Killed
from ops.rehearsal.world import World
from reading.errors import Error

# The processes inside need no time to end, because the kernel kills them; only large files take time to delete.
SECONDS_TO_END = 10
_POLL_SECONDS = 0.05
_LOOK_SECONDS = 1.0
"""Between two looks whether somebody asked to stop. The signal itself ends no wait: Python resumes it."""


def run(request: Request, caller: Mapping[str, str], *, keep: bool) -> tuple[int, dict[str, Any]]:
    """Exit code and report of a rehearsal, whose folder is then removed unless `keep`.

    The report of one that did not get to its end has `faults`, and the steps until then.

    Ctrl-C, SIGTERM and a closed terminal end it at once, with all its processes. They are ignored from then on, so that
    nothing interrupts the clean-up and the report. Must be called from the main thread.
    """
    inside: subprocess.Popen[bytes] | None = None
    interrupted = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        if inside:
            inside.terminate()

    # A shell ignores Ctrl-C for a command in the background, and nohup a closed terminal.
    heard = [number for number in interrupts.STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    world = World(Path(tempfile.mkdtemp(prefix="dynamo-gke-rehearsal-")))
    try:
        world.create_folders()
        world.request.write_text(request.to_json())
        adopt_orphans()
        inside = subprocess.Popen(
            [sys.executable, "-m", "ops.rehearsal.engine.inside", str(os.getpid())],
            cwd=project_root(),
            env=environment(world, [request.programs.pulumi.parent], caller),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_tied(),
        )
        if interrupted:  # before the process existed
            inside.terminate()
        while not interrupted and inside.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                inside.wait(_LOOK_SECONDS)
        if interrupted:
            return Exit.INTERRUPTED, _unfinished(request.stack, world, _fault(interrupts.SAID))
        if (code := inside.returncode) < 0:  # so it could not say anything
            killed = str(Killed(code))
            print(f"error: {killed}", file=sys.stderr)
            return Exit.FAILED, _unfinished(request.stack, world, _fault(killed))
        if world.report.exists():
            return code, json.loads(world.report.read_text())
        early = _fault("it ended early; stderr says why")
        why = json.loads(world.failure.read_text()) if world.failure.exists() else early
        return code, _unfinished(request.stack, world, why)
    finally:
        if inside:
            _kill(inside)
        if keep:
            print(f"kept: {world.folder}", file=sys.stderr)
        else:
            shutil.rmtree(world.folder, ignore_errors=True)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if interrupted else handler)


def _tied() -> Callable[[], None]:
    """Lets the process inside get SIGTERM when this one dies, and lets the signal wait until that process looks for it.

    Otherwise it would end while it starts, and leave the folder.
    """
    tie = tied_to_this_process(signal.SIGTERM)

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        tie()

    return prepare


def _fault(why: str) -> list[dict[str, str]]:
    return to_wire([Error("rehearsal", why)])


def _unfinished(stack: str, world: World, faults: list[dict[str, str]]) -> dict[str, Any]:
    """The report of a rehearsal that did not get to its end."""
    steps = json.loads(world.progress.read_text())["steps"] if world.progress.exists() else []
    return {"stack": stack, "ok": False, "steps": steps, "faults": faults}


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_END if process.poll() is None else 0)
    process.kill()
    process.wait()
    # If it was killed, its namespace ends after it, and until then may write into the folder.
    deadline = time.monotonic() + SECONDS_TO_END
    while process.returncode < 0 and _has_child() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _has_child() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True
