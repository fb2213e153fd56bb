"""Whatever a stack says, it loads and can be rendered, or it is refused with faults; nothing else ever happens."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from spec.faults import ConfigInvalid
from spec.graph import build
from spec.load import StackConfig, load
from spec.models import card, card_names
from spec.plan import plan
from spec.rdma import RdmaMode

KEYS = (
    "location",
    "network",
    "cluster",
    "capacity",
    "models",
    "endpoint",
    "alerts",
    "labels",
    "hfToken",
    "modelz",
    "extra",
)

role = st.fixed_dictionaries(
    {}, optional={"replicas": st.integers(-1, 9), "tensorParallel": st.sampled_from([0, 1, 2, 3, 4, 8, 16])}
)
engine = st.fixed_dictionaries(
    {},
    optional={
        "maxModelLen": st.integers(0, 200_000),
        "kvCacheDtype": st.sampled_from(["auto", "fp8", "fp16"]),
        "gpuMemoryUtilization": st.floats(0, 1.2),
        "extraArgs": st.lists(
            st.sampled_from(["--seed", "--seed=1", "1", "-tp", "--enforce-eager", "--nope", "", "-", "--", "{}"]),
            max_size=4,
        ),
    },
)
graph = st.fixed_dictionaries(
    {
        "model": st.sampled_from([*card_names(), "llama"]),
        "layout": st.sampled_from(["simulated", "single-node", "multi-node", "aggregated", "other"]),
    },
    optional={"prefill": role, "decode": role, "worker": role, "engine": engine},
)
near_stacks = st.fixed_dictionaries(
    {
        "location": st.sampled_from(
            [{"region": "europe-west1", "zone": "europe-west1-b"}, {"region": "us-east5", "zone": "us-west1-a"}]
        ),
        "models": st.dictionaries(st.sampled_from(["chat", "chat-v2", "Chat", "code"]), graph, max_size=3),
    },
    optional={
        "capacity": st.fixed_dictionaries(
            {"mode": st.sampled_from(["reservation", "spot", "flexStart", "onDemand", "free"])},
            optional={"reservation": st.sampled_from(["my-h200", "projects/p/reservations/r", "no good"])},
        ),
        "network": st.fixed_dictionaries({"rdma": st.sampled_from([*RdmaMode, "auto"])}),
        "endpoint": st.fixed_dictionaries({"exposure": st.sampled_from(["none", "internal", "public"])}),
        "alerts": st.fixed_dictionaries({"emails": st.lists(st.sampled_from(["a@example.com", "a", 1]), max_size=3)}),
    },
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
any_stacks = st.dictionaries(st.sampled_from(KEYS), json_values, max_size=6)


def outcome(blocks: dict[str, Any], token: bool) -> str:
    config = StackConfig(
        stack="prod",
        values={"gcp:project": "my-project"} | {f"dynamo-gke:{key}": json.dumps(v) for key, v in blocks.items()},
        secrets=frozenset(["dynamo-gke:hfToken"] if token else []),
    )
    try:
        planned = plan(load(config))
    except ConfigInvalid as invalid:
        return "refused" if invalid.faults and all(f.path and f.message for f in invalid.faults) else "without a word"
    for one in planned.graphs:
        build(one, planned.labels).to_wire()
        assert all(worker.memory is None or worker.memory.fits for worker in one.workers)
    assert planned.gpus >= sum(one.gpus for one in planned.graphs)
    return "planned"


@given(near_stacks, st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_stack_that_is_nearly_right(blocks: dict[str, Any], token: bool) -> None:
    assert outcome(blocks, token) in ("planned", "refused")


@given(any_stacks, st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_stack_of_anything(blocks: dict[str, Any], token: bool) -> None:
    assert outcome(blocks, token) == "refused"


def test_both_outcomes_are_met() -> None:
    good = {
        "location": {"region": "europe-west1", "zone": "europe-west1-b"},
        "models": {"chat": {"model": "qwen3-32b", "layout": "multi-node"}},
        "capacity": {"mode": "spot"},
    }
    assert outcome(good, token=False) == "planned"
    assert outcome(good | {"capacity": {"mode": "free"}}, token=False) == "refused"
    assert {layout for name in card_names() for layout in card(name).layouts} >= {"multi-node"}
