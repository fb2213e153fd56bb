"""Simulated time as predicted for H200 GPUs, in place of the mocker's fixed curve."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ops.local.errors import ConfigurationError
from planning.types import Graph


class Timing(StrEnum):
    """Source of simulated times: the mocker's own curve, or predictions for H200."""

    SIMULATOR = "simulator"
    H200 = "h200"


@dataclass(frozen=True, kw_only=True)
class H200Timing:
    """Inputs of the predictor: GPUs of one engine by role, and the model's shape from config.json."""

    tensor_parallel: Mapping[str, int]
    shape: Mapping[str, int]

    def flags(self, role: str) -> tuple[str, ...]:
        """Flags with which the mocker of a role uses the predictor."""
        predictor = ("--ais-perf-model", "--ais-system", "h200_sxm", "--ais-backend", "vllm")
        return (*predictor, "--ais-tp-size", str(self.tensor_parallel[role]))


def predicted(timing: Timing, graph: Graph) -> H200Timing | None:
    """The timing of a graph; None for the mocker's own. Raises ConfigurationError for a model of another kind."""
    return h200_timing(graph) if timing is Timing.H200 else None


def h200_timing(graph: Graph) -> H200Timing:
    """The timing of a stack's own graph, GPU layout or not. Raises ConfigurationError for a model of another kind."""
    shape, attention = graph.card.architecture, graph.card.attention
    if shape.kind != "dense":
        raise ConfigurationError(f"--timing h200 is for dense models; {graph.card.name} is a mixture of experts")
    if attention.kind != "gqa":
        raise ConfigurationError(
            f"--timing h200 is for grouped-query attention (gqa); {graph.card.name} has {attention.kind}"
        )
    return H200Timing(
        tensor_parallel={worker.role.value: worker.tensor_parallel for worker in graph.workers},
        shape={
            "hidden_size": shape.hidden_size,
            "intermediate_size": shape.intermediate_size,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": attention.heads,
            "num_key_value_heads": attention.kv_heads,
            "head_dim": attention.head_dim,
            "max_position_embeddings": shape.max_model_len,
            "vocab_size": shape.vocab_size,
        },
    )


def shaped_model_dir(source: Path, shape: Mapping[str, int], made: Path) -> None:
    """Copies a model directory with another model's shape in its configuration and the same tokenizer."""
    shutil.copytree(source, made)
    config = json.loads((made / "config.json").read_text(encoding="utf-8"))
    (made / "config.json").write_text(json.dumps({**config, **shape}), encoding="utf-8")
