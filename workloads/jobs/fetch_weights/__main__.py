"""Command line of the download: `python3 -m jobs.fetch_weights`, or `python -m workloads.jobs.fetch_weights` by hand.

    fetch_weights --repository Qwen/Qwen3-32B --revision 9216db… --target /models --scratch /scratch

The files go to `<target>/<repository>/<revision>/`. A marker next to that folder, written last, records that all files
exist. A second run finds the marker, compares sizes and sends no request.

The program reads HF_TOKEN from the environment, for gated repositories. Exit code: 0 if all files exist, 1 if not, 2
for an invalid argument.
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

from ..verify.untrusted import plain, say  # noqa: TID252 - the Job has no absolute name for it
from .errors import FetchFailed
from .fetch import Fetch
from .hub import HUB, Hub
from .listing import REVISION, read_list
from .patience import Patience


class Parser(argparse.ArgumentParser):
    """Argument parser that exits with 2 on an invalid argument, and prints it without control characters."""

    def error(self, message: str) -> NoReturn:
        super().error(plain(message, 400))


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The checked arguments. Exits with 2 and a usage line if they are invalid."""
    parser = Parser(prog="fetch_weights", description="Download and verify one revision of a model.")
    parser.add_argument("--repository", required=True, help="OWNER/NAME on the hub")
    parser.add_argument("--revision", required=True, help="the commit, 40 hexadecimal digits")
    parser.add_argument("--target", required=True, type=Path, help="the folder of all models")
    parser.add_argument("--scratch", required=True, type=Path, help="a folder on a local disk")
    parser.add_argument("--scratch-bytes", type=int, help="max bytes in the scratch folder")
    parser.add_argument(
        "--files", type=Path, help="JSON file (path to size and hash) to use instead of the hub's listing"
    )
    parser.add_argument("--endpoint", default=HUB, help="the hub (%(default)s)")
    parser.add_argument("--attempts", type=int, default=8, help="attempts per file (%(default)s)")
    parser.add_argument("--backoff", type=float, default=1.0, help="seconds before the second attempt (%(default)s)")
    parser.add_argument(
        "--timeout", type=float, default=3 * 3600.0, help="seconds for the whole download (%(default)s)"
    )
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
    """Downloads the given revision; the module's docstring lists the exit codes."""
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
    # A deleted pod gets SIGTERM; partial files are removed before the exit.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _interrupted)
    sys.exit(main())
