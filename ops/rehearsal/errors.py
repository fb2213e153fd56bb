"""Errors that end a rehearsal: one sentence each."""

import signal


class RehearsalError(Exception):
    """A program of the rehearsal failed, or this machine cannot run one; exit code 1."""


class Killed(RehearsalError):
    """A signal that nobody here sent has ended a process of the rehearsal."""

    def __init__(self, code: int) -> None:
        """`code`: minus the number of the signal, as Python gives the exit code of such a process."""
        memory = ", as the kernel does when memory runs out" if code == -signal.SIGKILL else ""
        super().__init__(f"the rehearsal was killed by {signal.Signals(-code).name}{memory}")
