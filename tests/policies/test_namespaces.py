"""Attacks on a namespace's Pod Security label and on the admission policy that replaces it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from manifests import pod_security
from ops.offline.recorded import UNKNOWN, Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from planning.surroundings import UnrestrictedWorkers
from tests.policies.mutations import added, changed, independent, prod, without
from tests.policies.test_attacks import stopped_by
from tests.stacks import ROOT, config, recorded

NAMESPACE = (":Namespace", "workloads-namespace")
PLATFORM = (":Namespace", "platform-namespace")
POLICY = (":ValidatingAdmissionPolicy", "pod-rules-policy")
BINDING = (":ValidatingAdmissionPolicyBinding", "pod-rules-binding")
LABELS = {"owner": "me", "cost-center": "1"}


def enforcing(level: Any, **more: str) -> dict[str, Any]:
    return {**LABELS, "pod-security.kubernetes.io/enforce": level, **more}


def in_prod(resource: tuple[str, str], path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(prod(), *resource, path, value)


def rewritten(old: str, new: str) -> Callable[[], Recording]:
    """The admission policy with other words in its expressions."""

    def change() -> Recording:
        (found,) = [r for r in prod().resources if r.name == POLICY[1]]
        spec: Any = deepcopy(found.inputs["spec"])
        for expression in (*spec["variables"], *spec["validations"]):
            expression["expression"] = expression["expression"].replace(old, new)
        assert spec != found.inputs["spec"]
        return changed(prod(), *POLICY, "spec", spec)

    return change


WEAKER: dict[str, Callable[[], Recording]] = {
    "no level": in_prod(NAMESPACE, "metadata.labels", LABELS),
    "no level of the operator's": in_prod(PLATFORM, "metadata.labels", LABELS),
    "privileged for the operator": in_prod(PLATFORM, "metadata.labels", enforcing("privileged")),
    "a word that is no level": in_prod(NAMESPACE, "metadata.labels", enforcing("Baseline")),
    "an empty level": in_prod(NAMESPACE, "metadata.labels", enforcing("")),
    "an old version of the level": in_prod(
        PLATFORM, "metadata.labels", enforcing("baseline", **{"pod-security.kubernetes.io/enforce-version": "v1.24"})
    ),
    "an unknown level": in_prod(NAMESPACE, "metadata.labels", enforcing(UNKNOWN)),
    "unknown labels": in_prod(NAMESPACE, "metadata.labels", UNKNOWN),
    "another namespace": lambda: added(
        prod(), "kubernetes:core/v1:Namespace", {"metadata": {"name": "x", "labels": enforcing("privileged")}}
    ),
    "no policy": lambda: without(prod(), ":ValidatingAdmissionPolicy"),
    "no binding": lambda: without(prod(), ":ValidatingAdmissionPolicyBinding"),
    "errors admit": in_prod(POLICY, "spec.failurePolicy", "Ignore"),
    "a condition": in_prod(POLICY, "spec.matchConditions", [{"name": "x", "expression": "false"}]),
    "no pods": in_prod(POLICY, "spec.matchConstraints.resourceRules[0].resources", ["pods/exec"]),
    "no ephemeral containers": in_prod(POLICY, "spec.matchConstraints.resourceRules[1].operations", ["CREATE"]),
    "some pods": in_prod(POLICY, "spec.matchConstraints.objectSelector", {"matchLabels": {"judged": "true"}}),
    "a validation less": in_prod(POLICY, "spec.validations[3].expression", "true"),
    "no validations": in_prod(POLICY, "spec.validations", [{"expression": "true"}]),
    "more graphs": rewritten("['chat']", "['chat', 'mine']"),
    "more components": rewritten("['decode', 'prefill', 'worker']", "['decode', 'frontend', 'prefill', 'worker']"),
    "more capabilities": rewritten("'SYS_RESOURCE'", "'SYS_RESOURCE', 'SYS_ADMIN'"),
    "every container": rewritten("c.name == 'main'", "true"),
    "an unknown expression": in_prod(POLICY, "spec.validations[3].expression", UNKNOWN),
    "a warning only": in_prod(BINDING, "spec.validationActions", ["Warn", "Audit"]),
    "no action": in_prod(BINDING, "spec.validationActions", []),
    "another policy": in_prod(BINDING, "spec.policyName", "other"),
    "the binding of another namespace": in_prod(
        BINDING, "spec.matchResources.namespaceSelector.matchLabels", {"kubernetes.io/metadata.name": "other"}
    ),
    "a label that can be taken off": in_prod(
        BINDING, "spec.matchResources.namespaceSelector.matchLabels", {"judged": "true"}
    ),
    "the binding of some pods": in_prod(
        BINDING, "spec.matchResources.objectSelector", {"matchLabels": {"judged": "true"}}
    ),
    "resources left out": in_prod(
        BINDING, "spec.matchResources.excludeResourceRules", [{"apiGroups": [""], "resources": ["pods"]}]
    ),
    "an unknown action": in_prod(BINDING, "spec.validationActions", UNKNOWN),
    "the namespace before its policy": lambda: independent(prod(), ":WorkloadNamespace", "workloads"),
}


@pytest.mark.parametrize("weaker", WEAKER.values(), ids=WEAKER)
def test_a_namespace_that_refuses_less_is_stopped(weaker: Callable[[], Recording]) -> None:
    assert stopped_by(weaker()) - {"labelled"} == {"pod-security"}


def test_privileged_is_for_graphs_with_rdma_alone() -> None:
    for stack, changes in (("dev", {}), ("prod", {"models.chat.kvTransfer": "tcp", "network": {"rdma": "none"}})):
        recording = recorded("dev") if stack == "dev" else record(ROOT, config(changes))
        assert "pod-security" not in stopped_by(recording, recording)
        privileged = changed(recording, *NAMESPACE, "metadata.labels", enforcing("privileged"))
        assert stopped_by(privileged, recording) == {"pod-security"}


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_stricter_label_needs_no_policy(level: str) -> None:
    strict = changed(without(prod(), ":ValidatingAdmissionPolicy"), *NAMESPACE, "metadata.labels", enforcing(level))
    assert "pod-security" not in stopped_by(strict)


def test_two_graphs_need_a_policy_for_both() -> None:
    """Two graphs in either order: one on RDMA, one on TCP."""
    models = {"models.mail": {"model": "qwen3-32b", "layout": "aggregated"}}
    recording = record(ROOT, config(models))
    assert "pod-security" not in {verdict.policy for verdict in judge(recording)}
    only_chat = pod_security.policy("dynamo", UnrestrictedWorkers(on_gpus=["chat"], pinning=["chat"]), {})
    assert "pod-security" in stopped_by(changed(recording, *POLICY, "spec", only_chat["spec"]), recording)
