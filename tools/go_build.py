"""The go command, as the programs of a rehearsal are built: reproducibly, watched, and in a folder of its own."""

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ops.local.command import started
from ops.local.environment import Say
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.pins import Binary, Version
from reading.tokens import masked

# One program took 15 minutes of one core; far longer than that, something hangs.
BUILD_SECONDS = 7200.0
REPORT_SECONDS = 30.0
_ANSWER_SECONDS = 60.0

# The user's proxy, checksum database, credentials and private modules stay as they are: go.sum verifies the content.
# Whatever else changes a build is set here.
SETTINGS = {"GO111MODULE": "on", "GOWORK": "off", "GOTOOLCHAIN": "local", "GOOS": "linux", "CGO_ENABLED": "0"}
_FLAGS = "-mod=readonly -modcacherw -trimpath -buildvcs=false"
_DROPPED = ("GOARCH", "GOEXPERIMENT")
# Failures before the first package is compiled that a network would not mend.
_OURS = re.compile(
    r"no space left|disk quota|read-only file|permission denied|go\.sum|checksum mismatch|updates to go\.mod"
)


class BuildFailed(RehearsalError):
    """A program cannot be built, and should be on this machine."""


class Unavailable(RehearsalError):
    """This machine cannot build the programs: it lacks Linux, Go, access to Go modules, or time."""


class OutOfTime(Unavailable):
    """The limit of the whole build ended this one."""


def go_for(missing: Sequence[Binary]) -> str:
    """The go command on PATH. Raises Unavailable if there is none, or if it is too old."""
    newest = max(missing, key=lambda binary: binary.module.needs_go)
    needs = newest.module.needs_go
    names = ", ".join(binary.name for binary in missing)
    mend = f"install Go {needs} or newer, or put {names} on PATH"
    go = shutil.which("go")
    if go is None:
        raise Unavailable(f"Go is not on PATH; {mend}")
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION"],
            cwd="/",
            env={**os.environ, **SETTINGS},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{go} does not answer ({error}); {mend}") from None
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", answer)
    if found is None:
        raise Unavailable(f"{go} tells no version; {mend}")
    if Version(*(int(number or 0) for number in found.groups())) < needs:
        raise Unavailable(f"{go} is {found[0]}, and {newest.name} {newest.module.version} needs newer; {mend}")
    return go


class Go:
    """The go command, with its modules, caches and results in a scratch folder, until `end` of the monotonic clock."""

    def __init__(self, command: str, scratch: Path, say: Say, end: float) -> None:
        self._command = command
        self._scratch = scratch
        self._say = say
        self._end = end
        kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
        folders = {"GOCACHE": "packages", "GOMODCACHE": "modules", "GOPATH": "path", "GOTMPDIR": "work"}
        self._env = {**kept, **SETTINGS, "GOFLAGS": _FLAGS}
        for variable, name in folders.items():
            (scratch / name).mkdir()
            self._env[variable] = str(scratch / name)

    def build(self, binary: Binary, title: str) -> Path:
        """The built binary, in the scratch folder. `title` begins every line that is said.

        Raises Unavailable if a Go module cannot be had, OutOfTime, and BuildFailed for every other failure.
        """
        source = self._source(binary, title)
        tags, linker_flags = binary.module.build_flags
        packages = self._download(title, source, "list", "-deps", tags, binary.package)
        result = self._scratch / binary.name
        arguments = ["build", "-v", tags, linker_flags, "-o", str(result), binary.package]
        code, lines = self._run(arguments, source, f"{title}: compiling, of at most {len(packages)} packages")
        if code != 0:
            for line in lines[-20:]:
                self._say(f"  {masked(line)}")
            raise BuildFailed(f"{binary.name} cannot be built; what the go command wrote last is above")
        return result

    def _source(self, binary: Binary, title: str) -> Path:
        """A copy of the module's folder, with the file that its main.go embeds: nothing writes into the checkout."""
        module = binary.module
        copy = self._scratch / f"source-{module.name}"
        if not copy.exists():
            shutil.copytree(module.folder, copy)
            if module.embeds:
                name, file = module.embeds
                self._download(title, copy, "mod", "download", name)
                (folder,) = self._download(title, copy, "list", "-m", "-f", "{{.Dir}}", name)
                shutil.copyfile(Path(folder) / file, copy / Path(file).name)
        return copy

    def _download(self, title: str, source: Path, *arguments: str) -> list[str]:
        """What a command prints that downloads what it needs, and compiles nothing."""
        code, lines = self._run(arguments, source, f"{title}: downloading")
        if code == 0:
            return [line for line in lines if not line.startswith("go: ")]
        failed = [line.strip() for line in lines if line.strip() and not line.startswith("go: downloading ")]
        reason = masked(" ".join(failed[:2]) or "no message")
        if any(_OURS.search(line) for line in failed):
            raise BuildFailed(f"{title}: {reason}")
        raise Unavailable(f"{title}: its Go modules cannot be had: {reason}")

    def _run(self, arguments: Sequence[str], folder: Path, doing: str) -> tuple[int, list[str]]:
        """Exit code and output of one go command. Says `doing` at the start, and again with the progress."""
        lines: list[str] = []
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutOfTime
        self._say(doing)
        with (
            started([self._command, *arguments], min(left, BUILD_SECONDS), self._env, folder) as (process, killed),
            _repeated(lambda seconds: self._say(f"{doing}: {len(lines)} done in {seconds:.0f} s")),
        ):
            assert process.stdout is not None
            # One by one, because the progress counts them.
            for line in process.stdout:
                lines.append(line.rstrip("\n"))  # noqa: PERF401
            process.wait()
        if killed.is_set() and left < BUILD_SECONDS:
            raise OutOfTime
        return process.returncode, lines


@contextmanager
def _repeated(report: Callable[[float], None]) -> Generator[None]:
    """Calls `report` with the seconds since the start every REPORT_SECONDS, until the block ends."""
    started = time.monotonic()
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(REPORT_SECONDS):
            report(time.monotonic() - started)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
