"""The price on demand bounds other modes' prices only where the mode says so."""

import pytest

from catalog import capacity
from catalog.capacity import capacity_mode
from catalog.machines import ON_DEMAND, gpu_machine
from tests.stacks import planned

H200 = "a3-ultragpu-8g"


@pytest.mark.parametrize("mode", capacity.NAMES)
def test_shipped_modes_never_cost_more_than_on_demand(mode: str) -> None:
    assert capacity_mode(mode).below_on_demand


def test_an_unpriced_mode_has_no_bound_unless_it_says_so() -> None:
    machine = gpu_machine(H200)
    assert machine.upper_bound("auction", below_on_demand=False) is None
    assert machine.upper_bound("auction", below_on_demand=True) == machine.prices[ON_DEMAND]
    assert machine.upper_bound(ON_DEMAND, below_on_demand=False) == machine.prices[ON_DEMAND]


def test_a_plan_in_such_a_mode_knows_no_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(capacity_mode("spot")), "below_on_demand", False)
    plan = planned({"capacity": {"mode": "spot"}})
    nodes = [item for item in plan.costs if H200 in item.name]
    assert nodes
    assert all(item.usd_bound is None and item.usd_max is None for item in nodes)
    assert {item.basis for item in nodes} == {"spot: price not known"}
