"""`ops models` and `ops models pin`, against a hub that behaves well and badly, on a catalogue of its own."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalog import models
from catalog.models import Card, WeightsFile, card, card_names
from ops.__main__ import app
from ops.commands import models as models_command
from ops.commands.models import pinned
from reading import entries
from tests.stacks import ROOT
from tests.weights import hub as fake
from tests.weights.hub import FILES, FIRST, REVISION, TOKEN, Hub, serving
from workloads.jobs.fetch_weights.listing import listing

MODEL = "qwen3-0.6b"
COMMENTED = "llama-3.3-70b-instruct"


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the cards, in place of them; no token of this machine's."""
    shutil.copytree(models.FOLDER, tmp_path / "models", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for module in (models, models_command):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "models")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    return tmp_path / "models"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(repository=card(MODEL).repository)) as running:
        yield running


def pin(hub: Hub, *words: str, model: str = MODEL) -> Result:
    return CliRunner().invoke(app, ["models", "pin", model, "--hub", hub.url, *words])


def read(catalogue: Path, model: str = MODEL) -> Card:
    return entries.checked(Card, model, model, (catalogue / f"{model}.yaml").read_bytes())


def texts(catalogue: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in catalogue.iterdir()}


def assert_refused(done: Result, code: int, *says: str) -> None:
    assert done.exit_code == code
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    for words in says:
        assert words in line
    assert TOKEN not in line


def test_a_card_gets_revision_source_and_files(hub: Hub, catalogue: Path) -> None:
    done = pin(hub)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{MODEL}: pinned to {REVISION}, {len(FILES)} files, 0.0 GiB\n"
    now = read(catalogue)
    assert now.revision == REVISION
    assert now.revision_source.startswith(f"{hub.url}, asked by `ops models pin` on 2")
    assert now.files is not None
    assert {path: file.size for path, file in now.files.items()} == {path: len(it) for path, it in FILES.items()}
    assert now.files[FIRST] == WeightsFile.from_wire(
        {"size": 300_000, "sha256": hub.index()["siblings"][2]["lfs"]["sha256"]}
    )
    assert now.files["config.json"].git_sha1 == hub.index()["siblings"][0]["blobId"]
    assert hub.requests == [(f"/api/models/{card(MODEL).repository}", None)]


def test_nothing_else_of_the_card_changes(catalogue: Path) -> None:
    _, files = listing(Hub().index())
    for name in card_names():
        before = (catalogue / f"{name}.yaml").read_text()
        lines = pinned(before, REVISION, "a hub", files).splitlines()
        kept = [line for line in lines if not re.match(r"revision|files:|  [\w./-]+: \{size", line)]
        assert kept == [line for line in before.splitlines() if not line.startswith("revision")]
    assert any("#" in text for text in texts(catalogue).values())


def test_pinning_again_changes_nothing(hub: Hub, catalogue: Path) -> None:
    pin(hub)
    before = texts(catalogue)
    done = pin(hub)
    assert done.exit_code == 0
    assert f"already pinned to {REVISION}" in done.stdout
    assert texts(catalogue) == before


def test_another_revision_takes_the_place_of_the_first(hub: Hub, catalogue: Path) -> None:
    pin(hub)
    hub.revision = "f" * 40
    del hub.files["tokenizer.json"]
    pin(hub)
    now = read(catalogue)
    assert now.revision == "f" * 40
    assert now.files is not None
    assert set(now.files) == set(FILES) - {"tokenizer.json"}


def test_a_given_revision_is_asked_for(hub: Hub, catalogue: Path) -> None:
    assert pin(hub, "--revision", REVISION).exit_code == 0
    assert [path for path, _ in hub.requests] == [f"/api/models/{card(MODEL).repository}/revision/{REVISION}"]
    assert_refused(pin(hub, "--revision", "a" * 40), 1, "a" * 40, "HTTP 404")


def test_a_hub_that_answers_for_another_revision(hub: Hub, catalogue: Path) -> None:
    hub.listing = {**hub.index(), "sha": "f" * 40}
    before = texts(catalogue)
    assert_refused(pin(hub, "--revision", REVISION), 1, "the hub answers for ffff")
    assert texts(catalogue) == before


def test_a_gated_repository_takes_the_token_of_the_environment(
    hub: Hub, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated_by = TOKEN
    before = texts(catalogue)
    assert_refused(pin(hub), 1, MODEL, "HTTP 401", "set HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    assert_refused(pin(hub), 1, MODEL, "HTTP 403", "must have accepted")
    assert texts(catalogue) == before
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}\n")
    done = pin(hub)
    assert done.exit_code == 0
    assert TOKEN not in done.output + "".join(texts(catalogue).values())


def test_a_token_that_is_none(hub: Hub, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN} x")
    assert_refused(pin(hub), 2, "HF_TOKEN has characters")
    assert hub.requests == []


def test_a_passing_fault_passes(hub: Hub, catalogue: Path) -> None:
    hub.answers["listing"] = [fake.status(503)]
    assert pin(hub).exit_code == 0
    assert len(hub.requests) == 2


BAD_ANSWERS = [
    ("not JSON", fake.instead(b"<html>"), "no JSON"),
    ("another form", fake.instead(b"[]"), "not a listing"),
    ("no hash", fake.instead(json.dumps({"sha": REVISION, "siblings": [
        {"rfilename": "config.json", "size": 1, "blobId": None}]}).encode()), "no size and hash for config.json"),
    ("no weights", fake.instead(json.dumps({"sha": REVISION, "siblings": []}).encode()), "no weights"),
    ("not there", fake.status(404), "does not have it (HTTP 404)"),
    ("asked to wait too long", fake.status(429, Retry_After="600"), "would be too late"),
    ("down", fake.status(500), "given up after 3 attempts"),
    ("refusing", fake.status(418), "HTTP 418"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "says"), [case[1:] for case in BAD_ANSWERS], ids=[case[0] for case in BAD_ANSWERS])
def test_a_bad_answer_leaves_the_card_as_it_was(hub: Hub, catalogue: Path, answer: fake.Answer, says: str) -> None:
    hub.always["listing"] = answer
    before = texts(catalogue)
    assert_refused(pin(hub), 1, f"error: {MODEL}: {card(MODEL).repository}: ", says)
    assert texts(catalogue) == before


def test_a_hub_that_is_not_there(catalogue: Path) -> None:
    with serving(Hub()) as gone:
        pass
    before = texts(catalogue)
    assert_refused(pin(gone), 1, "given up after 3 attempts", gone.url, "refused")
    assert texts(catalogue) == before


def test_a_model_that_is_not_there(hub: Hub, catalogue: Path) -> None:
    assert_refused(pin(hub, model="qwen3-06b"), 2, 'model "qwen3-06b" is not one of', f"did you mean {MODEL}?")
    assert hub.requests == []


def test_a_hub_address_that_is_none(catalogue: Path) -> None:
    assert_refused(pin(Hub(url="hub.example")), 2, "'hub.example' is not the address of a hub")


def test_a_card_that_cannot_be_replaced(hub: Hub, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    before = texts(catalogue)
    assert_refused(pin(hub), 1, "the card is left as it was", "No space left on device")
    assert texts(catalogue) == before  # and no temporary file beside them


def ops(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_list_names_every_card() -> None:
    done = ops("models")
    assert (done.returncode, done.stderr) == (0, "")
    head, _, *rows = done.stdout.splitlines()
    assert head.split("  ")[0] == "model"
    for name in card_names():
        (row,) = [row for row in rows if row.startswith(f"{name} ")]
        revision = card(name).revision
        assert card(name).repository in row
        assert (revision[:7] if revision else "not pinned") in row
    assert "\x1b" not in done.stdout
    assert not any(line.endswith(" ") for line in done.stdout.splitlines())


def test_the_list_as_json() -> None:
    done = ops("models", "--json")
    models = {row["name"]: row for row in json.loads(done.stdout)["models"]}
    assert set(models) == set(card_names())
    prod = models["llama-3.3-70b-instruct"]
    assert (prod["gated"], prod["licence"], prod["weightsGib"]) == (True, "llama3.3", 131.4)
    assert prod["layouts"]["multi-node"]["gpus"] == 16
    assert prod["layouts"]["simulated"]["gpus"] == 0


def test_an_unpinned_card_is_listed_as_such(catalogue: Path) -> None:
    path = catalogue / f"{MODEL}.yaml"
    path.write_text(re.sub(r"(?m)^revision: .*$", "revision: null", path.read_text()))
    card.cache_clear()
    try:
        done = CliRunner().invoke(app, ["models"])
    finally:
        card.cache_clear()
    (row,) = [line for line in done.stdout.splitlines() if line.startswith(f"{MODEL} ")]
    assert "not pinned" in row
