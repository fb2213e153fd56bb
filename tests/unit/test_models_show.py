"""`models show`: what follows from a card on a machine, as JSON and as a page; errors as JSON too."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from catalog import models
from catalog.machines import gpu_machine_names
from catalog.models import card, card_names
from ops.__main__ import app
from tests.made_up_machines import FILES, made_up_machines  # noqa: F401  # pytest finds the fixture by its name here

CARD = (models.FOLDER / "qwen3-32b.yaml").read_text(encoding="utf-8")


def show(*words: str) -> Result:
    return CliRunner().invoke(app, ["models", "show", *words])


def shown(*words: str) -> dict[str, Any]:
    done = show(*words, "--json")
    assert (done.exit_code, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def refused(*words: str) -> dict[str, str]:
    done = show(*words, "--json")
    assert (done.exit_code, done.stderr) == (2, "")
    found = json.loads(done.stdout)
    assert set(found) == {"faults"}
    result = show(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(line.startswith("error: ") for line in result.stderr.splitlines())
    assert len(result.stderr.splitlines()) == len(found["faults"])
    return {error["path"]: error["message"] for error in found["faults"]}


def test_the_facts_of_a_dense_model() -> None:
    of = shown("qwen3-32b")
    assert of["file"] == "catalog/models/qwen3-32b.yaml"
    assert of["weightsGib"] == 61.0
    # 65,524,246,528 bytes at two a parameter, less the norms of queries and keys: 64 layers × 2 × 128.
    assert of["parameters"] == 65_524_246_528 // 2 - 64 * 2 * 128
    assert of["attention"]["kind"] == "gqa"
    # Keys and values of 64 layers, 8 KV heads of 128 numbers each.
    assert of["kvCache"]["bytesPerToken"] == {"auto": 2 * 64 * 8 * 128 * 2, "fp8": 2 * 64 * 8 * 128}
    assert (of["kvCache"]["bytesPerTokenInWindow"], of["kvCache"]["window"]) == ({"auto": 0, "fp8": 0}, None)
    assert of["kvCache"]["bytesPerSequence"] == 0
    assert of["format"]["onMachine"] == "native"
    multi = of["layouts"]["multi-node"]
    assert (multi["gpus"], multi["nodes"]) == (16, 2)
    roles = {role: (each["replicas"], each["tensorParallel"], each["gpus"]) for role, each in multi["roles"].items()}
    assert roles == {"prefill": (8, 1, 8), "decode": (1, 8, 8)}
    assert multi["roles"]["decode"]["overheadGib"] > 0
    assert "estimate" in multi["roles"]["decode"]["overheadSource"]
    assert [of["layouts"][name]["nodes"] for name in ("simulated", "single-node", "aggregated")] == [0, 1, 1]


def test_the_facts_of_a_mixture_of_experts_with_windows() -> None:
    of = shown("gpt-oss-120b")
    assert of["parameters"] is None
    assert of["kvCache"]["bytesPerToken"]["auto"] == 2 * 18 * 8 * 64 * 2
    assert (of["kvCache"]["bytesPerTokenInWindow"]["auto"], of["kvCache"]["window"]) == (2 * 18 * 8 * 64 * 2, 128)
    assert of["format"] == {
        "weights": "mxfp4",
        "onMachine": "weightOnly",
        "ofMachine": {
            "bf16": "native",
            "fp8": "native",
            "mxfp8": "weightOnly",
            "mxfp4": "weightOnly",
            "nvfp4": "weightOnly",
            "int4": "weightOnly",
        },
    }


def test_formats_are_shown_by_engine() -> None:
    words = ("llama-3.3-70b-instruct-fp8", "--machine", "a2-ultragpu-8g")
    of = shown(*words)
    assert of["engine"] == "vllm"
    assert {name: each["onMachine"] for name, each in of["engineFormats"].items()} == {
        "vllm": "weightOnly", "sglang": "weightOnly", "trtllm": None,
    }  # fmt: skip
    assert of["engineFormats"]["trtllm"]["ofMachine"] == {"bf16": "native", "int4": "weightOnly"}
    own = {name: of["format"][name] for name in ("onMachine", "ofMachine")}
    assert of["engineFormats"]["vllm"] == own | {"condition": None}
    page = show(*words).stdout
    assert "on A100 80GB: weight-only, computed in 16 bits; loads bf16; weight-only: fp8" in page
    assert "format in TensorRT-LLM  on A100 80GB: not supported; loads bf16; weight-only: int4 there" in page


def test_the_layouts_are_those_of_the_engine() -> None:
    words = ("llama-3.3-70b-instruct-fp8", "--engine", "trtllm", "--machine")
    refused_here, here = shown(*words, "a2-ultragpu-8g"), shown(*words, "a3-ultragpu-8g")
    assert (refused_here["engine"], refused_here["format"]["onMachine"]) == ("trtllm", None)
    assert list(refused_here["layouts"]) == ["simulated"]
    assert "TensorRT-LLM" in refused_here["impossible"]["single-node"]
    assert (here["format"]["onMachine"], here["impossible"]) == ("native", {})
    engines = {name: layout["engine"] for name, layout in here["layouts"].items()}
    assert engines == {name: "mocker" if name == "simulated" else "trtllm" for name in engines}
    vllm = shown("llama-3.3-70b-instruct-fp8", "--machine", "a3-ultragpu-8g")
    tokens = [of["layouts"]["multi-node"]["roles"]["decode"]["kvTokens"] for of in (here, vllm)]
    assert tokens[0] != tokens[1]


def test_an_engine_that_shows_nothing_is_refused() -> None:
    assert refused("qwen3-32b", "--engine", "trtlm") == {
        "--engine": '"trtlm" is not one of vllm, sglang, trtllm; did you mean trtllm?'
    }
    assert set(refused("qwen3-32b", "--engine", "mocker", "--machine", "a3-ultra")) == {"--engine", "--machine"}


@pytest.mark.usefixtures("made_up_machines")
def test_all_follows_the_machine() -> None:
    of = shown("qwen3-32b", "--machine", "x1-quad")
    assert of["machine"] == {"name": "x1-quad", "gpus": 4, "product": "X1"}
    for layout in of["layouts"].values():
        assert all(role["tensorParallel"] <= 4 for role in layout["roles"].values())
    assert of["layouts"]["multi-node"]["nodes"] == 2
    oss = shown("gpt-oss-120b", "--machine", "x1-quad")
    assert oss["format"]["onMachine"] is None
    assert list(oss["layouts"]) == ["simulated"]
    assert oss["impossible"]["aggregated"] == (
        "the weights are in mxfp4, which the file of x1-quad does not list in gpus.formats; vLLM loads bf16 there"
    )
    small = shown("qwen3-32b", "--machine", "y1-single")
    assert "does not fit one y1-single" in small["impossible"]["multi-node"]
    assert "not possible: qwen3-32b does not fit one y1-single" in show("qwen3-32b", "--machine", "y1-single").stdout


@pytest.mark.usefixtures("made_up_machines")
def test_files_of_the_users_own(tmp_path: Path) -> None:
    card.cache_clear()
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "ours.yaml").write_text(f"{CARD}engineArgs: {{vllm: [--max-num-seqs, '64']}}\n")
    (tmp_path / "z1.yaml").write_text(FILES["x1-quad"].replace("count: 4", "count: 2"))
    of = shown("./cards/ours.yaml", "--machine", "./z1.yaml")
    assert (of["name"], of["file"], of["machine"]["name"]) == ("ours", "cards/ours.yaml", "z1")
    assert of["engineArgs"] == {"vllm": ["--max-num-seqs", "64"]}
    page = show("./cards/ours.yaml", "--machine", "./z1.yaml").stdout
    assert "--max-num-seqs 64" in page
    assert "z1, 2 × X1" in page
    card.cache_clear()


@pytest.mark.usefixtures("made_up_machines")
def test_every_error_is_reported(tmp_path: Path) -> None:
    card.cache_clear()
    (tmp_path / "cards").mkdir()
    bad, odd = tmp_path / "cards" / "bad.yaml", tmp_path / "cards" / "odd.yaml"
    bad.write_text(CARD.replace("layers: 64", "layers: many").replace("gated: false", "gated: maybe"))
    odd.write_text(f"{CARD}engineArgs: {{vllm: [--max-num-seq, '64']}}\n")
    assert refused("qwen3-32", "--machine", "x1-quat") == {
        "model": f'"qwen3-32" is not one of {", ".join(card_names())}; did you mean qwen3-32b?',
        "--machine": f'"x1-quat" is not one of {", ".join(gpu_machine_names())}; did you mean x1-quad?',
    }
    assert set(refused("./cards/bad.yaml")) == {"cards/bad.yaml: architecture.layers", "cards/bad.yaml: gated"}
    assert set(refused("./cards/odd.yaml")) == {"cards/odd.yaml: engineArgs.vllm[0]"}
    assert "did you mean ./cards/bad.yaml?" in refused("./cards/bat.yaml")["model"]
    card.cache_clear()


@pytest.mark.parametrize("name", card_names())
def test_the_page_shows_every_layout(name: str) -> None:
    done = show(name)
    assert done.exit_code == 0
    assert all(layout in done.stdout for layout in shown(name)["layouts"])
