"""The fix that an error proposes removes it and causes no other."""

import copy
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning import load as loading
from reading import fixes
from reading.errors import Error, Fix
from settings.stack_config import raw_blocks
from tests.stacks import config, errors

# What a stack may say of its one deployment, right and wrong.
tensor_parallel = st.sampled_from([1, 2, 3, 4, 5, 8, 16])
role = st.fixed_dictionaries({}, optional={"replicas": st.integers(1, 4), "tensorParallel": tensor_parallel})
deployments = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["llama-3.3-70b-instruct", "llama-3.3-70b", "qwen3-32b", "gpt-oss-120b", "qwen"]),
        "layout": st.sampled_from(["single-node", "multi-node", "aggregated", "multinode", "simulated"]),
    },
    optional={
        "prefill": role,
        "decode": role,
        "engine": st.fixed_dictionaries({"maxModelLen": st.sampled_from([2048, 131072, 200_000])}),
        "autoscaling": st.fixed_dictionaries({"decode": st.just({"min": 1, "max": 3})}),
        "autoscalin": st.just({}),
    },
)
stacks = st.fixed_dictionaries(
    {
        "models": st.dictionaries(
            st.sampled_from(["chat", "chat2", "chat-v2", "code"]), deployments, min_size=1, max_size=3
        ),
        "network": st.fixed_dictionaries({"rdma": st.sampled_from(["dranet", "none", "multiNetwork", "dra"])}),
    },
    optional={"capacity.maxNodes": st.integers(1, 6)},
)


def judged(raw: dict[str, Any]) -> list[Error]:
    return loading.judged(copy.deepcopy(raw))[1]


@given(stacks)
@settings(max_examples=60)
def test_a_suggested_fix_works(blocks: dict[str, Any]) -> None:
    raw, _ = raw_blocks(config(blocks))
    found = judged(raw)
    before = Counter(error.path for error in found)
    for error, reported in zip(found, fixes.keep_working(found, raw, judged), strict=True):
        for fix in error.fixes:
            if f"; {fix.words}" not in reported.message and f", or {fix.words}" not in reported.message:
                continue
            changed = copy.deepcopy(raw)
            assert fixes._apply(fix, changed)  # pyright: ignore[reportPrivateUsage]
            after = Counter(other.path for other in judged(changed))
            assert after[error.path] < before[error.path], error
            assert fix.spelling or after <= before, (error, after)


def messages(changes: dict[str, Any]) -> dict[str, str]:
    return {error.path: error.message for error in errors(changes)}


QWEN = {"model": "qwen3-32b", "layout": "multi-node"}


@pytest.mark.parametrize("name", ["chat2", "chat-v1", "chat-v2", "chats", "chat-" + "x" * 25])
def test_a_name_that_is_proposed_can_be_had(name: str) -> None:
    said = messages({f"models.{name}": QWEN})[f"models.{name}"]
    proposed = said.rpartition("such as ")[2].partition(",")[0]
    assert proposed
    assert messages({f"models.{proposed}": QWEN}) == {}


def test_a_name_that_is_taken_is_not_proposed() -> None:
    said = messages({"models.chat-v2": QWEN, "models.v2-chat": QWEN})["models.chat-v2"]
    assert "such as v2-chat" not in said
    assert "such as next-chat" in said


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"models.chat.layout": "single-node", "models.chat.decode": {"replicas": 2}}, "models.chat",
         "set decode.replicas to 1, or set decode.tensorParallel to 2"),
        ({"models.chat.prefill": {"tensorParallel": 3}}, "models.chat.prefill.tensorParallel", "; use 2, or use 4"),
        ({"models.chat.engine": {"maxModelLen": 200_000}}, "models.chat.engine.maxModelLen", "; use 131072"),
        ({"network.rdma": "multiNetwork", "models.chat.layout": "single-node"}, "network.rdma",
         "; use dranet, or use layout multi-node"),
        ({"capacity": {"mode": "reserved"}}, "capacity.mode",
         "; did you mean reservation? (then also set capacity.reservation)"),
        ({"capacity.mode": "reserved"}, "capacity.mode", "; did you mean reservation?"),
        ({"capacity.mode": "spott"}, "capacity.mode", "; did you mean spot? (then also change capacity.reservation)"),
        ({"network.ranges": {"nodes": "10.4.0.0/20"}}, "network.ranges.nodes", "; use 10.64.0.0/20, or use "),
        ({"network.ranges": {"nodes": "10.0.0.0/29"}}, "network.ranges.nodes", "holds them; use 10.0.0."),
        ({"network.ranges": {"rdma": "10.0.0.0/8"}}, "network.ranges.rdma", "; use 192.168.128.0/18, or use 10.64."),
        ({"models.chat.worker": {"replicas": 1}}, "models.chat.worker", "; remove it"),
        ({"budget": {"monthly": 5, "emails": ["a@b.example", "a@b.example"]}}, "budget.emails", "; remove the copies"),
        ({"models.chat.autoscaling": {"decode": {"min": 3, "max": 2}}}, "models.chat.autoscaling.decode.max",
         "; set max to 3 or more"),
    ],
)  # fmt: skip
def test_an_error_says_what_to_set(changes: dict[str, Any], path: str, says: str) -> None:
    assert says in messages(changes)[path]


def test_a_fix_that_causes_another_error_is_not_suggested() -> None:
    both = (Fix("use 4", {"decode": 4}), Fix("use 5", {"decode": 5}))
    raw = {"decode": 3, "prefill": 5}

    def judge(raw: dict[str, Any]) -> list[Error]:
        odd = [Error("decode", "is three", both)] if raw["decode"] == 3 else []
        return [
            *odd,
            *([Error("prefill", "is larger")] if raw["decode"] < raw["prefill"] and raw["decode"] != 3 else []),
        ]

    assert [error.message for error in fixes.keep_working(judge(raw), raw, judge)] == ["is three; use 5"]
