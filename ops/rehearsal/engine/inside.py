"""The process of a rehearsal: a private network, and processes that all end with it.

Two processes: this one removes the folder if its parent is killed, and its child, the first process of a PID
namespace, rehearses. When the first one ends, the kernel kills every process of the namespace, and only then tells that
it has ended.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence

from ops import streams
from ops.commands.ending import Exit, output_lost, print_errors, to_wire, unexpected
from ops.local import private_network
from ops.local.errors import LocalRunError
from ops.local.lifeline import forked, tied_to
from ops.rehearsal.errors import Killed, RehearsalError
from ops.rehearsal.files import write_whole
from ops.rehearsal.world import World
from reading.errors import ConfigInvalid, Error
from reading.tokens import masked

_AWAITED = (signal.SIGTERM, signal.SIGCHLD)
"""A request to stop, or the parent's death; and the child's end. Blocked, so that none comes before it is awaited."""


def main() -> int:
    """Rehearses what the folder's request says. Returns the exit code. The argument is the number of the parent."""
    parent, world = int(sys.argv[1]), World.of_this_process()
    try:
        return _rehearsed(world, parent)
    finally:
        # The parent also removes the folder, unless it was killed.
        if os.getppid() != parent:
            shutil.rmtree(world.folder, ignore_errors=True)


def _rehearsed(world: World, parent: int) -> int:
    """Rehearses in a child. Returns the exit code when no process of the rehearsal is left."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
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
    child = forked()
    if child == 0:
        _first()
    stopped = False
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if signal.sigwait(_AWAITED) == signal.SIGTERM:
            stopped = True
            os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(ended[1])
    if code >= 0:
        return code
    return Exit.FAILED if stopped else _failed(world, Killed(code))


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
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
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
