"""Python environments of the local run, created once for all clones in the user's cache folder."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.local.command import started
from ops.local.errors import LocalRunError

ROOT = Path(__file__).parents[2]
Say = Callable[[str], None]
_MODEL_SCRIPT = Path(__file__).with_name("model_dir.py")

# Marks a folder that is complete.
STAMP = ".complete"
# A slow connection needs minutes for 200 MB of wheels; longer than this, something hangs.
INSTALL_SECONDS = 1800.0
CHECK_SECONDS = 60.0


@dataclass(frozen=True)
class Environment:
    """A virtual environment for lock files.

    `probe` names modules whose import shows that it works.
    """

    name: str
    locks: tuple[Path, ...]
    probe: str

    @property
    def folder(self) -> Path:
        """Folder of the environment, keyed by locks and Python version, so that an update gets a new one."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        key = hashlib.sha256(b"".join([version.encode(), *(lock.read_bytes() for lock in self.locks)])).hexdigest()[:12]
        return cache_folder() / f"{self.name}-{key}"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def is_complete(self) -> bool:
        return (self.folder / STAMP).exists()

    def ensure(self, say: Say) -> None:
        """Creates the environment unless it exists, and checks that it works.

        Raises LocalRunError when it cannot be installed, or is broken.
        """
        create_once(self.folder, lambda folder: self._install(folder, say), say)
        error = self._error()
        if error:
            raise LocalRunError(f"the {self.name} environment is broken ({error}); remove {self.folder} and run again")

    def _install(self, folder: Path, say: Say) -> None:
        packages = sum("==" in line for lock in self.locks for line in lock.read_text(encoding="utf-8").splitlines())
        say(f"installing {packages} packages into {folder}, once; this takes a minute or two")
        python = folder / "bin" / "python"
        # The locks are complete: resolving again would only find conflicts with pins that they override on purpose.
        exactly = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
        exactly += [word for lock in self.locks for word in ("--requirement", str(lock))]
        if uv := shutil.which("uv"):
            run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], say)
            run([uv, "pip", "install", "--python", str(python), "--compile-bytecode", *exactly], say)
        else:
            run([sys.executable, "-m", "venv", str(folder)], say)
            run([str(python), "-m", "pip", "install", "--no-input", "--progress-bar", "off", *exactly], say)

    def _error(self) -> str | None:
        """Why the environment cannot be used, in a few words; None if it can."""
        try:
            with _scratch() as env:
                done = subprocess.run(
                    [self.python, "-c", f"import {self.probe}"],
                    env=env,
                    capture_output=True,
                    encoding="utf-8",
                    errors="replace",
                    timeout=CHECK_SECONDS,
                    check=False,
                )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[-1]


_DYNAMO_LOCK = ROOT / "requirements" / "dynamo.txt"
DYNAMO = Environment("dynamo", (_DYNAMO_LOCK,), "dynamo.llm")
DYNAMO_H200 = Environment("dynamo-h200", (_DYNAMO_LOCK, ROOT / "requirements" / "timing.txt"), "dynamo.llm, aisimulate")


def tiny_model_folder() -> Path:
    """Folder of the model directory without weights, keyed by the script that creates it."""
    return cache_folder() / f"tiny-model-{hashlib.sha256(_MODEL_SCRIPT.read_bytes()).hexdigest()[:12]}"


def ensure_tiny_model(environment: Environment, say: Say) -> None:
    """Creates the model directory unless it exists, with the environment's own tokenizer library."""

    def train(folder: Path) -> None:
        say("training a tokenizer for the tiny model, once")
        run([str(environment.python), str(_MODEL_SCRIPT), str(folder)], say)

    create_once(tiny_model_folder(), train, say)


def cache_folder() -> Path:
    """This project's folder in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dynamo-gke"


def create_once(folder: Path, create: Callable[[Path], None], say: Say) -> Path:
    """The folder, created by `create` unless an earlier call completed it.

    Processes that need the same folder wait for one another. An incomplete folder has no stamp and is created again:
    environments contain their own path, so they cannot be created elsewhere and moved.
    """
    stamp = folder / STAMP
    if stamp.exists():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_suffix(".lock"), say):
            if not stamp.exists():
                shutil.rmtree(folder, ignore_errors=True)
                create(folder)
                stamp.touch()
    except OSError as error:
        raise LocalRunError(f"{folder} cannot be created: {error.strerror}") from None
    return folder


@contextmanager
def locked(path: Path, say: Say, limit: float = INSTALL_SECONDS) -> Iterator[None]:
    """Holds an exclusive lock, which the kernel releases when this process dies.

    Raises LocalRunError if another process holds it for `limit` seconds.
    """
    deadline = time.monotonic() + limit
    with path.open("w") as handle:
        announced = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LocalRunError(f"another run has held {path} for {limit / 60:.0f} minutes") from None
            if not announced:
                say("another run is creating it; waiting")
                announced = True
            time.sleep(0.2)
        yield


@contextmanager
def _scratch() -> Iterator[dict[str, str]]:
    """This process's environment with its own temporary folder, because importing torch leaves a folder behind."""
    with tempfile.TemporaryDirectory(prefix="dynamo-gke-", ignore_cleanup_errors=True) as folder:
        yield {**os.environ, "TMPDIR": folder}


def run(argv: Sequence[str], say: Say) -> None:
    """Runs a command and reports every tenth package that pip collects.

    Raises LocalRunError with the command's last line of output.
    """
    lines: list[str] = []
    with _scratch() as env, started(argv, INSTALL_SECONDS, env) as (command, killed):
        assert command.stdout is not None
        for line in command.stdout:
            lines.append(line.strip())
            if (
                line.startswith("Collecting ")
                and (found := sum(seen.startswith("Collecting ") for seen in lines)) % 10 == 0
            ):
                say(f"  {found} packages")
            elif line.startswith("Installing "):
                say("  unpacking")
        command.wait()
    if killed.is_set():
        last = lines[-1] if lines else "nothing"
        raise LocalRunError(
            f"{Path(argv[0]).name} was not done after {INSTALL_SECONDS / 60:g} minutes and was stopped; the last line "
            f"it wrote: {last}. Check the connection to the package index, then run again"
        )
    if command.returncode != 0:
        complaints = [line for line in lines if line.lower().startswith("error")] or lines or ["no message"]
        raise LocalRunError(f"{Path(argv[0]).name} failed with code {command.returncode}: {complaints[-1]}")
