"""Every way of buying, wiring, laying out and reaching a graph previews, or is refused with a reason."""

import itertools

import pytest

from ops.recording import record
from spec.capacity import CapacityMode
from spec.faults import ConfigInvalid
from spec.load import load
from spec.models import card
from spec.rdma import RdmaMode
from spec.settings import Exposure
from tests.stacks import ROOT, config

MODEL = "llama-3.3-70b-instruct"
ENDPOINTS = {
    Exposure.NONE: {"exposure": "none"},
    Exposure.INTERNAL: {"exposure": "internal"},
    Exposure.GATEWAY: {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]},
}
COMBINATIONS = list(itertools.product(RdmaMode, CapacityMode, card(MODEL).layouts))


@pytest.mark.parametrize(("rdma", "mode", "layout"), COMBINATIONS, ids=["-".join(c) for c in COMBINATIONS])
def test_a_combination_previews_or_is_refused(rdma: RdmaMode, mode: CapacityMode, layout: str) -> None:
    # One exposure each is enough: it depends on nothing of these.
    exposure = list(Exposure)[COMBINATIONS.index((rdma, mode, layout)) % len(Exposure)]
    stack = config(
        {
            "network": {"rdma": rdma.value},
            "capacity": {"mode": mode.value} | ({"reservation": "r"} if mode is CapacityMode.RESERVATION else {}),
            "models.chat": {"model": MODEL, "layout": layout},
            "endpoint": ENDPOINTS[exposure],
        }
    )
    if (rdma, layout) == (RdmaMode.NONE, "multi-node"):
        with pytest.raises(ConfigInvalid, match=r"^network\.rdma: none, but models\.chat moves its KV cache"):
            load(stack)
        return
    recording = record(ROOT, stack)
    pools = [r.inputs for r in recording.resources if r.type.endswith(":NodePool")]
    on_gpus = [pool for pool in pools if "guestAccelerators" in pool["nodeConfig"]]
    assert bool(on_gpus) is (layout != "simulated")
    nics = 9 if rdma is RdmaMode.DRANET else 0
    assert all(len(pool["networkConfig"].get("additionalNodeNetworkConfigs", [])) == nics for pool in on_gpus)
    assert all(bool(pool["nodeConfig"].get("spot")) is (mode is CapacityMode.SPOT) for pool in on_gpus)
    assert all(bool(pool["nodeConfig"].get("flexStart")) is (mode is CapacityMode.FLEX_START) for pool in on_gpus)
