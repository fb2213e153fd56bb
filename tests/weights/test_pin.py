"""`ops models` and `ops models pin` on a copy of the catalog, against a hub with right and wrong answers."""

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
from catalog.models import Card, WeightsFile, card, card_names, config_json
from catalog.models.attention import GroupedQuery, Latent
from catalog.models.pinned import pinned
from ops.__main__ import app
from reading import entries
from tests.stacks import ROOT
from tests.weights import hub as fake
from tests.weights.hub import FILES, FIRST, REVISION, TOKEN, Hub, serving
from workloads.jobs.fetch_weights.listing import listing

MODEL = "qwen3-0.6b"
COMMENTED = "llama-3.3-70b-instruct"


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the cards instead of the cards, without this machine's token."""
    shutil.copytree(models.FOLDER, tmp_path / "models", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.setattr(models, "FOLDER", tmp_path / "models")
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


def read(catalog: Path, model: str = MODEL) -> Card:
    return entries.checked(Card, model, model, (catalog / f"{model}.yaml").read_bytes())


def texts(catalog: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in catalog.iterdir()}


def assert_refused(done: Result, code: int, *says: str) -> None:
    assert done.exit_code == code
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    for words in says:
        assert words in line
    assert TOKEN not in line


def test_a_card_gets_revision_source_and_files(hub: Hub, catalog: Path) -> None:
    done = pin(hub)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{MODEL}: pinned to {REVISION}, {len(FILES)} files, 0.0 GiB\n"
    now = read(catalog)
    assert now.revision == REVISION
    assert now.revision_source.startswith(f"{hub.url}, read by `ops models pin` on 2")
    assert now.files is not None
    assert {path: file.size for path, file in now.files.items()} == {path: len(it) for path, it in FILES.items()}
    assert now.files[FIRST] == WeightsFile.from_wire(
        {"size": 300_000, "sha256": hub.index()["siblings"][2]["lfs"]["sha256"]}
    )
    assert now.files["config.json"].git_sha1 == hub.index()["siblings"][0]["blobId"]
    repository = card(MODEL).repository
    paths = [f"/api/models/{repository}", f"/{repository}/resolve/{REVISION}/config.json"]
    assert hub.requests == [(path, None) for path in paths]


def test_nothing_else_of_the_card_changes(catalog: Path) -> None:
    _, files = listing(Hub().index())
    for name in card_names():
        before = (catalog / f"{name}.yaml").read_text()
        wire = {file.path: file.to_wire() for file in files}
        lines = pinned(before, revision=REVISION, source="a hub", files=wire, facts=None).splitlines()
        kept = [line for line in lines if not re.match(r"revision|files:|  [\w./-]+: \{size", line)]
        assert kept == [line for line in before.splitlines() if not line.startswith("revision")]
    assert any("#" in text for text in texts(catalog).values())


def test_pinning_again_changes_nothing(hub: Hub, catalog: Path) -> None:
    pin(hub)
    before = texts(catalog)
    done = pin(hub)
    assert done.exit_code == 0
    assert f"already pinned to {REVISION}" in done.stdout
    assert texts(catalog) == before


def test_another_revision_takes_the_place_of_the_first(hub: Hub, catalog: Path) -> None:
    pin(hub)
    hub.revision = "f" * 40
    del hub.files["tokenizer.json"]
    pin(hub)
    now = read(catalog)
    assert now.revision == "f" * 40
    assert now.files is not None
    assert set(now.files) == set(FILES) - {"tokenizer.json"}


def test_a_given_revision_is_asked_for(hub: Hub, catalog: Path) -> None:
    assert pin(hub, "--revision", REVISION).exit_code == 0
    assert hub.requests[0][0] == f"/api/models/{card(MODEL).repository}/revision/{REVISION}"
    assert_refused(pin(hub, "--revision", "a" * 40), 1, "a" * 40, "HTTP 404")


def test_a_hub_that_answers_for_another_revision(hub: Hub, catalog: Path) -> None:
    hub.listing = {**hub.index(), "sha": "f" * 40}
    before = texts(catalog)
    assert_refused(pin(hub, "--revision", REVISION), 1, "the hub answered with ffff")
    assert texts(catalog) == before


def test_a_gated_repository_takes_the_token_of_the_environment(
    hub: Hub, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated_by = TOKEN
    before = texts(catalog)
    assert_refused(pin(hub), 1, MODEL, "HTTP 401", "set HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    assert_refused(pin(hub), 1, MODEL, "HTTP 403", "must have accepted")
    assert texts(catalog) == before
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}\n")
    done = pin(hub)
    assert done.exit_code == 0
    assert TOKEN not in done.output + "".join(texts(catalog).values())


def test_a_token_that_is_none(hub: Hub, catalog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN} x")
    assert_refused(pin(hub), 2, "HF_TOKEN has characters")
    assert hub.requests == []


def test_a_passing_error_passes(hub: Hub, catalog: Path) -> None:
    hub.answers["listing"] = [fake.status(503)]
    assert pin(hub).exit_code == 0
    assert [path.startswith("/api/") for path, _ in hub.requests] == [True, True, False]


BAD_ANSWERS = [
    ("not JSON", fake.instead(b"<html>"), "is not JSON"),
    ("another form", fake.instead(b"[]"), "not a listing"),
    ("no hash", fake.instead(json.dumps({"sha": REVISION, "siblings": [
        {"rfilename": "config.json", "size": 1, "blobId": None}]}).encode()), "no size and hash for config.json"),
    ("no weights", fake.instead(json.dumps({"sha": REVISION, "siblings": []}).encode()), "no weights"),
    ("not there", fake.status(404), "does not have it (HTTP 404)"),
    ("asked to wait too long", fake.status(429, Retry_After="600"), "would be after the deadline"),
    ("down", fake.status(500), "failed after 3 attempts"),
    ("refusing", fake.status(418), "HTTP 418"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "says"), [case[1:] for case in BAD_ANSWERS], ids=[case[0] for case in BAD_ANSWERS])
def test_a_bad_answer_leaves_the_card_as_it_was(hub: Hub, catalog: Path, answer: fake.Answer, says: str) -> None:
    hub.always["listing"] = answer
    before = texts(catalog)
    assert_refused(pin(hub), 1, f"error: {MODEL}: {card(MODEL).repository}: ", says)
    assert texts(catalog) == before


def test_a_hub_that_is_not_there(catalog: Path) -> None:
    with serving(Hub()) as gone:
        pass
    before = texts(catalog)
    assert_refused(pin(gone), 1, "failed after 3 attempts", gone.url, "refused")
    assert texts(catalog) == before


def test_a_model_that_is_not_there(hub: Hub, catalog: Path) -> None:
    assert_refused(pin(hub, model="qwen3-06b"), 2, 'model: "qwen3-06b" is not one of', f"did you mean {MODEL}?")
    assert hub.requests == []


def test_a_hub_address_that_is_none(catalog: Path) -> None:
    assert_refused(pin(Hub(url="hub.example")), 2, "'hub.example' is not the address of a hub")


def test_a_card_that_cannot_be_replaced(hub: Hub, catalog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    before = texts(catalog)
    assert_refused(pin(hub), 1, "the card was not changed", "No space left on device")
    assert texts(catalog) == before  # and no temporary file remains


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


def test_an_unpinned_card_is_listed_as_such(catalog: Path) -> None:
    path = catalog / f"{MODEL}.yaml"
    path.write_text(re.sub(r"(?m)^revision: .*$", "revision: null", path.read_text()))
    card.cache_clear()
    try:
        done = CliRunner().invoke(app, ["models"])
    finally:
        card.cache_clear()
    (row,) = [line for line in done.stdout.splitlines() if line.startswith(f"{MODEL} ")]
    assert "not pinned" in row


def with_config(hub: Hub, changes: dict[str, object] | bytes) -> None:
    content = (
        changes if isinstance(changes, bytes) else json.dumps({**json.loads(FILES["config.json"]), **changes}).encode()
    )
    hub.files["config.json"] = content


def test_config_json_is_written_into_the_card(hub: Hub, catalog: Path) -> None:
    with_config(hub, {"num_hidden_layers": 30, "num_key_value_heads": 4, "max_position_embeddings": 65536})
    assert pin(hub).exit_code == 0
    now = read(catalog)
    assert (now.architecture.layers, now.architecture.max_model_len) == (30, 65536)
    assert now.attention == GroupedQuery(kind="gqa", heads=16, kv_heads=4, head_dim=128)
    assert now.architecture.source.startswith("config.json of the revision; http://127.0.0.1:")


def test_another_kind_of_attention_takes_the_place_of_the_first(hub: Hub, catalog: Path) -> None:
    path = catalog / f"{MODEL}.yaml"
    path.write_text(
        path.read_text().replace("format: bf16\n", "format: fp8\n  totalBytes: 688000000000 # of the index\n")
    )
    card.cache_clear()
    with_config(hub, {
        "architectures": ["DeepseekV3ForCausalLM"], "num_attention_heads": 128, "kv_lora_rank": 512,
        "qk_rope_head_dim": 64, "n_routed_experts": 256, "num_experts_per_tok": 8, "n_shared_experts": 1,
        "moe_intermediate_size": 2048, "tie_word_embeddings": False, "quantization_config": {"quant_method": "fp8"},
    })  # fmt: skip
    try:
        done = pin(hub)
    finally:
        card.cache_clear()
    assert (done.exit_code, done.stderr) == (0, "")
    now = read(catalog)
    assert now.attention == Latent(kind="mla", heads=128, kv_lora_rank=512, rope_head_dim=64)
    assert now.architecture.experts is not None
    assert (now.architecture.experts.count, now.architecture.experts.active) == (257, 9)
    assert "# of the index" in path.read_text()


DEEP = b"[" * 100_000 + b"]" * 100_000
BAD_CONFIGS: list[tuple[str, dict[str, object] | bytes, str]] = [
    ("unknown", {"architectures": ["TinyForCausalLM"]}, '["TinyForCausalLM"] is not known here'),
    ("none", {"architectures": None}, "architectures null is not known here"),
    ("a number", {"architectures": 7}, "architectures 7 is not known here"),
    ("an odd list", {"architectures": [["LlamaForCausalLM"]]}, "is not known here"),
    ("text for a number", {"hidden_size": "1024"}, 'hidden_size is "1024"'),
    ("truth for a number", {"num_hidden_layers": True}, "num_hidden_layers is true"),
    ("a fraction", {"vocab_size": 0.5}, "vocab_size is 0.5"),
    ("a huge number", {"num_attention_heads": 10**12}, "num_attention_heads is 1000000000000"),
    ("below zero", {"intermediate_size": -1}, "intermediate_size is -1"),
    ("a missing one", {"max_position_embeddings": None}, "max_position_embeddings is missing"),
    ("text for truth", {"tie_word_embeddings": "no"}, 'tie_word_embeddings is "no"'),
    ("a window", {"use_sliding_window": True}, "use_sliding_window of Qwen3ForCausalLM is not read here"),
    ("quantized", {"quantization_config": {"quant_method": "fp8"}}, "config.json has a quantization, but the card's"),
    ("a list", b"[]", "config.json is no JSON object"),
    ("no JSON", b"{", "is not valid JSON"),
    ("NaN", b'{"hidden_size": NaN}', "is not valid JSON"),
    ("nested too deep", DEEP, "is not valid JSON"),
    ("not text", b"\xff\xfe", "is not valid JSON"),
    ("too large", b" " * (1024**2 + 1), "config.json has 1048577 bytes"),
    ("shorter than the card's length", {"max_position_embeddings": 4096}, "the card was not changed"),
    ("control characters", {"architectures": ["\x1b[2J\nerror: all is well"]}, "is not known here"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "says"), [case[1:] for case in BAD_CONFIGS], ids=[case[0] for case in BAD_CONFIGS])
def test_an_odd_config_json_leaves_the_card_as_it_was(
    hub: Hub, catalog: Path, config: dict[str, object] | bytes, says: str
) -> None:
    with_config(hub, config)
    before = texts(catalog)
    assert_refused(pin(hub), 1, f"error: {MODEL}: ", says)
    assert texts(catalog) == before


def test_a_config_json_that_is_not_what_the_index_says(hub: Hub, catalog: Path) -> None:
    hub.always["config.json"] = fake.instead(FILES["config.json"].replace(b"1024", b"4096"))
    before = texts(catalog)
    assert_refused(pin(hub), 1, "the hub's config.json does not match the size or hash in its index")
    assert texts(catalog) == before


def test_an_unknown_architecture_is_pinned_as_the_card_has_it(hub: Hub, catalog: Path) -> None:
    with_config(hub, {"architectures": ["TinyForCausalLM"]})
    assert_refused(pin(hub), 1, "by hand, then pin with --keep-architecture")
    assert pin(hub, "--keep-architecture").exit_code == 0
    assert read(catalog).revision == REVISION
    assert read(catalog).attention == card(MODEL).attention


GPT_OSS = {
    "architectures": ["GptOssForCausalLM"], "hidden_size": 2880, "num_hidden_layers": 36, "vocab_size": 201088,
    "intermediate_size": 2880, "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64,
    "num_local_experts": 128, "experts_per_token": 4, "sliding_window": 128, "max_position_embeddings": 131072,
    "layer_types": ["sliding_attention", "full_attention"] * 18, "quantization_config": {"quant_method": "mxfp4"},
}  # fmt: skip


def test_the_facts_of_gpt_oss_are_those_of_its_card() -> None:
    facts, now = config_json.read(GPT_OSS), card("gpt-oss-120b")
    assert facts.attention == now.attention.to_wire()
    assert facts.architecture == {k: v for k, v in now.architecture.to_wire().items() if k != "source"}
    assert facts.quantized


@pytest.mark.parametrize("types", ["full", ["full_attention"], ["full_attention"] * 36, [{}] * 36, ["linear"] * 36])
def test_layer_types_that_cannot_be_counted_are_refused(types: object) -> None:
    with pytest.raises(config_json.ConfigNotRead, match=r"layer"):
        config_json.read({**GPT_OSS, "layer_types": types})


@pytest.mark.usefixtures("catalog")
def test_a_card_of_the_users_own_is_pinned_by_its_path(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "ROOT", tmp_path)
    card.cache_clear()
    (tmp_path / "cards").mkdir()
    shutil.copy(tmp_path / "models" / f"{MODEL}.yaml", tmp_path / "cards" / "ours.yaml")
    before = texts(tmp_path / "models")
    done = pin(hub, model="./cards/ours.yaml")
    card.cache_clear()
    assert (done.exit_code, done.stderr) == (0, "")
    assert read(tmp_path / "cards", "ours").revision == REVISION
    assert texts(tmp_path / "models") == before
    assert_refused(pin(hub, model="./cards/our.yaml"), 2, "there is no file", "did you mean ./cards/ours.yaml?")
