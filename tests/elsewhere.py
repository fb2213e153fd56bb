"""The example of another program, and the distribution that such a program installs."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

from tests.catalog.tree import copy
from tests.stacks import ROOT

EXAMPLE = ROOT / "examples" / "automation" / "serve.py"


def example(path: Path = EXAMPLE) -> ModuleType:
    """The module of the example, as a copy of its own."""
    spec = importlib.util.spec_from_file_location("serve", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def installed(folder: Path) -> Path:
    """The content of the wheel that pip would build and install, without its dependencies."""
    folder.mkdir(exist_ok=True)
    source, wheels, site = copy(folder / "source"), folder / "wheels", folder / "site"
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    wheels.mkdir()
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(wheels)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, check=True, timeout=120)
    (wheel,) = wheels.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(site)
    return site


def run(site: Path, script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A script in its folder, with the distribution of `site`."""
    return subprocess.run(
        [sys.executable, str(script), *words],
        cwd=script.parent,
        env={**os.environ, "PYTHONPATH": str(site)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
