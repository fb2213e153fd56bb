"""Command line of the download: `python3 -m jobs.fetch_weights`, or `python -m workloads.jobs.fetch_weights` by hand.

    fetch_weights --repository Qwen/Qwen3-32B --revision 9216db… --target /models --scratch /scratch

The files come to lie in `<target>/<repository>/<revision>/`, and a marker beside that folder, written last, says that
all of them are there: run again, it finds the marker, compares sizes and asks no one for anything.

HF_TOKEN is read from the environment, for gated repositories. Exit code: 0 all there, 1 not, 2 an argument is invalid.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ..verify.untrusted import plain, say  # noqa: TID252 - in the Job there is no absolute name for it
from .errors import FetchFailed
from .fetch import Fetch
from .hub import HUB, Hub
from .listing import REVISION, read_list
from .patience import Patience


class Parser(argparse.ArgumentParser):
    """Ends with 2 on an invalid argument, which it repeats without control characters."""

    def error(self, message: str) -> NoReturn:
        super().error(plain(message, 400))


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, checked. Ends the process with 2 and a usage line when they are invalid."""
    parser = Parser(prog="fetch_weights", description="Download one revision of a model, verified.")
    parser.add_argument("--repository", required=True, help="OWNER/NAME on the hub")
    parser.add_argument("--revision", required=True, help="the commit, 40 hexadecimal digits")
    parser.add_argument("--target", required=True, type=Path, help="the folder that holds all models")
    parser.add_argument("--scratch", required=True, type=Path, help="a folder on a local disk")
    parser.add_argument("--scratch-bytes", type=int, help="how much the scratch folder may hold")
    parser.add_argument("--files", type=Path, help="JSON, path to size and hash, instead of the hub's listing")
    parser.add_argument("--endpoint", default=HUB, help="the hub (%(default)s)")
    parser.add_argument("--attempts", type=int, default=8, help="for each file (%(default)s)")
    parser.add_argument("--backoff", type=float, default=1.0, help="seconds before the second attempt (%(default)s)")
    parser.add_argument("--timeout", type=float, default=3 * 3600.0, help="seconds for everything (%(default)s)")
    given = parser.parse_args(argv)
    if not REVISION.fullmatch(given.revision):
        parser.error(f"--revision {given.revision!r} is not a commit of 40 hexadecimal digits; branches move")
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", given.repository, re.ASCII) or ".." in given.repository:
        parser.error(f"--repository {given.repository!r} is not OWNER/NAME")
    if given.attempts < 1:
        parser.error("--attempts must be at least 1")
    for name in ("backoff", "timeout"):
        seconds = getattr(given, name)
        if not math.isfinite(seconds) or seconds < 0:
            parser.error(f"--{name} must be a number of seconds")
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Download what the command line says; the exit code is in the module's docstring."""
    given = arguments(argv)
    patience = Patience(attempts=given.attempts, backoff=given.backoff, deadline=time.monotonic() + given.timeout)
    try:
        fetch = Fetch(
            hub=Hub(given.endpoint, os.environ.get("HF_TOKEN", "").strip() or None),
            repository=given.repository,
            revision=given.revision,
            target=given.target,
            scratch=given.scratch,
            scratch_bytes=given.scratch_bytes,
            patience=patience,
        )
        fetch.run(read_list(given.files) if given.files else None, say)
    except FetchFailed as failed:
        say(f"error: {failed}", sys.stderr)
        return 1
    return 0


def _interrupted(*_: object) -> None:
    sys.exit("interrupted")


if __name__ == "__main__":
    # A pod that is deleted gets SIGTERM: what is half written is removed first.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _interrupted)
    sys.exit(main())
