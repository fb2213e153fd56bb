"""The texts of gpu-budget: amounts that exceed the max as printed, and a max that allows them."""

import pytest

from ops.offline import policy_config, stackfile
from ops.offline.recording import record
from ops.offline.verdicts import judge
from policies.capacity import RULES
from tests.stacks import ROOT

TWO_NODES = ["capacity.machine=g2-standard-12"]


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        (2, "2.0008 USD per hour for GPU nodes exceed the max of 2; "),
        (1.5, "2.00 USD per hour for GPU nodes exceed the max of 1.5; "),
    ],
)
def test_the_amount_exceeds_the_max_as_printed_and_the_proposed_max_allows_it(allowed: float, said: str) -> None:
    recording = record(ROOT, stackfile.read(ROOT, "try", TWO_NODES))
    rules = policy_config.read(ROOT, "try")
    (found,) = judge(recording, {**rules, "gpu-budget": {"nodes": 2, "dollarsPerHour": allowed}})
    assert found.message.startswith(said)
    assert "set gpu-budget.dollarsPerHour to 2.01 in " in found.message
    assert judge(recording, {**rules, "gpu-budget": {"nodes": 2, "dollarsPerHour": 2.01}}) == []


def test_the_remedy_fits_a_machine_without_a_price() -> None:
    (budget,) = (rule for rule in RULES if rule.name == "gpu-budget")
    assert "A machine without a price needs one in catalog/machines, or allowUnpriced" in str(budget.remediation_steps)
