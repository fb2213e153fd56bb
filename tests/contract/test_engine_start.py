"""The rules for extra arguments against the engine's own configuration, built for a simulated H200.

The engine gets the flags that this program renders, and a config.json with the numbers of the card. What follows the
configuration (kernels, weights, memory) is not run.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from catalog.engines.vllm.batch import Batch, batch, default_batch
from catalog.flags.argv import split
from catalog.flags.given import Given
from catalog.models import Card, card
from catalog.sizing import MIB
from manifests.graph import engine_input
from tests.command_lines import TABLES
from tests.flag_cases import DRAFT, FP8, GPT_OSS, HARMFUL, LLAMA, STARTS_NOT, TAKEN, Refused, Taken
from tests.stacks import planned
from tools.engine_flags import RUNTIMES, VLLM, start

Answers = Mapping[tuple[str, str], dict[str, Any]]
"""What the engine said, by the case's name and the role."""

# The checkpoints' own descriptions of their format, which the cards do not hold.
_QUANTIZATION: dict[str, dict[str, Any]] = {
    GPT_OSS: {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]},
    FP8: {
        "quant_method": "compressed-tensors",
        "format": "float-quantized",
        "quantization_status": "compressed",
        "ignore": ["lm_head"],
        "config_groups": {
            "group_0": {
                "targets": ["Linear"],
                "weights": {"num_bits": 8, "type": "float", "strategy": "channel", "symmetric": True, "dynamic": False},
                "input_activations": {
                    "num_bits": 8, "type": "float", "strategy": "token", "symmetric": True, "dynamic": True,
                },
            }
        },
    },
}  # fmt: skip


def config_json(chosen: Card) -> dict[str, Any]:
    """A config.json with the card's numbers."""
    a, attention = chosen.architecture, chosen.attention
    assert attention.kind != "mla"  # no such card is started here
    moe: dict[str, Any] = (
        {"num_local_experts": 128, "num_experts_per_tok": 4, "sliding_window": 128} if a.kind == "moe" else {}
    )
    if moe:
        moe["layer_types"] = ["sliding_attention", "full_attention"] * (a.layers // 2)
    quantized = _QUANTIZATION.get(chosen.name)
    return {
        "architectures": ["GptOssForCausalLM" if moe else "LlamaForCausalLM"],
        "model_type": "gpt_oss" if moe else "llama",
        "hidden_size": a.hidden_size,
        "num_hidden_layers": a.layers,
        "vocab_size": a.vocab_size,
        "intermediate_size": a.intermediate_size,
        "num_attention_heads": attention.heads,
        "num_key_value_heads": attention.kv_heads,
        "head_dim": attention.head_dim,
        "max_position_embeddings": a.max_model_len,
        "tie_word_embeddings": a.tied_embeddings,
        "torch_dtype": "bfloat16",
        "rms_norm_eps": 1e-5,
        "hidden_act": "silu",
        **moe,
        **({"quantization_config": quantized} if quantized else {}),
    }


CASES: list[Refused | Taken] = [*STARTS_NOT, *HARMFUL, *TAKEN]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """All cases in one process of the runtime, since its import takes long."""
    if not VLLM.is_complete:
        pytest.skip("the runtime's environment is not made here; `make contract` makes it")
    folder = tmp_path_factory.mktemp("models")
    lines: dict[tuple[str, str], list[str]] = {}
    for case in CASES:
        for role, line in rendered(case, folder).items():
            lines[case.name, role] = line
    return dict(zip(lines, start(RUNTIMES["vllm"], list(lines.values())), strict=True))


def rendered(case: Refused | Taken, folder: Path) -> dict[str, list[str]]:
    """The workers' lines as this program renders them, by role, with the case's words at the end."""
    (graph,) = planned({"models.chat": {"model": case.model, "layout": case.layout}}).graphs
    model = folder / case.model
    model.mkdir(exist_ok=True)
    (model / "config.json").write_text(json.dumps(config_json(card(case.model))), encoding="utf-8")
    draft = folder / "draft"
    draft.mkdir(exist_ok=True)
    small = config_json(card("llama-3.1-8b-instruct"))
    (draft / "config.json").write_text(json.dumps(small), encoding="utf-8")
    lines: dict[str, list[str]] = {}
    for worker in graph.workers:
        line = list(graph.runs.arguments(engine_input(graph, worker)))
        line[line.index("--model") + 1] = str(model)
        lines[worker.role.value] = [*line, *(word.replace(DRAFT, str(draft)) for word in split(case.words))]
    return lines


def of(answers: Answers, case: Refused | Taken) -> dict[str, dict[str, Any]]:
    return {role: answer for (name, role), answer in answers.items() if name == case.name}


@pytest.mark.parametrize("case", STARTS_NOT, ids=lambda case: case.name)
def test_the_engine_refuses_it_too(answers: Answers, case: Refused) -> None:
    assert any(answer["refused"] for answer in of(answers, case).values())


@pytest.mark.parametrize("case", HARMFUL, ids=lambda case: case.name)
def test_the_engine_takes_what_is_refused_for_the_harm_it_does(answers: Answers, case: Refused) -> None:
    """When this fails, the engine has become stricter: the case belongs to those that it refuses."""
    assert not all(answer["refused"] for answer in of(answers, case).values())


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_the_engine_takes_what_is_taken(answers: Answers, case: Taken) -> None:
    assert [answer["refused"] for answer in of(answers, case).values()] == [None] * len(of(answers, case))


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_the_plan_counts_the_engines_own_batch(answers: Answers, case: Taken) -> None:
    counted = batch(
        Given(TABLES["dynamo.vllm"], split(case.words)),
        card(case.model).default_max_model_len,
        default_batch("H200", 143771 * MIB),
    )
    for answer in of(answers, case).values():
        assert Batch(tokens=answer["tokens"], seqs=answer["seqs"]) == counted


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_what_is_taken_keeps_the_connector(answers: Answers, case: Taken) -> None:
    for role, answer in of(answers, case).items():
        assert answer["connector"] == (None if role == "worker" else "NixlConnector")


def test_kv_offloading_replaces_the_connector(answers: Answers) -> None:
    (case,) = [case for case in HARMFUL if case.words == ("--kv-offloading-size", "100") and case.model == LLAMA]
    assert {answer["connector"] for answer in of(answers, case).values()} == {"OffloadingConnector"}
