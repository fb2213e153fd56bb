"""The process of a rehearsal: a private network, and processes that all end with it.

Two processes: this one removes the folder if its parent is killed, and its child, the first process of a PID
namespace, rehearses. The kernel kills every process of the namespace when the first one ends.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from ops import streams
from ops.commands.ending import Exit, output_lost, print_errors, to_wire, unexpected
from ops.local import private_network
from ops.local.errors import LocalRunError
from ops.local.lifeline import tied_to
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.files import write_whole
from ops.rehearsal.world import World
from reading.errors import ConfigInvalid, Error
from reading.tokens import masked

FIRST = 0
"""Parent of the first process in a PID namespace, as that process sees it."""


def main() -> int:
    """Rehearses what the folder's request says. Returns the exit code."""
    parent, world = os.getppid(), World.of_this_process()
    child: int | None = None
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        if child:
            os.kill(child, signal.SIGKILL)
        # The parent also removes the folder, unless it was killed.
        if os.getppid() != parent:
            shutil.rmtree(world.folder, ignore_errors=True)
            os._exit(1)
        if not child:
            os._exit(1)

    signal.signal(signal.SIGTERM, stop)
    try:
        private_network.enter(
            instead="a rehearsal needs one, so that it can reach no cloud; allow user namespaces, or run it as root",
            own_processes=True,
            as_root=True,  # the pods' programs get a mount namespace
        )
    except LocalRunError as error:
        return _failed(world, error)
    # After the namespace: the kernel forgets the tie when a process gets new credentials.
    tied_to(parent, signal.SIGTERM)()
    child = os.fork()
    if child == 0:
        _first()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0 and not stopped:
        print(f"error: the rehearsal was killed by {signal.Signals(-code).name}", file=sys.stderr)
    return code if code >= 0 else 1


def _failed(world: World, error: BaseException) -> int:
    """Says why on stderr, and to the process outside. Returns the exit code."""
    code: int = Exit.FAILED
    errors: Sequence[Error] = (Error("rehearsal", str(error)),)
    match error:
        case ConfigInvalid():
            code, errors = Exit.CONFIG_INVALID, error.errors
            print_errors(errors)
        case streams.Unwritten():
            code, errors = output_lost(error), (Error("rehearsal", str(error)),)
        case LocalRunError() | RehearsalError():
            print(f"error: {masked(str(error))}", file=sys.stderr)
        case _:
            errors = (Error("rehearsal", unexpected("the rehearsal", error)),)
    write_whole(world.failure, json.dumps(to_wire(errors)))
    return code


def _first() -> None:
    """Rehearses, and ends the process. Never returns, so that no code of the parent runs in it."""
    code: int = Exit.FAILED
    try:
        tied_to(FIRST)()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        from ops.rehearsal.engine import rehearsal

        code = rehearsal.run(World.of_this_process())
        sys.stdout.flush()
    except (Exception, SystemExit) as error:
        # The last frame of this process: no caller could turn the error into a sentence.
        code = _failed(World.of_this_process(), error)
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    streams.prepare()
    sys.exit(main())
