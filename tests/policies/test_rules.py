"""Each rule with a resource that passes and one that does not, and the pack over the shipped stacks."""

from copy import deepcopy
from typing import Any

import pytest

from ops.recording import Recording, Resource
from ops.verdicts import judge
from tests.stacks import SHIPPED, recorded


def changed(stack: str, suffix: str, name: str, path: str, value: Any) -> Recording:
    """A shipped stack's recording with one input of one resource changed."""
    resources: list[Resource] = []
    for resource in recorded(stack).resources:
        if resource.type.endswith(suffix) and resource.name == name:
            inputs = deepcopy(resource.inputs)
            *parents, last = path.split(".")
            block = inputs
            for key in parents:
                block = block[key]
            block[last] = value
            resource = Resource(**{**vars(resource), "inputs": inputs})
        resources.append(resource)
    return Recording(resources=tuple(resources), outputs={})


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_shipped_stacks_hold_to_every_rule(stack: str) -> None:
    assert judge(recorded(stack)) == []


VIOLATIONS = [
    (":Cluster", "cluster-cluster", "privateClusterConfig.enablePrivateNodes", False, "private-cluster"),
    (":Cluster", "cluster-cluster", "controlPlaneEndpointsConfig.ipEndpointsConfig", {}, "private-cluster"),
    (":NodePool", "prefill-pool", "upgradeSettings.maxSurge", 1, "no-gpu-surge"),
    (":NodePool", "decode-pool", "upgradeSettings", {}, "no-gpu-surge"),
]


@pytest.mark.parametrize(("suffix", "name", "path", "value", "policy"), VIOLATIONS)
def test_a_violation_is_found(suffix: str, name: str, path: str, value: Any, policy: str) -> None:
    (verdict,) = judge(changed("prod", suffix, name, path, value))
    assert (verdict.policy, verdict.mandatory) == (policy, True)
    assert verdict.urn.endswith(f"::{name}")


def test_the_cpu_pool_may_surge() -> None:
    assert judge(changed("prod", ":NodePool", "system-pool", "upgradeSettings.maxSurge", 3)) == []
