"""SGLang's own check of its arguments when it starts, over what is rendered and what is refused.

On a CPU it answers for plain models only: the lines name a config.json with the card's numbers, or for a mixture of
experts one of Qwen3's kind, since gpt-oss asks the GPU.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from catalog.flags.argv import split
from catalog.models import card, card_names
from tests.command_lines import Line, rendered
from tests.contract.test_engine_start import config_json
from tests.sglang_cases import LLAMA, MOE, REFUSED, TAKEN, Refused, Taken
from tests.stacks import layouts
from tools.engine_flags import RUNTIMES, SGLANG, start

DENSE = [
    name for name in card_names() if card(name).architecture.kind == "dense" and card(name).weights.format == "bf16"
]
RENDERED = {
    f"{name} {layout} {component}": line
    for name in DENSE
    for layout in layouts(name)
    if layout != "simulated"
    for component, line in rendered(name, layout, name="sglang").items()
    if component != "frontend"
}
ASKED = [case for case in REFUSED if case.engine_refuses is not None]


def moe_config() -> dict[str, object]:
    """A mixture of experts that SGLang knows, with numbers that parallel sizes of 4 divide."""
    plain = config_json(card("qwen3-32b"))
    experts = {"num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768, "norm_topk_prob": True}
    more = {"decoder_sparse_step": 1, "mlp_only_layers": []}
    return {**plain, "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", **experts, **more}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str | None]:
    """All lines in one process of the runtime, since its import takes long."""
    if not SGLANG.is_complete:
        pytest.skip("no environment with SGLang; `make engine-flags ENGINE=sglang` makes it")
    folder = tmp_path_factory.mktemp("models")
    lines = {name: on(folder, line) for name, line in RENDERED.items()}
    for case in (*ASKED, *TAKEN):
        model = "qwen3-32b" if case.model == MOE else LLAMA
        module, argv = rendered(model, "multi-node", name="sglang")["prefill"]
        words = [*argv, *split(case.words)]
        words[words.index("--tp-size") + 1] = "4"
        lines[case.name] = on(folder, (module, tuple(words)), moe=case.model == MOE)
    return dict(zip(lines, start(RUNTIMES["sglang"], list(lines.values())), strict=True))


def on(folder: Path, line: Line, *, moe: bool = False) -> list[str]:
    """The arguments of a line with a folder in place of its model."""
    words = list(line[1])
    at = words.index("--model-path") + 1
    name = words[at].rpartition("/")[0].rpartition("/")[2] if words[at].startswith("/models/") else words[at]
    (chosen,) = (card(n) for n in card_names() if card(n).repository.rpartition("/")[2] == name.rpartition("/")[2])
    model = folder / ("experts" if moe else chosen.name)
    model.mkdir(exist_ok=True)
    config = moe_config() if moe else config_json(chosen)
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    words[at] = str(model)
    return words


@pytest.mark.parametrize("name", RENDERED)
def test_the_engine_takes_every_rendered_line(answers: Mapping[str, str | None], name: str) -> None:
    assert answers[name] is None


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.name)
def test_the_cases_say_what_the_engine_says(answers: Mapping[str, str | None], case: Refused) -> None:
    """Where the engine refuses, so do we; where it starts, we refuse for the harm that follows."""
    assert (answers[case.name] is not None) is case.engine_refuses, answers[case.name]


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_the_engine_takes_what_is_taken(answers: Mapping[str, str | None], case: Taken) -> None:
    assert answers[case.name] is None
