"""What a stack may say in `engine.extraArgs`: classes of flags, values, relations, memory."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import flags
from catalog.engines import all_engines
from catalog.engines.vllm.batch import Batch, batch, default_batch
from catalog.flags import classes
from catalog.flags.given import Given
from catalog.flags.table import Flag, Table
from catalog.models import card
from catalog.sizing import GIB, MIB
from reading.errors import Error
from tests.flag_cases import HARMFUL, LLAMA, STARTS_NOT, TAKEN, Refused, Taken
from tests.stacks import errors, layouts, planned

PATH = "models.chat.engine.extraArgs"
ENGINE_TABLES = [found.flags for found in all_engines().values() if found.flags]
(VLLM,) = [table for table in ENGINE_TABLES if table.module == "dynamo.vllm"]


def found(words: tuple[str, ...], model: str = LLAMA, layout: str = "multi-node", **engine: Any) -> tuple[Error, ...]:
    changes = {"models.chat": {"model": model, "layout": layout, "engine": {"extraArgs": list(words), **engine}}}
    return errors(changes)


@pytest.mark.parametrize("case", [*STARTS_NOT, *HARMFUL], ids=lambda case: case.name)
def test_it_is_rejected_at_its_argument_with_a_fix(case: Refused) -> None:
    errors = {(error.path, error.message) for error in found(case.words, case.model, case.layout)}
    assert [message for path, message in errors if path == f"{PATH}[{case.at}]" and case.says in message]


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_it_is_taken(case: Taken) -> None:
    assert found(case.words, case.model, case.layout) == ()


@pytest.mark.parametrize("table", ENGINE_TABLES, ids=lambda table: table.module)
def test_every_flag_of_the_runtime_has_a_class(table: Table) -> None:
    assert set(table.flags) <= set(classes.classes(table))


@pytest.mark.parametrize("table", ENGINE_TABLES, ids=lambda table: table.module)
def test_no_class_has_a_flag_that_is_gone(table: Table) -> None:
    """Beside the runtime's flags stand negative forms, and names that samples have from elsewhere."""
    elsewhere = {
        *("--chat-template", "--tool-call-parser", "--tool-parser-plugin", "--enable-auto-tool-choice"),
        *("--swap-space", "--lora-modules"),
    }
    elsewhere |= {"--host", "--port", "--api-key", "--config", "--namespace", *table.removed}
    assert {name for name in classes.classes(table) if not table.spellings.get(name)} <= elsewhere


@pytest.mark.parametrize("table", ENGINE_TABLES, ids=lambda table: table.module)
def test_a_flag_that_is_not_allowed_has_a_reason(table: Table) -> None:
    assert all(len(why) > 20 for why in classes.not_allowed(table).values())


def test_a_flag_of_a_new_runtime_is_refused() -> None:
    newer = replace(VLLM, flags={**VLLM.flags, "--brand-new": Flag(name="--brand-new", type="switch")})
    assert "give it a class in flags/vllm.yaml" in classes.not_allowed(newer)["--brand-new"]


def test_a_proposal_is_not_refused_in_turn() -> None:
    (error,) = found(("--tensor-paralel-size", "4"))
    assert "did you mean --tensor-parallel-size? It is not set here: use `tensorParallel` of a role" in error.message
    (error,) = found(("--moe-backend", "aitre"))
    assert "aiter" not in error.message


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("--max-num-partial-prefills", None),
        ("--a", None),
        ("--ac", None),
        ("-zz", None),
        ("--no-disable-log-stats", None),
        ("--max-num-sequences", "--max-num-seqs"),
        ("--max_num_seqs", "--max-num-seqs"),
        ("-max-num-seqs", "--max-num-seqs"),
        ("--Enforce-Eager", "--enforce-eager"),
        ("--tensor-parallel", "--tensor-parallel-size"),
        ("--enforce-eagre", "--enforce-eager"),
    ],
)
def test_only_a_long_flag_close_in_spelling_is_proposed(name: str, proposal: str | None) -> None:
    (error,) = flags.errors(VLLM, [name])
    proposed = re.search(r"did you mean (\S+)\?", error.message)
    assert (proposed and proposed[1]) == proposal


def test_code_of_others_runs_only_where_the_stack_says_so() -> None:
    words = ("--trust-remote-code", "--worker-cls=my.Worker")
    assert found(words, allowCode=["--trust-remote-code", "--worker-cls"]) == ()
    (error,) = found(words, allowCode=["--trust-remote-code"])
    assert error.path == f"{PATH}[1]"


@pytest.mark.parametrize(
    ("allowed", "says"),
    [
        (["--seed"], "--seed is no flag that runs code; allowed: --trust-remote-code,"),
        (["trust-remote-code"], "did you mean --trust-remote-code?"),
        (["--scheduler-cls"], "--scheduler-cls is in no extraArgs; remove it"),
    ],
)
def test_what_may_run_code_is_a_flag_that_does_and_is_given(allowed: list[str], says: str) -> None:
    (error,) = found((), allowCode=allowed)
    assert error.path == "models.chat.engine.allowCode[0]"
    assert says in error.message


def test_kubernetes_variables_are_refused() -> None:
    for word in ("$(HF_TOKEN)", "a$$b"):
        (error,) = found(("--override-generation-config", json.dumps({"x": word})))[:1]
        assert "Kubernetes reads" in error.message or "may not be set" in error.message
    assert any("Kubernetes reads" in error.message for error in found(("--log-level", "$(LEVEL)")))


def test_a_model_that_pods_fetch_themselves_has_no_folder() -> None:
    unpinned = [name for name in ("llama-3.1-8b-instruct", "qwen3-0.6b") if card(name).revision is None]
    for name in unpinned:
        layout = next(layout for layout in layouts(name) if layout != "simulated")
        (error,) = found(("--generation-config", "/models/x"), name, layout)
        assert "dynamo-gke models pin" in error.message


WORDS = [
    *(word for flag in VLLM.flags.values() for word in (flag.name, *flag.negative)),
    *(
        "",
        "-",
        "--",
        "0",
        "-1",
        "8k",
        "1e3",
        "None",
        "auto",
        "ngram",
        "org/x",
        "/models/x",
        "[]",
        "{",
        "null",
        "-O3",
        "x=y",
    ),
    *('{"method": []}', '{"method": "ngram", "num_speculative_tokens": true}', '{"model": {}, "method": "eagle"}'),
    *('{"cudagraph_capture_sizes": ["a", null]}', '{"backend": 1}', '{"max_cudagraph_capture_size": "x"}'),
]


@settings(max_examples=300)
@given(words=st.lists(st.sampled_from(WORDS), max_size=5), model=st.sampled_from([LLAMA, "gpt-oss-120b"]))
def test_no_words_end_in_anything_but_errors(words: list[str], model: str) -> None:
    assert all(error.path.startswith(f"{PATH}[") for error in found(tuple(words), model) if "extraArgs" in error.path)


@pytest.mark.parametrize(
    ("name", "flag", "others"),
    [
        ("vllm", "--max-num-seqs", ()),
        ("vllm", "--max-num-batched-tokens", ()),
        ("sglang", "--dp-size", ("--enable-dp-attention",)),
        ("sglang", "--max-running-requests", ()),
        ("trtllm", "--max-num-tokens", ()),
    ],
)
def test_a_number_beyond_any_is_an_error_of_its_word(name: str, flag: str, others: tuple[str, ...]) -> None:
    """The plan reads these flags for the memory, valid or not."""
    said = found((flag, "9" * 400, *others), name=name)
    assert [error.path for error in said if error.message.endswith("is too large a number")] == [f"{PATH}[1]"]


@pytest.mark.parametrize(
    ("flag", "value", "says"),
    [
        ("--override-generation-config", f'{{"top_k": {"9" * 5000}}}', "has a number with too many digits"),
        ("--speculative-config", "[" * 100_000, "is nested too deeply"),
        ("--dyn-structural-tag", "[" * 100_000, "is no JSON object"),
    ],
    ids=["digits", "depth", "tag"],
)
def test_json_that_python_does_not_read_is_an_error_of_its_word(flag: str, value: str, says: str) -> None:
    said = found((flag, value))
    assert [error.path for error in said if says in error.message] == [f"{PATH}[1]"]


@pytest.mark.parametrize(
    ("words", "tokens", "seqs"),
    [
        ((), 8192, 1024),
        (("--max-num-batched-tokens", "512"), 512, 512),
        (("--max-num-seqs", "64"), 8192, 64),
        (("--no-enable-chunked-prefill",), 32768, 1024),
        (("--performance-mode", "throughput"), 16384, 2048),
        (("--max-num-batched-tokens=16k", "--max-num-seqs", "2000"), 16000, 2000),
        (("--max-num-batched-tokens", "many"), 8192, 1024),
    ],
)
def test_the_batch_is_what_vllm_fills_in(words: tuple[str, ...], tokens: int, seqs: int) -> None:
    assert batch(Given(VLLM, words), 32768, default_batch("H200", 143771 * MIB)) == Batch(tokens=tokens, seqs=seqs)


def test_a_larger_batch_leaves_less_for_the_kv_cache() -> None:
    def kv_tokens(*words: str) -> list[int]:
        (graph,) = planned({"models.chat.engine": {"extraArgs": list(words)}}).graphs
        return [worker.memory.kv_tokens for worker in graph.workers if worker.memory]

    plain = kv_tokens()
    assert kv_tokens("--max-num-batched-tokens", "4096") == plain
    assert all(less < more for less, more in zip(kv_tokens("--max-num-batched-tokens", "64K"), plain, strict=True))
    assert all(less < more for less, more in zip(kv_tokens("--no-enable-chunked-prefill"), plain, strict=True))


def test_a_draft_model_is_taken_with_a_warning() -> None:
    words = ["--spec-method", "eagle3", "--spec-model", "/models/drafts/eagle", "--spec-tokens", "3"]
    warnings = planned({"models.chat.engine": {"extraArgs": words}}).warnings
    assert [warning for warning in warnings if "/models/drafts/eagle" in warning]
    ngram = planned({"models.chat.engine": {"extraArgs": ["--spec-method", "ngram", "--spec-tokens", "3"]}}).warnings
    assert not [warning for warning in ngram if "draft" in warning]


def test_a_batch_that_leaves_no_room_is_refused_with_what_helps() -> None:
    errors = found(("--max-num-batched-tokens", "1M"), "llama-3.3-70b-instruct-fp8")
    assert any("smaller batches than 1048576 tokens" in error.message for error in errors)


@pytest.mark.parametrize(
    ("gpu", "gib", "tokens", "seqs"),
    [
        ("H200", 140.4, 8192, 1024),
        ("H100", 79.6, 8192, 1024),
        ("A100", 79.6, 2048, 256),
        ("L4", 22.5, 2048, 256),
        ("B200", 179.1, 16384, 1024),
    ],
)
def test_the_default_batch_is_that_of_the_gpu(gpu: str, gib: float, tokens: int, seqs: int) -> None:
    assert default_batch(gpu, int(gib * GIB)) == Batch(tokens=tokens, seqs=seqs)


def test_a_key_with_dots_is_a_flag_where_the_table_has_it() -> None:
    dotted = Flag(name="--keys.cache.dtype", type="text", choices=("auto", "fp8"))
    table = replace(VLLM, flags={dotted.name: dotted})
    assert flags.errors(table, ["--keys.cache.dtype", "fp8"]) == []
    (wrong,) = flags.errors(table, ["--keys.cache.dtype", "fp9"])
    assert "did you mean fp8?" in wrong.message
    (unknown,) = flags.errors(table, ["--keys.cache.dtyp", "fp8"])
    assert "did you mean --keys.cache.dtype?" in unknown.message
