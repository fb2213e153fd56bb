"""What the field's own checkers say of the workflows: actionlint of their form, zizmor of their safety."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.local.environment import cache_folder
from tests.stacks import ROOT
from tests.workflows.files import FOLDER

TOOL = ROOT / "tools" / "actionlint"
# A checksum database and another toolchain would need a network beyond the module proxy; go.sum pins the content.
GO = {"GOSUMDB": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
BUILD_SECONDS = 300
LINT_SECONDS = 60
SPLICED = """\
on: pull_request_target
jobs:
  job:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "${{ github.event.pull_request.title }}"
"""


@pytest.fixture(scope="module")
def actionlint() -> Path:
    """The program, built once for all clones in the user's cache, keyed by its module."""
    if not shutil.which("go"):
        pytest.skip("go is not on PATH, so actionlint cannot be built")
    key = hashlib.sha256((TOOL / "go.mod").read_bytes() + (TOOL / "go.sum").read_bytes()).hexdigest()[:12]
    program = cache_folder() / f"actionlint-{key}" / "actionlint"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        fresh = program.with_suffix(f".{os.getpid()}")
        built = subprocess.run(
            ["go", "build", "-o", fresh, "github.com/rhysd/actionlint/cmd/actionlint"],
            cwd=TOOL, env={**os.environ, **GO}, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False,
        )  # fmt: skip
        if built.returncode and "dial tcp" in built.stderr:
            pytest.skip("the Go module proxy is out of reach, so actionlint cannot be built")
        assert built.returncode == 0, built.stderr
        fresh.replace(program)
    return program


def lint(actionlint: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    # Without shellcheck and pyflakes: findings must not depend on whether they are installed.
    return subprocess.run(
        [actionlint, "-shellcheck=", "-pyflakes=", "-no-color", *files],
        cwd=ROOT, capture_output=True, text=True, timeout=LINT_SECONDS, check=False,
    )  # fmt: skip


def test_actionlint_finds_nothing(actionlint: Path) -> None:
    done = lint(actionlint, *sorted(FOLDER.iterdir()))
    assert (done.returncode, done.stdout) == (0, "")


def test_actionlint_would_find_something(actionlint: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(SPLICED)
    done = lint(actionlint, wrong)
    assert done.returncode == 1
    assert "potentially untrusted" in done.stdout


def zizmor(path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("zizmor")
    if not program.exists():
        pytest.skip("the package zizmor is not in this environment")
    return subprocess.run(
        [program, "--offline", "--no-progress", "--color=never", "--config", ROOT / ".github" / "zizmor.yml", path],
        capture_output=True, text=True, timeout=LINT_SECONDS, check=False,
    )  # fmt: skip


def test_zizmor_finds_nothing() -> None:
    done = zizmor(ROOT / ".github")
    assert done.returncode == 0, done.stdout


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "wrong.yaml").write_text(SPLICED)
    done = zizmor(tmp_path)
    assert done.returncode not in (0, 1, 2)  # 10 and more give the severity; 1 and 2 are failures of zizmor itself
    assert "dangerous-triggers" in done.stdout
    assert "template-injection" in done.stdout
