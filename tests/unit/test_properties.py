"""Whatever a stack says, it loads and can be rendered, or it is refused with errors; nothing else ever happens."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.models import card_names
from catalog.rdma import NAMES as RDMA_MODES
from manifests.graph import build
from planning.load import load
from planning.plan import plan
from planning.preflight import checks
from planning.summary import summary
from reading.errors import ConfigInvalid
from settings.stack_config import StackConfig
from tests.stacks import layouts

KEYS = (
    "location",
    "network",
    "cluster",
    "capacity",
    "models",
    "endpoint",
    "alerts",
    "secrets",
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
ranges = st.dictionaries(
    st.sampled_from(["nodes", "pods", "services", "proxies", "secondGvnic", "rdma", "rails"]),
    st.sampled_from(["10.0.0.0/20", "10.4.0.0/14", "10.4.0.1/14", "192.168.128.0/18", "10.9.0.0/29", "0.0.0.0/0", 1]),
    max_size=3,
)
existing_cluster = st.fixed_dictionaries(
    {},
    optional={
        "context": st.sampled_from(["lab", "gke_my-project_europe-west1_shared", "gke_other_us-east5_shared", ""]),
        "name": st.sampled_from(["shared", "Shared"]),
        "location": st.sampled_from(["europe-west1", "europe-west1-b", "us-east5"]),
        "addGpuPools": st.booleans(),
    },
)
existing_network = st.fixed_dictionaries(
    {"vpc": st.sampled_from(["my-vpc", "dynamo-prod-gvnic"])},
    optional={
        "subnet": st.just("gke"),
        "project": st.sampled_from(["host-project", 1]),
        "podsRange": st.just("services"),
    },
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
            optional={
                "reservation": st.sampled_from(["my-h200", "projects/p/zones/us-east5-a/reservations/r", "no good"]),
                "maxNodes": st.integers(0, 400),
            },
        ),
        "network": st.fixed_dictionaries(
            {},
            optional={"rdma": st.sampled_from([*RDMA_MODES, "auto"]), "ranges": ranges, "existing": existing_network},
        ),
        "cluster": st.fixed_dictionaries(
            {},
            optional={
                "existing": existing_cluster,
                "systemPool": st.fixed_dictionaries({"nodes": st.integers(1, 4)}),
                "maintenance": st.fixed_dictionaries({"hours": st.integers(3, 25)}),
            },
        ),
        "secrets": st.fixed_dictionaries(
            {},
            optional={
                "store": st.sampled_from(["kubernetes", "secretManager"]),
                "hfToken": st.sampled_from(["hf-token", "hf_AbCd"]),
            },
        ),
        "endpoint": st.fixed_dictionaries(
            {"exposure": st.sampled_from(["none", "internal", "gateway", "public"])},
            optional={"domain": st.just("llm.example.com"), "allowedCidrs": st.just(["203.0.113.0/24"])},
        ),
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
        return "refused" if invalid.errors and all(f.path and f.message for f in invalid.errors) else "without a word"
    assert all(check.condition for check in checks(planned))
    assert summary(planned)["warnings"] == list(planned.warnings)
    for one in planned.graphs:
        build(one, planned.labels).to_wire()
        assert all(worker.memory is None or worker.memory.fits for worker in one.workers)
    assert planned.gpus >= sum(one.gpus for one in planned.graphs)
    return "planned"


@given(near_stacks, st.booleans())
@settings(max_examples=300)
def test_a_stack_that_is_nearly_right(blocks: dict[str, Any], token: bool) -> None:
    assert outcome(blocks, token) in ("planned", "refused")


@given(any_stacks, st.booleans())
@settings(max_examples=200)
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
    assert {layout for name in card_names() for layout in layouts(name)} >= {"multi-node"}
