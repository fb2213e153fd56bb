"""Pods that a stack's own admission policy rejects, by the policy and binding that the program registers."""

from typing import Any

import pytest

from ops.offline.recorded import Recording
from tests.admission import refusals
from tests.hostile_pods import RESTRICTED, UNRESTRICTED, container, labeled, pod, worker_labels
from tests.program.test_stacks import every_stack, of_type
from tests.stacks import recorded
from tests.unit.test_pod_security import ANYWHERE, pinning


def refused(recording: Recording, asked: dict[str, Any], namespace: str = "dynamo") -> list[str]:
    """Reasons why the API server rejects a pod in a namespace; empty if it admits the pod."""
    (policy,) = of_type(recording, ":ValidatingAdmissionPolicy")
    (binding,) = of_type(recording, ":ValidatingAdmissionPolicyBinding")
    bound = binding.inputs["spec"]
    assert bound["policyName"] == policy.inputs["metadata"]["name"]
    assert set(bound) == {"policyName", "validationActions", "matchResources"}
    assert bound["matchResources"] == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dynamo"}}}
    assert policy.inputs["spec"]["failurePolicy"] == "Fail"
    assert "matchConditions" not in policy.inputs["spec"]
    denies = "Deny" in bound["validationActions"] and namespace == "dynamo"
    return refusals(policy.inputs, asked) if denies else []


@every_stack
def test_a_stack_refuses_every_pod_that_asks_for_its_node(stack: str) -> None:
    recording = recorded(stack)
    hostile = {name: labeled(asked, worker_labels()) for name, (asked, _) in ANYWHERE.items()}
    assert [name for name, asked in hostile.items() if not refused(recording, asked)] == []
    assert [name for name, (asked, _) in ANYWHERE.items() if not refused(recording, asked)] == []


@every_stack
def test_a_stack_holds_all_pods_but_workers_on_gpus_to_restricted(stack: str) -> None:
    recording = recorded(stack)
    frontends = {name: labeled(asked, worker_labels(kind="frontend")) for name, (asked, _) in UNRESTRICTED.items()}
    assert [name for name, asked in frontends.items() if not refused(recording, asked)] == []
    assert [name for name, (asked, _) in UNRESTRICTED.items() if not refused(recording, asked)] == []
    workers = [labeled(asked, worker_labels()) for asked, _ in UNRESTRICTED.values()]
    assert {bool(refused(recording, asked)) for asked in workers} == {stack == "dev"}
    assert refused(recording, pod(containers=[container(securityContext=RESTRICTED)])) == []


WITHOUT_RDMA = ("dev", "try")


@every_stack
def test_a_stack_lets_workers_with_rdma_alone_pin_memory(stack: str) -> None:
    recording = recorded(stack)
    assert bool(refused(recording, labeled(pinning("main"), worker_labels()))) == (stack in WITHOUT_RDMA)
    for other in (pinning("main"), labeled(pinning("sidecar"), worker_labels())):
        assert refused(recording, other) != []


def test_a_binding_that_only_warns_is_seen() -> None:
    """The evaluator admits pods without the binding."""
    recording = recorded("prod")
    (binding,) = of_type(recording, ":ValidatingAdmissionPolicyBinding")
    hostile = next(asked for asked, _ in ANYWHERE.values())
    actions = binding.inputs["spec"]["validationActions"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(binding.inputs["spec"], "validationActions", ["Audit"])
        assert refused(recording, hostile) == []
    assert binding.inputs["spec"]["validationActions"] == actions
    assert refused(recording, hostile) != []
