"""Every update of prod that a page prints, settings included, passes the policies as the page has them changed."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import doc_blocks
from tests.catalog.tree import copy, run
from tests.stacks import ROOT

UP = ("pulumi", "up", "--policy-pack", "policies", "--policy-pack-config", "policies/config.prod.json")
SET = ("pulumi", "config", "set", "--path")
POLICIES = re.compile(r'`("protected": \{[^`]*\})`')


def updates() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Page, and the settings that it sets before an update."""
    for page in doc_blocks.PAGES:
        for block in doc_blocks.blocks(page):
            settings: list[str] = []
            for words in block.commands:
                if words[:4] == SET:
                    settings.append(f"{words[4].removeprefix('dynamo-gke:')}={words[5]}")
                elif words[: len(UP)] == UP and settings:
                    yield page, tuple(settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = copy(tmp_path_factory.mktemp("pages"))
    shutil.copy(ROOT / "Pulumi.prod.yaml", made)
    return made


def previewed(folder: Path, settings: tuple[str, ...], policies: str) -> subprocess.CompletedProcess[str]:
    shipped: dict[str, Any] = json.loads((ROOT / "policies/config.prod.json").read_text(encoding="utf-8"))
    changed = json.dumps(shipped | json.loads(f"{{{policies}}}"))
    (folder / "policies/config.prod.json").write_text(changed, encoding="utf-8")
    return run(folder, "ops", "preview", "--stack", "prod", *(word for each in settings for word in ("--set", each)))


@pytest.mark.parametrize(("page", "settings"), list(updates()))
def test_an_update_passes_the_policies(page: str, settings: tuple[str, ...], folder: Path) -> None:
    demanded = POLICIES.search((ROOT / page).read_text(encoding="utf-8"))
    done = previewed(folder, settings, demanded[1] if demanded else "")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-2000:]


def test_a_move_needs_what_its_page_demands(folder: Path) -> None:
    moves = [settings for page, settings in updates() if page == "docs/day-2.md" and "weights.keep=true" in settings]
    assert len(moves) == 3
    assert previewed(folder, moves[1], "").returncode == 3
