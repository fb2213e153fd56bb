"""Errors that end a rehearsal: one sentence each."""


class RehearsalError(Exception):
    """A program of the rehearsal failed, or this machine cannot run one; exit code 1."""
