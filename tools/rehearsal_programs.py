"""Builds the programs of a rehearsal that are neither on PATH nor built yet, from the Go modules that pin them.

Only the binaries stay, in the user's cache folder. Modules and compiled packages, gigabytes, lie beside them while
programs are built: that folder is on a disk, as the system's temporary folder often is not.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ops import interrupts
from ops.local.environment import Say, cache_folder, locked
from ops.local.errors import LocalRunError
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.pins import Binary
from ops.rehearsal.programs import LINUX_ONLY, search_path
from reading.tokens import masked
from tools.go_build import BUILD_SECONDS, BuildFailed, Go, OutOfTime, Unavailable, go_for

# Peak of modules and compiled packages when every program is built, with a reserve.
_NEEDED_BYTES = 14 * 2**30
_SECONDS = 4 * BUILD_SECONDS


def build_missing(say: Say, seconds: float = _SECONDS) -> None:
    """Builds what a rehearsal lacks, one program after the other, each once for all clones, within `seconds`.

    Raises Unavailable, also for a program that is not built in time, or BuildFailed, or LocalRunError if another run
    holds the lock for too long. Whatever ends it, only whole binaries are left.
    """
    if sys.platform != "linux":
        raise Unavailable(f"{LINUX_ONLY}; this is {sys.platform}")
    search = search_path()
    for sentence in search.unfit:
        say(sentence)
    if not search.missing:
        folders = sorted({str(path.parent) for path in search.found.values()})
        say(f"the {len(search.found)} programs of a rehearsal are in {', '.join(folders)}")
        return
    go = go_for(search.missing)
    cache = cache_folder()
    end = time.monotonic() + seconds
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / "tools.lock", say, seconds), _scratch(cache / "tools-build") as scratch:
            _check_space(cache)
            _build_all(search.missing, Go(go, scratch, say, end), say)
    except OSError as error:
        raise BuildFailed(f"{error.filename or cache}: {error.strerror or error}") from None


def _build_all(missing: Sequence[Binary], go: Go, say: Say) -> None:
    started = time.monotonic()
    say(f"building {len(missing)} programs into {cache_folder()}, once; all of them take half an hour of two cores")
    for number, binary in enumerate(missing, 1):
        title = f"[{number}/{len(missing)}] {binary.name} {binary.module.version}"
        if binary.built.exists():
            say(f"{title}: built by another run")
            continue
        went = time.monotonic()
        try:
            whole = go.build(binary, title)
        except OutOfTime:
            unbuilt = ", ".join(each.name for each in missing if not each.built.exists())
            raise Unavailable(f"{unbuilt}: not built in time; `make tools` builds them without a limit") from None
        size = whole.stat().st_size
        binary.built.parent.mkdir(parents=True, exist_ok=True)
        whole.replace(binary.built)
        say(f"{title}: done, {size / 2**20:.0f} MiB, {_elapsed(went)} of {_elapsed(started)}")


@contextmanager
def _scratch(folder: Path) -> Generator[Path]:
    """A folder that lasts as long as the block. What a killed run left there is removed first: the lock is held."""
    _remove(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Removes a folder into which a compiler that was just killed may still write its last file."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _check_space(cache: Path) -> None:
    free = shutil.disk_usage(cache).free
    if free < _NEEDED_BYTES:
        raise BuildFailed(
            f"{cache} has {free / 2**30:.1f} GiB free, and a build needs up to {_NEEDED_BYTES / 2**30:.0f} GiB for a "
            "while; free some, or let XDG_CACHE_HOME name a folder on another disk"
        )


def _elapsed(since: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - since), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.rehearsal_programs", description=__doc__)
    parser.add_argument(
        "--or-explain",
        action="store_true",
        help="on a machine without Go, Go modules or enough time: print why on stdout, and succeed",
    )
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="limit; what is built by then stays")
    given = parser.parse_args(argv)
    interrupts.raise_once(signal.SIGTERM, signal.SIGHUP)
    try:
        build_missing(lambda line: print(line, file=sys.stderr, flush=True), given.seconds)
    except KeyboardInterrupt:
        print("stopped; the programs that were done stay, and nothing else", file=sys.stderr)
        return 130
    except (RehearsalError, LocalRunError) as error:
        if given.or_explain and isinstance(error, (Unavailable, LocalRunError)):  # without Go, or without time
            print(masked(str(error)))
            return 0
        print(f"error: {masked(str(error))}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
