"""The program's own resources violate no rule, in any location and with any exposure."""

from typing import Any

import pytest

from catalog.capacity import NAMES as CAPACITY_MODES
from catalog.rdma import NAMES as RDMA_MODES
from ops.offline.recording import record
from ops.offline.verdicts import judge
from settings.endpoint import Exposure
from tests.program.test_combinations import ENDPOINTS, PLACES
from tests.stacks import ROOT, config

LABELS = {"owner": "me", "costCenter": "1"}
BUDGET = {"gpu-budget": {"nodes": 99, "dollarsPerHour": 99999}}
PROXIES = {"network.ranges": {"proxies": "10.200.0.0/23"}}


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
@pytest.mark.parametrize("exposure", list(Exposure))
@pytest.mark.parametrize("place", PLACES)
def test_no_rule_is_violated_in_any_place(place: str, exposure: Exposure, preview: bool) -> None:
    outside = PLACES[place] and exposure is Exposure.GATEWAY
    stack = config(
        {
            **PLACES[place],
            **(PROXIES if outside else {}),
            "endpoint": ENDPOINTS[exposure],
            "models.chat.kvTransfer": "tcp",
            "labels": LABELS,
        }
    )
    assert judge(record(ROOT, stack, preview=preview), BUDGET) == []


@pytest.mark.parametrize("mode", list(CAPACITY_MODES))
@pytest.mark.parametrize("rdma", list(RDMA_MODES))
def test_no_rule_is_violated_by_any_way_of_wiring_and_buying(rdma: str, mode: str) -> None:
    changes: dict[str, Any] = {
        "network": {"rdma": rdma},
        "capacity": {"mode": mode} | ({"reservation": "r"} if mode == "reservation" else {}),
        "labels": LABELS,
    }
    if rdma == "none":
        changes["models.chat.kvTransfer"] = "tcp"
    for preview in (True, False):
        assert judge(record(ROOT, config(changes), preview=preview), BUDGET) == []
