"""The pictures of README and docs are current, small, and there for light and dark pages."""

import json
import struct
from pathlib import Path

import pytest

from tests import pages
from tests.stacks import ROOT
from tools import pictures

MAX_BYTES = 150_000
FILES = [pictures.FOLDER / f"{name}-{scheme}.png" for name in pictures.NAMES for scheme in pictures.SCHEMES]


def test_the_pictures_are_current() -> None:
    drawn = json.loads(pictures.DIGESTS.read_text(encoding="utf-8"))
    assert drawn == pictures.digests(pages.shipped(pictures.STACK)), "run `make pictures`, which needs Chromium"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_picture_is_small_and_as_wide_as_the_others(path: Path) -> None:
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">I", content[16:20]) == (pictures.WIDTH,)
    assert len(content) <= MAX_BYTES


def test_every_picture_is_shown_in_the_docs() -> None:
    text = (ROOT / "docs/pictures.md").read_text(encoding="utf-8")
    assert [path.name for path in FILES if f"pictures/{path.name}" not in text] == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "docs/pictures/architecture-light.png" in readme
