"""`engine.extraArgs`: what a stack may add to its workers' command lines."""

import pytest

from catalog.command_line import CommandLine
from catalog.engines import engine
from catalog.engines.mocker import MockerArgs
from catalog.engines.vllm import VllmArgs
from catalog.flags.argv import split
from catalog.flags.classes import code_flags, not_allowed
from manifests.graph import build
from ops.local.twin import simulated_twin
from tests.command_lines import TABLES, rendered
from tests.stacks import errors, planned

PATH = "models.chat.engine"


def found(words: list[object], layout: str = "multi-node") -> list[tuple[str, str]]:
    changes = {"models.chat.layout": layout, PATH: {"extraArgs": words}}
    return [(error.path.removeprefix(f"{PATH}."), error.message) for error in errors(changes)]


@pytest.mark.parametrize("layout", ["single-node", "multi-node", "aggregated"])
def test_extra_words_end_the_line_of_every_worker_and_of_nothing_else(layout: str) -> None:
    extra = ["--max-num-seqs=64", "--enforce-eager"]
    plain = rendered("qwen3-32b", layout)
    for name, (module, args) in rendered("qwen3-32b", layout, extraArgs=extra).items():
        own = plain[name][1]
        added = () if name == "frontend" else ("--max-num-seqs", "64", "--enforce-eager")
        assert (module, args) == (plain[name][0], own + added)


def test_a_value_keeps_its_equals_sign() -> None:
    assert split(["--a=b=c", '{"d": "=e"}']) == ("--a", "b=c", '{"d": "=e"}')


@pytest.mark.parametrize(
    ("words", "path", "says"),
    [
        (["--enforce-eager", "--max-num-seq", "64"], "extraArgs[1]", "did you mean --max-num-seqs?"),
        (["--max-num-seqs", "x"], "extraArgs[1]", "must be a whole number"),
        (["--tensor-parallel-size", "4"], "extraArgs[0]", "use `tensorParallel` of a role"),
        (["-tp=4"], "extraArgs[0]", "use `tensorParallel` of a role"),
        (["--max-model-len=1k"], "extraArgs[0]", "use `engine.maxModelLen`"),
        (["--kv-transfer-config.kv_role", "kv_both"], "extraArgs[0]", "follows from the role"),
        (["--no-enable-prefix-caching"], "extraArgs[0]", "sends no KV events"),
        (["--seed", "1", "--port", "8000"], "extraArgs[2]", "`endpoint` says where"),
        (["--max-num-seqs", 64], "extraArgs[1]", "quote it"),
        (["--load-format", "hf_AbCdEf"], "extraArgs[1]", "looks like a Hugging Face token"),
        (["--hf-token", "x"], "extraArgs[0]", "use the secret `hfToken`"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_an_error_is_at_its_word(words: list[object], path: str, says: str) -> None:
    ((where, message),) = found(words)
    assert where == path
    assert says in message
    assert "hf_AbCdEf" not in message


def test_prefix_caching_may_be_switched_on() -> None:
    assert found(["--enable-prefix-caching"]) == []


def test_a_simulated_layout_takes_what_the_mocker_takes() -> None:
    assert found(["--speedup-ratio", "10"], "simulated") == []
    ((where, message),) = found(["--enforce-eager"], "simulated")
    assert where == "extraArgs[0]"
    assert "is not a flag of dynamo.mocker" in message
    assert "but of dynamo.vllm" in message
    ((where, message),) = found(["--speedup-ratio", "10"])
    assert "but of dynamo.mocker" in message


@pytest.mark.parametrize("words", [["--max-num-seqs", "0"], ["--speedup-ratio=-1"]])
def test_a_simulated_worker_needs_room_and_speed(words: list[object]) -> None:
    ((_, message),) = found(words, "simulated")
    assert "must be more than 0" in message


def test_a_word_alone_is_no_list() -> None:
    assert errors({PATH: {"extraArgs": "--enforce-eager"}})[0].message == 'got "--enforce-eager"; must be a list'


@pytest.mark.parametrize(("module", "args"), [("dynamo.vllm", VllmArgs), ("dynamo.mocker", MockerArgs)])
def test_no_flag_that_the_program_writes_can_be_given(module: str, args: type[CommandLine]) -> None:
    written = {f"--{name.replace('_', '-')}" for name in args.model_fields}
    assert written <= set(not_allowed(TABLES[module], code_flags(TABLES[module])))


def test_the_simulated_twin_of_a_gpu_graph_leaves_them_out() -> None:
    (graph,) = planned({PATH: {"extraArgs": ["--enforce-eager"]}}).graphs
    twin, changes = simulated_twin(graph, engine("mocker"))
    assert [worker.extra_args for worker in twin.workers] == [(), ()]
    assert "extraArgs are for vllm: without --enforce-eager" in changes
    assert build(twin, {})
    (simulated,) = planned({"models.chat.layout": "simulated", PATH: {"extraArgs": ["--speedup-ratio", "2"]}}).graphs
    assert simulated_twin(simulated, engine("mocker")) == (simulated, ())
