"""The whole program with a card of the user's own: what is named after it is valid, and every command finds it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import models
from catalog.models import card
from ops.offline.recording import record
from reading import entries
from tests.program.test_diff import clone, diff, edit, git  # noqa: F401  # pytest finds the fixture by its name here
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, config

CARD = (models.FOLDER / "qwen3-32b.yaml").read_text(encoding="utf-8")
FILES = f"files:\n  config.json: {{size: 1, gitSha1: {'a' * 40}}}\n"
OURS = "./cards/ours-1.5.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copytree(models.FOLDER.parent, tmp_path / "catalog", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (tmp_path / "cards").mkdir()
    (tmp_path / OURS).write_text(CARD + FILES)
    monkeypatch.setattr(entries, "ROOT", tmp_path)
    card.cache_clear()
    yield tmp_path
    card.cache_clear()


@pytest.mark.usefixtures("project")
def test_job_list_and_served_name_are_those_of_the_card() -> None:
    chat = {"model": OURS, "layout": "multi-node"}
    recording = record(ROOT, config({"models.chat": chat}))
    (job,) = [each for each in of_type(recording, ":Job") if each.name == "model-weights-ours-1.5"]
    assert job.inputs["metadata"]["name"] == "weights-qwen3-32b-9216db5781bf"
    (script,) = [each for each in of_type(recording, ":ConfigMap") if each.name == "model-weights-script"]
    assert json.loads(script.inputs["data"]["ours-1.5.json"]) == {"config.json": {"size": 1, "gitSha1": "a" * 40}}
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    written = json.dumps(graph.inputs)
    assert '"--served-model-name", "ours-1.5"' in written
    assert f"/models/Qwen/Qwen3-32B/{card(OURS).revision}" in written


def test_diff_reads_the_card_of_each_side(clone: Path) -> None:  # noqa: F811
    edit(clone, "prod", "model: llama-3.3-70b-instruct", f"model: {OURS}")
    (clone / "cards").mkdir()
    (clone / OURS).write_text(CARD)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "a card")
    (clone / OURS).write_text(CARD.replace("defaultMaxModelLen: 32768", "defaultMaxModelLen: 16384"))
    done = diff(clone, "--stack", "prod", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (graph,) = [change for change in json.loads(done.stdout)["changes"] if change["name"] == "chat-graph"]
    assert "32768" in json.dumps([each["before"] for each in graph["inputs"]])
    assert "16384" in json.dumps([each["after"] for each in graph["inputs"]])
    rendered = subprocess.run(
        [sys.executable, "-m", "ops", "render", "--stack", "prod"],
        cwd=clone, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "16384" in rendered.stdout
    assert "ours-1.5" in rendered.stdout
