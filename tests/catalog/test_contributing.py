"""What CONTRIBUTING.md says of additions is so: its files are there, its lists are whole, a copied file works.

That one file is enough for each kind of item: test_one_file.py.
"""

import re
import shutil
from pathlib import Path
from typing import get_args

import pytest
import yaml

from catalog.models.attention import Attention
from settings.schema import Settings
from tests.catalog.test_one_file import OURS, POLICIES
from tests.catalog.tree import copy, preview
from tests.stacks import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CHANGES = TEXT.partition("## Common changes")[2].partition("\n## ")[0]
COMMON_CHANGES = {
    re.sub(r"\s+", " ", name): text
    for name, text in re.findall(r"^- \*\*(.+?)\*\*:?(.*?)(?=^- \*\*|\Z)", CHANGES, re.M | re.S)
}
PLACES = sorted({place for place in re.findall(r"`([\w./-]+)`", TEXT) if re.search(r"/|\.\w+$", place)})


def test_the_places_are_recognized() -> None:
    assert {"catalog/capacity/", "ops/rehearsal/kubelet/known_metrics.yaml", "a3-ultragpu-8g.yaml"} <= set(PLACES)
    assert {"A model", "A machine", "An engine", "A capacity mode", "An RDMA mode"} <= set(COMMON_CHANGES)


@pytest.mark.parametrize("place", PLACES)
def test_each_place_is_there(place: str) -> None:
    known = [ROOT / place, *ROOT.glob(f"catalog/*/{place}"), ROOT / place.replace(".", "/")]
    known += [path.with_suffix(".py") for path in known]
    assert any(path.exists() for path in known) or place == "attention.kind", place


def test_a_card_knows_the_kinds_of_attention_that_are_listed() -> None:
    kinds = {get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(Attention)[0])}
    listed = COMMON_CHANGES["A model"].partition("is counted:")[2].partition(". Layouts")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == kinds


def test_every_setting_is_described_in_the_project_file() -> None:
    keys = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    described = {key.partition(":")[2] for key, value in keys.items() if value.get("description")}
    aliases = {field.alias or name for name, field in Settings.model_fields.items()}
    assert aliases - described <= {"project", "stack", "renamed"}


@pytest.mark.parametrize("folder", ["capacity", "rdma"])
def test_every_mode_is_an_entry_of_its_folder(folder: str) -> None:
    listed = (ROOT / "catalog" / folder / "__init__.py").read_text(encoding="utf-8")
    modes = {path.stem for path in (ROOT / "catalog" / folder).glob("*.py")} - {"__init__", "mode"}
    assert modes == set(re.findall(rf"from catalog\.{folder}\.(\w+) import", listed)) - {"mode"}


def test_every_topic_of_checks_is_listed() -> None:
    from planning import checks

    topics = {path.stem for path in (ROOT / "planning/checks").glob("*.py")} - {"__init__"}
    assert {name for name in topics if not hasattr(checks, name)} == set()


def test_a_copied_machine_and_a_copied_card_serve(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    machines, cards = folder / "catalog/machines", folder / "catalog/models"
    shutil.copy(machines / "a3-ultragpu-8g.yaml", machines / "a9-copied-8g.yaml")
    shutil.copy(cards / "qwen3-32b.yaml", cards / "copied-32b.yaml")
    chat = {"model": "copied-32b", "layout": "multi-node"}
    shown = preview(
        folder, {**OURS, "capacity": {"machine": "a9-copied-8g", "mode": "spot"}, "models": {"chat": chat}}, POLICIES
    )
    assert {
        pool["nodeConfig"]["machineType"] for pool in shown.resources(":NodePool") if "guestAccelerators" in str(pool)
    } == {"a9-copied-8g"}
    assert "--served-model-name" in str(shown.container("chat", "decode"))
