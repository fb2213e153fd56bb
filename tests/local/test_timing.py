"""H200 timing needs the model's shape and the GPUs of an engine, out of the stack's own graph."""

import json
from pathlib import Path

import pytest

from ops.local.errors import ConfigurationError
from ops.local.runner import LocalOptions
from ops.local.timing import h200_timing, shaped_model_dir
from ops.offline import stackfile
from planning.load import load
from planning.plan import plan
from planning.types import Graph


def graph_of(stack: str, *overrides: str) -> Graph:
    return plan(load(stackfile.read(stackfile.project_root(), stack, overrides))).graphs[0]


def test_each_role_has_its_own_gpus() -> None:
    timing = h200_timing(graph_of("prod", "models.chat.prefill.tensorParallel=4"))
    flags = {role: timing.flags(role)[-2:] for role in ("prefill", "decode")}
    assert flags == {"prefill": ("--ais-tp-size", "4"), "decode": ("--ais-tp-size", "8")}


def test_the_shape_is_the_models_and_the_tokenizer_stays(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "config.json").write_text('{"hidden_size": 64, "model_type": "llama"}')
    (source / "tokenizer.json").write_text("tokenizer")
    shaped_model_dir(source, h200_timing(graph_of("prod")).shape, tmp_path / "made")
    config = json.loads((tmp_path / "made" / "config.json").read_text())
    assert (config["hidden_size"], config["num_hidden_layers"], config["model_type"]) == (8192, 80, "llama")
    assert (tmp_path / "made" / "tokenizer.json").read_text() == "tokenizer"


def test_a_mixture_of_experts_is_refused() -> None:
    graph = graph_of("dev", "models.chat.model=gpt-oss-120b")
    with pytest.raises(ConfigurationError, match="gpt-oss-120b is a mixture of experts"):
        h200_timing(graph)


def test_no_heading_lets_a_simulation_pass_for_a_measurement() -> None:
    timing = h200_timing(graph_of("prod"))
    for options in (LocalOptions(), LocalOptions(speedup=10), LocalOptions(timing=timing), LocalOptions(speedup=0)):
        assert options.engine.startswith("simulated engine")
