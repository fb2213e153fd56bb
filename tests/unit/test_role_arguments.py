"""`extraArgs` of a role: card < shared < role, the same flag once, errors at the role's own key."""

import pytest

from catalog.contracts import Role
from catalog.engines import engine
from catalog.models import card
from ops.changes.rollout import restarted
from planning import resolve
from planning.role_arguments import Word, merged, texts
from planning.summary import summary
from tests.stacks import errors, planned

CHAT = "models.chat"


def given(
    shared: list[str] | None = None,
    prefill: list[str] | None = None,
    decode: list[str] | None = None,
    **more: object,
) -> dict[str, object]:
    """Changes of a stack with arguments for all workers, and for those of each role."""
    parts = {"engine": shared, "prefill": prefill, "decode": decode}
    return {f"{CHAT}.{part}.extraArgs": words for part, words in parts.items() if words} | more


def words(changes: dict[str, object]) -> dict[Role, tuple[str, ...]]:
    return {worker.role: worker.extra_args for worker in planned(changes).graphs[0].workers}


def refused(changes: dict[str, object]) -> dict[str, str]:
    return {error.path: error.message for error in errors(changes)}


# Engine, the shared words, the role's, what the role's workers get.
MERGED = {
    "another flag": ("vllm", ["--enforce-eager"], ["--seed", "1"], ["--enforce-eager", "--seed", "1"]),
    "the same flag": ("vllm", ["--max-num-seqs", "64"], ["--max-num-seqs", "8"], ["--max-num-seqs", "8"]),
    "with an equals sign": ("vllm", ["--max-num-seqs", "64"], ["--max-num-seqs=8"], ["--max-num-seqs", "8"]),
    "over an equals sign": ("vllm", ["--max-num-seqs=64"], ["--max-num-seqs", "8"], ["--max-num-seqs", "8"]),
    "by its alias": (
        "vllm", ["--compilation-config", '{"mode": 3}'], ["-cc", '{"mode": 0}'], ["-cc", '{"mode": 0}']),
    "over an alias": (
        "vllm", ["-cc", '{"mode": 3}'], ["--compilation-config", '{"mode": 0}'],
        ["--compilation-config", '{"mode": 0}']),
    "switched off": ("vllm", ["--enforce-eager"], ["--no-enforce-eager"], ["--no-enforce-eager"]),
    "switched on again": ("vllm", ["--no-enforce-eager"], ["--enforce-eager"], ["--enforce-eager"]),
    "with many values": (
        "vllm", ["--cudagraph-capture-sizes", "1", "2", "4"], ["--cudagraph-capture-sizes", "8"],
        ["--cudagraph-capture-sizes", "8"]),
    "one of three": (
        "vllm", ["--seed", "1", "--max-num-seqs", "64", "--enforce-eager"], ["--max-num-seqs", "8"],
        ["--seed", "1", "--enforce-eager", "--max-num-seqs", "8"]),
    "SGLang": (
        "sglang", ["--max-running-requests", "64"], ["--max-running-requests=8"], ["--max-running-requests", "8"]),
    "a key of TensorRT-LLM": (
        "trtllm", ["--trtllm.stream_interval", "4"], ["--trtllm.stream_interval=8"], ["--trtllm.stream_interval", "8"]),
}  # fmt: skip


@pytest.mark.parametrize("name", MERGED)
@pytest.mark.parametrize("role", ["prefill", "decode"])
def test_a_role_s_flag_replaces_the_shared_one(name: str, role: str) -> None:
    runs, shared, own, expected = MERGED[name]
    found = words(given(shared, **{role: own}, **{f"{CHAT}.engine.name": runs}))  # pyright: ignore[reportArgumentType]
    assert found.pop(Role(role)) == tuple(expected)
    assert list(found.values()) == [tuple(part for word in shared for part in word.split("="))]


def test_every_spelling_of_every_flag_is_the_same_flag() -> None:
    for name in ("vllm", "sglang", "trtllm", "mocker"):
        table = engine(name).flags
        assert table
        for spelling, flag in table.spellings.items():
            sources = [[Word("shared", flag.name)], [Word("role", spelling)]]
            assert texts(merged(table, sources)) == (spelling,)


def test_card_shared_and_role_in_that_order(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"vllm": ("--seed", "1", "--max-num-seqs", "1", "--stream-interval", "1")}
    chosen = card("qwen3-32b").model_copy(update={"engine_args": arguments})
    monkeypatch.setattr(resolve, "card", lambda _: chosen)
    found = words(given(["--max-num-seqs", "2", "--stream-interval", "2"], decode=["--stream-interval", "3"]))
    assert found == {
        Role.PREFILL: ("--seed", "1", "--max-num-seqs", "2", "--stream-interval", "2"),
        Role.DECODE: ("--seed", "1", "--max-num-seqs", "2", "--stream-interval", "3"),
    }


# What a stack gives, and the one error: path and part of the message.
REFUSED = {
    "abbreviated": (given(["--max-num-seqs", "64"], decode=["--max-num-seq", "8"]),
                    "decode.extraArgs[0]", "did you mean --max-num-seqs?"),
    "underscores": (given(decode=["--max_num_seqs", "8"]), "decode.extraArgs[0]", "did you mean --max-num-seqs?"),
    "not a number": (given(["--seed", "1"], prefill=["--max-num-seqs", "x"]),
                     "prefill.extraArgs[1]", "must be a whole number"),
    "owned": (given(prefill=["--block-size", "64"]), "prefill.extraArgs[0]", "both roles and the router"),
    "KV dtype": (given(decode=["--kv-cache-dtype=fp8"]), "decode.extraArgs[0]", "use `engine.kvCacheDtype`"),
    "twice in one list": (given(decode=["--seed", "1", "--seed", "2"]), "decode.extraArgs[2]", "is given twice"),
    "an error of the shared ones, reported once": (given(["--max-num-seqs", "x"], decode=["--seed", "1"]),
                                               "engine.extraArgs[1]", "must be a whole number"),
    "code": (given(decode=["--trust-remote-code"]), "decode.extraArgs[0]", "engine.allowCode"),
    "against the role's own size": (given(decode=["--decode-context-parallel-size", "8"]),
                                    "decode.extraArgs[1]", "more than the 8 KV heads"),
    "another engine's flag": (given(decode=["--max-running-requests", "8"]), "decode.extraArgs[0]", "dynamo.sglang"),
    "a token": (given(decode=["--seed", "hf_AbCdEf"]), "decode.extraArgs[1]", "looks like a Hugging Face token"),
    "two flags that say one thing": (
        given(["--attention-backend", "FLASH_ATTN"], decode=["--attention-config", '{"backend": "FLASH_ATTN"}']),
        "decode.extraArgs[1]", "give one of the two"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_an_error_is_at_the_key_of_the_role(name: str) -> None:
    changes, path, says = REFUSED[name]
    ((where, message),) = refused(changes).items()
    assert where == f"{CHAT}.{path}"
    assert says in message


def test_a_role_that_the_layout_lacks_takes_none() -> None:
    found = refused({f"{CHAT}.worker.extraArgs": ["--seed", "1"]})
    assert "layout multi-node has no worker role" in found[f"{CHAT}.worker"]


def test_json_tells_the_engine_and_what_each_role_gets() -> None:
    told = summary(planned(given(["--seed", "1"], decode=["--max-num-seqs=8"])))["graphs"]["chat"]
    assert told["engine"] == "vllm"
    assert {role: (each["machine"], each["extraArgs"]) for role, each in told["roles"].items()} == {
        "prefill": ("a3-ultragpu-8g", ["--seed", "1"]),
        "decode": ("a3-ultragpu-8g", ["--seed", "1", "--max-num-seqs", "8"]),
    }


def test_code_is_allowed_for_a_role_s_flag() -> None:
    changes = given(decode=["--trust-remote-code"], **{f"{CHAT}.engine.allowCode": ["--trust-remote-code"]})
    assert words(changes) == {Role.PREFILL: (), Role.DECODE: ("--trust-remote-code",)}


def test_the_memory_of_a_role_follows_its_own_batch() -> None:
    batch = ["--max-num-batched-tokens", "65536"]
    prefill, decode = planned(given(prefill=batch)).graphs[0].workers
    assert prefill.memory
    assert decode.memory
    assert prefill.memory.kv_budget < decode.memory.kv_budget
    assert planned(given(batch)).graphs[0].workers[1].memory == prefill.memory


def test_a_shared_flag_that_every_role_replaces_is_reported() -> None:
    both = given(["--max-num-seqs", "64"], ["--max-num-seqs", "8"], ["--max-num-seqs", "9"])
    said = f"{CHAT}.engine.extraArgs[0]: --max-num-seqs has no effect, because every role sets it too"
    assert said in planned(both).warnings
    one = given(["--max-num-seqs", "64"], ["--max-num-seqs", "8"])
    assert not any("has no effect, because every role" in warning for warning in planned(one).warnings)


def test_a_change_of_one_role_s_arguments_restarts_the_workers() -> None:
    restarts = restarted(planned(), planned(given(decode=["--max-num-seqs", "8"])))
    assert any("all workers restart" in line and "decode args" in line for line in restarts), restarts
