"""A card of the user's own, `models.X.model: ./cards/ours.yaml`: found, checked as strictly as the catalog's."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import models
from catalog.models import card
from reading import entries
from tests.stacks import errors, planned

CARD = (models.FOLDER / "qwen3-32b.yaml").read_text(encoding="utf-8")
OURS = "./cards/ours-32b.yaml"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project folder with the catalog and one extra card."""
    for room in ("models", "machines"):
        shutil.copytree(models.FOLDER.parent / room, tmp_path / "catalog" / room)
    (tmp_path / "cards").mkdir()
    (tmp_path / OURS).write_text(CARD)
    monkeypatch.setattr(entries, "ROOT", tmp_path)
    monkeypatch.setattr(models, "FOLDER", tmp_path / "catalog" / "models")
    card.cache_clear()
    yield tmp_path
    card.cache_clear()


def chat(model: str, **more: object) -> dict[str, object]:
    return {"models.chat": {"model": model, "layout": "aggregated", **more}}


def test_a_stack_may_name_a_card_of_its_own() -> None:
    (graph,) = planned(chat(OURS)).graphs
    (shipped,) = planned(chat("qwen3-32b")).graphs
    assert graph.card == shipped.card.model_copy(update={"name": "ours-32b"})
    assert graph.served_name == "ours-32b"
    assert graph.model == shipped.model


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("./cards/our-32b.yaml", 'there is no file "./cards/our-32b.yaml"; paths begin at the folder of Pulumi.yaml; '),
        ("./ours-32b.yaml", "there is no file"),
        ("cards/ours-32.yaml", "there is no file"),
        ("./cards/ours-32b", "does not end in .yaml"),
        ("./cards/ours-32b.yml", "does not end in .yaml"),
    ],
)
def test_a_missing_file_is_reported_with_the_nearest_name(given: str, says: str) -> None:
    (found,) = errors(chat(given))
    assert found.path == "models.chat.model"
    assert says in found.message
    assert found.message.endswith(f"did you mean {OURS}?")


@pytest.mark.parametrize(
    "given", ["../ours-32b.yaml", "/etc/passwd", "./link.yaml", "./x\0.yaml", f"./{'x' * 5000}.yaml", "./cards"]
)
def test_what_is_no_file_of_the_project_is_refused(given: str, project: Path) -> None:
    (project / "link.yaml").symlink_to("/etc/hostname")
    (found,) = errors(chat(given))
    assert found.path == "models.chat.model"


def test_a_repository_is_no_file() -> None:
    (found,) = errors(chat("Qwen/Qwen3-32B"))
    assert '"Qwen/Qwen3-32B" is not one of' in found.message


@pytest.mark.parametrize(
    ("old", "new", "path", "rule"),
    [
        ("gated:", "gatd:", "gatd", "is not a key here; did you mean gated?"),
        ("repository: Qwen/Qwen3-32B", "repository: ../../x", "repository", "is not a repository of a model hub"),
        ("repository:", "name: other\nrepository:", "name", "the file's name already sets it: ours-32b"),
        ("layers: 64", "layers: many", "architecture.layers", 'got "many"'),
    ],
)
def test_it_is_checked_as_the_catalogs_are(project: Path, old: str, new: str, path: str, rule: str) -> None:
    assert old in CARD
    (project / OURS).write_text(CARD.replace(old, new, 1))
    found = {error.path: error.message for error in errors(chat(OURS))}
    assert rule in found[f"cards/ours-32b.yaml: {path}"], found


@pytest.mark.parametrize("stem", ["Ours", "ours_32b", "-ours", "ours.", "o" * 64, "our card"])
def test_its_name_must_do_where_it_is_served_and_stored(project: Path, stem: str) -> None:
    (project / "cards" / f"{stem}.yaml").write_text(CARD)
    (found,) = errors(chat(f"./cards/{stem}.yaml"))
    assert found.path == f"cards/{stem}.yaml: name"
    assert "1 to 63 lower-case letters, digits, dots and dashes" in found.message


def test_errors_of_its_engine_arguments_and_layouts_name_the_file(project: Path) -> None:
    (project / OURS).write_text(f"{CARD}engineArgs: {{vllm: [--max-num-seq, '4']}}\n")
    (found,) = errors(chat(OURS))
    assert found.path == "cards/ours-32b.yaml: engineArgs.vllm[0]"
    worker = "{placement: shared, why: x, engine: vlm, worker: {replicas: 1, tensorParallel: 1}}"
    (project / OURS).write_text(f"{CARD.partition('layouts:')[0]}layouts: {{odd: {worker}}}\n")
    card.cache_clear()
    (found,) = errors(chat(OURS, layout="odd"))
    assert (found.path, found.message) == (
        "cards/ours-32b.yaml: layouts.odd.engine",
        '"vlm" is not one of mocker, sglang, trtllm, vllm; did you mean vllm?',
    )


@pytest.mark.parametrize(
    ("name", "meant"), [("vlm", "vllm"), ("sglnag", "sglang"), ("vLLM", "vllm"), ("trt-llm", "trtllm")]
)
def test_arguments_for_an_engine_that_does_not_exist_are_an_error(project: Path, name: str, meant: str) -> None:
    (project / OURS).write_text(f"{CARD}engineArgs: {{{name}: ['--seed', '1']}}\n")
    card.cache_clear()
    (found,) = errors(chat(OURS))
    assert found.path == f"cards/ours-32b.yaml: engineArgs.{name}"
    assert found.message.endswith(f"is not one of mocker, sglang, trtllm, vllm; did you mean {meant}?")


def test_a_card_without_a_revision_is_pinned_by_its_path(project: Path) -> None:
    lines = ["revision: null" if line.startswith("revision:") else line for line in CARD.splitlines()]
    (project / OURS).write_text("\n".join(lines))
    assert any(f"`./dynamo-gke models pin {OURS}`" in each for each in planned(chat(OURS)).warnings)


def both(second: str) -> dict[str, object]:
    return chat(OURS) | {"models.other": {"model": second, "layout": "aggregated"}}


def test_two_deployments_may_share_a_card_and_a_revision() -> None:
    assert not errors(both(OURS))
    assert not errors(both("qwen3-32b"))


def test_two_cards_of_one_name_are_refused(project: Path) -> None:
    (project / "more").mkdir()
    (project / "more" / "ours-32b.yaml").write_text(CARD.replace("gated: false", "gated: true"))
    (found,) = errors(both("./more/ours-32b.yaml"))
    assert (found.path, "different cards with the same name, ours-32b" in found.message) == (
        "models.other.model",
        True,
    ), found


def test_two_lists_of_files_of_one_revision_are_refused(project: Path) -> None:
    file = f"config.json: {{size: 1, gitSha1: {'a' * 40}}}"
    (project / OURS).write_text(f"{CARD}files: {{{file}}}\n")
    (found,) = errors(both("qwen3-32b"))
    assert (found.path, "lists other files" in found.message) == ("models.other.model", True), found
