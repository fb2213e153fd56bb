"""Every way of buying, wiring, laying out and reaching a graph previews, or is refused with a reason."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.capacity import NAMES as CAPACITY_MODES
from catalog.models import Layout, Placement
from catalog.rdma import NAMES as RDMA_MODES
from ops.offline.recording import record
from planning.load import load
from planning.plan import plan
from reading.errors import ConfigInvalid
from settings.endpoint import Exposure
from settings.secrets import SecretStore
from tests.stacks import ROOT, config, layouts

MODEL = "llama-3.3-70b-instruct"
ENDPOINTS = {
    Exposure.NONE: {"exposure": "none"},
    Exposure.INTERNAL: {"exposure": "internal"},
    Exposure.GATEWAY: {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]},
}
COMBINATIONS = list(itertools.product(RDMA_MODES, CAPACITY_MODES, layouts(MODEL)))


def refusal(rdma: str, layout: Layout) -> str | None:
    """How the reason begins for which a layout cannot be had in a mode; capacity has no say in it.

    KV cache that moves between pods needs RDMA, on one node too. With networks that pods name, a pod gets all NICs of
    its node, so engines that move KV cache have to be as large.
    """
    if not layout.prefill or layout.placement is Placement.CPU:
        return None
    if rdma == "none":
        return "none, but models.chat moves its KV cache"
    if rdma == "multiNetwork" and any(role.tensor_parallel < 8 for role in layout.roles.values()):
        return "multiNetwork gives a pod all NICs of its node, so models.chat needs engines of all 8 GPUs"
    return None


@pytest.mark.parametrize(("rdma", "mode", "layout"), COMBINATIONS, ids=["-".join(c) for c in COMBINATIONS])
def test_a_combination_previews_or_is_refused(rdma: str, mode: str, layout: str) -> None:
    # One exposure each is enough: it depends on nothing of these.
    exposure = list(Exposure)[COMBINATIONS.index((rdma, mode, layout)) % len(Exposure)]
    changes: dict[str, Any] = {
        "network": {"rdma": rdma},
        "capacity": {"mode": mode} | ({"reservation": "r"} if mode == "reservation" else {}),
        "models.chat": {"model": MODEL, "layout": layout},
        "endpoint": ENDPOINTS[exposure],
    }
    stack = config(changes)
    if reason := refusal(rdma, layouts(MODEL)[layout]):
        with pytest.raises(ConfigInvalid, match=rf"^network\.rdma: {reason}") as refused:
            load(stack)
        assert [error.path for error in refused.value.errors] == ["network.rdma"]
        stack = config({**changes, "models.chat.kvTransfer": "tcp"})
    recording = record(ROOT, stack)
    pools = [r.inputs for r in recording.resources if r.type.endswith(":NodePool")]
    on_gpus = [pool for pool in pools if "guestAccelerators" in pool["nodeConfig"]]
    assert bool(on_gpus) is (layout != "simulated")
    nics = 9 if rdma in ("dranet", "multiNetwork") else 0
    assert all(len(pool["networkConfig"].get("additionalNodeNetworkConfigs", [])) == nics for pool in on_gpus)
    profile = "auto" if rdma == "dranetAuto" else None
    assert all(pool["networkConfig"].get("acceleratorNetworkProfile") == profile for pool in on_gpus)
    assert all(bool(pool["nodeConfig"].get("spot")) is (mode == "spot") for pool in on_gpus)
    assert all(bool(pool["nodeConfig"].get("flexStart")) is (mode == "flexStart") for pool in on_gpus)


PLACES: dict[str, dict[str, Any]] = {
    "its own": {},
    "a VPC": {"network.existing": {"vpc": "v", "subnet": "s"}},
    "a Shared VPC": {"network.existing": {"vpc": "v", "subnet": "s", "project": "host-project"}},
    "a cluster by context": {"cluster.existing": {"context": "lab"}},
    "a cluster by name": {"cluster.existing": {"name": "shared"}},
    "pools added": {"cluster.existing": {"name": "shared", "addGpuPools": True}},
}


@given(
    place=st.sampled_from(list(PLACES)),
    rdma=st.sampled_from(list(RDMA_MODES)),
    mode=st.sampled_from([mode for mode in CAPACITY_MODES if mode != "reservation"]),
    layout=st.sampled_from(list(layouts(MODEL))),
    exposure=st.sampled_from(list(Exposure)),
    store=st.sampled_from(list(SecretStore)),
    proxies=st.booleans(),
    preview=st.booleans(),
)
@settings(max_examples=20)
def test_wherever_a_stack_is_put_it_runs_or_is_refused(
    place: str,
    rdma: str,
    mode: str,
    layout: str,
    exposure: Exposure,
    store: SecretStore,
    proxies: bool,
    preview: bool,
) -> None:
    stack = config(
        {
            "network": {"rdma": rdma} | ({"ranges": {"proxies": "10.9.0.0/23"}} if proxies else {}),
            "capacity": {"mode": mode},
            "models.chat": {"model": MODEL, "layout": layout},
            "endpoint": ENDPOINTS[exposure],
            "secrets": {"store": store.value},
            **PLACES[place],
        }
    )
    planned, refused = None, ()
    try:
        planned = plan(load(stack))
    except ConfigInvalid as invalid:
        refused = invalid.errors
    assert all(error.path.startswith("network.") for error in refused)
    if planned is None:
        assert refused
        return
    types = [resource.type for resource in record(ROOT, stack, preview=preview).resources]
    assert types.count("gcp:container/cluster:Cluster") == (0 if planned.cluster.existing else 1)
    made = len(planned.gpu_pools) if planned.creates_gpu_pools else 0
    assert types.count("gcp:container/nodePool:NodePool") == made + (0 if planned.cluster.existing else 1)
    assert types.count("kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment") == 1
