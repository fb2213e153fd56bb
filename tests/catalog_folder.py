"""A folder of the catalog that a test may add files to."""

import shutil
from pathlib import Path
from types import ModuleType

import pytest

from reading import entries


def copied(room: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the room's files below `root`, which are read instead of the catalog's until the test ends."""
    folder = root / "catalog" / room.FOLDER.name
    shutil.copytree(room.FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.setattr(room, "FOLDER", folder)
    monkeypatch.setattr(entries, "ROOT", root)
    return folder
