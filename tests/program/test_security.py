"""The security of a stack: nodes and control plane, identities, the token, Pod Security levels."""

import contextvars
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ops.offline import stackfile
from ops.offline.canned_answers import Canned
from ops.offline.recorded import Recording, Resource
from ops.offline.recording import record, record_program, run_main
from policies.pods import containers, pod_specs
from tests.program.test_stacks import SECRET_VALUE, every_stack, needs, of_type, run_with_token
from tests.stacks import ROOT, config, planned, recorded

KEY = "projects/keys/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"


def run(*overrides: str, stack: str = "prod", preview: bool = True) -> Recording:
    return record(ROOT, stackfile.read(ROOT, stack, overrides), preview=preview)


def named(recording: Recording, name: str) -> Resource:
    (found,) = [resource for resource in recording.resources if resource.name == name]
    return found


@every_stack
def test_nodes_and_control_plane_are_closed(stack: str) -> None:
    (cluster,) = of_type(recorded(stack), "cluster:Cluster")
    assert cluster.inputs["privateClusterConfig"] == {"enablePrivateNodes": True}
    endpoints = cluster.inputs["controlPlaneEndpointsConfig"]
    assert endpoints["ipEndpointsConfig"] == {"enabled": False}
    assert endpoints["dnsEndpointConfig"] == {"allowExternalTraffic": True}
    assert cluster.inputs["enableShieldedNodes"] is True
    assert cluster.inputs["datapathProvider"] == "ADVANCED_DATAPATH"  # enforces network policies
    assert cluster.inputs["workloadIdentityConfig"] == {"workloadPool": "my-project.svc.id.goog"}
    pools = of_type(recorded(stack), ":NodePool")
    assert pools
    assert all(pool.inputs["networkConfig"]["enablePrivateNodes"] is True for pool in pools)


@every_stack
def test_nodes_have_secure_boot_and_serve_no_legacy_metadata(stack: str) -> None:
    built = (*of_type(recorded(stack), "cluster:Cluster"), *of_type(recorded(stack), ":NodePool"))
    for node in (resource.inputs["nodeConfig"] for resource in built):
        assert node["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
        assert node["metadata"] == {"disable-legacy-endpoints": "true"}
        assert node["kubeletConfig"] == {"insecureKubeletReadonlyPortEnabled": "FALSE"}
    for pool in of_type(recorded(stack), ":NodePool"):
        assert pool.inputs["nodeConfig"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}


@every_stack
def test_every_container_that_fails_leaves_its_last_words(stack: str) -> None:
    pods = [pod for resource in recorded(stack).resources for pod in pod_specs(resource.type, resource.inputs)]
    found = [container for pod in pods for container in containers(pod)]
    assert len(found) >= 3
    assert {container.get("terminationMessagePolicy") for container in found} == {"FallbackToLogsOnError"}


def test_binary_authorization_is_a_switch_with_a_warning() -> None:
    (warning,) = {*planned({"cluster": {"binaryAuthorization": True}}).warnings} - {*planned().warnings}
    assert all(registry in warning for registry in ("nvcr.io", "us-docker.pkg.dev/gce-ai-infra", "gke.gcr.io"))
    (off,) = of_type(recorded("prod"), "cluster:Cluster")
    (on,) = of_type(run("cluster.binaryAuthorization=true"), "cluster:Cluster")
    assert off.inputs["binaryAuthorization"] == {"evaluationMode": "DISABLED"}
    assert on.inputs["binaryAuthorization"] == {"evaluationMode": "PROJECT_SINGLETON_POLICY_ENFORCE"}


def test_gke_may_use_the_key_before_the_cluster_is_made() -> None:
    recording = run(f"cluster.secretsKey={KEY}", "models.chat.model=qwen3-32b", preview=False)
    (cluster,) = of_type(recording, "cluster:Cluster")
    assert cluster.inputs["databaseEncryption"] == {"state": "ENCRYPTED", "keyName": KEY}
    (grant,) = of_type(recording, ":CryptoKeyIAMMember")
    assert grant.inputs == {
        "cryptoKeyId": KEY,
        "member": "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com",
        "role": "roles/cloudkms.cryptoKeyEncrypterDecrypter",
    }
    assert grant.urn in needs(recording, cluster.urn)
    assert grant.options["retainOnDelete"]  # without the grant, a still encrypted cluster would be lost
    (plain,) = of_type(recorded("prod"), "cluster:Cluster")
    assert "databaseEncryption" not in plain.inputs
    assert of_type(recorded("prod"), ":SecretsKeyGrant") == []


@every_stack
def test_no_graph_serves_before_it_is_fenced_and_known(stack: str) -> None:
    recording = recorded(stack)
    found = of_type(recording, ":NetworkPolicy")
    fences = {policy.name for policy in found if policy.inputs["metadata"]["namespace"] == "dynamo"}
    assert fences == {"policies-default-deny", "policies-chat-pods", "policies-chat-clients"}
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    before = {urn.rpartition("::")[2] for urn in needs(recording, graph.urn)}
    assert fences | {"chat-identity-account", "chat-identity-binding"} <= before


@every_stack
def test_no_pod_comes_before_the_rules_for_pods(stack: str) -> None:
    recording = recorded(stack)
    rules = {of_type(recording, kind)[0].urn for kind in (":ValidatingAdmissionPolicy", "PolicyBinding")}
    inside = [r for r in recording.resources if (r.inputs.get("metadata") or {}).get("namespace") == "dynamo"]
    assert {"Job", "DynamoGraphDeployment"} <= {r.type.rpartition(":")[2] for r in inside}
    for resource in (*inside, named(recording, "workloads-namespace")):
        assert rules <= needs(recording, resource.urn), resource.name


@every_stack
def test_the_operator_is_fenced_before_it_runs(stack: str) -> None:
    recording = recorded(stack)
    namespace, fence = named(recording, "platform-namespace"), named(recording, "platform-network-policy")
    levels = {key.rpartition("/")[2]: value for key, value in namespace.inputs["metadata"]["labels"].items()}
    assert (levels["enforce"], levels["audit"], levels["warn"]) == ("baseline", "restricted", "restricted")
    assert fence.inputs["metadata"]["namespace"] == namespace.inputs["metadata"]["name"] == "dynamo-system"
    assert {namespace.urn, fence.urn} <= needs(recording, named(recording, "platform-release").urn)


def test_an_operator_of_others_is_left_to_them() -> None:
    shared = record(ROOT, config({"cluster.existing": {"name": "shared", "platform": "shared"}}))
    namespaces = {r.inputs["metadata"]["name"] for r in of_type(shared, ":Namespace")}
    assert namespaces == {r.inputs["metadata"]["namespace"] for r in of_type(shared, ":NetworkPolicy")}
    assert namespaces == {"dynamo-prod"}


@every_stack
def test_the_account_of_a_graph_may_find_its_peers(stack: str) -> None:
    recording = recorded(stack)
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    account = named(recording, "chat-identity-account").inputs["metadata"]["name"]
    binding = named(recording, "chat-identity-binding").inputs
    assert {c["podTemplate"]["spec"]["serviceAccountName"] for c in graph.inputs["spec"]["components"]} == {account}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "dynamo"}]
    assert binding["roleRef"]["name"] == "chat-k8s-service-discovery-role"


@pytest.mark.parametrize("given", ["none", "internal", "gateway"])
def test_the_verification_is_admitted_under_every_exposure(given: str) -> None:
    more = ["endpoint.domain=llm.example.com", "endpoint.allowedCidrs[0]=203.0.113.0/24"] if given == "gateway" else []
    recording = run(f"endpoint.exposure={given}", *more)
    labels = named(recording, "chat-proof-job").inputs["spec"]["template"]["metadata"]["labels"]
    rules = named(recording, "policies-chat-pods").inputs["spec"]["ingress"]
    assert {"podSelector": {"matchLabels": labels}} in [peer for rule in rules for peer in rule["from"]]
    clients = named(recording, "policies-chat-clients").inputs["spec"]["ingress"][0]["from"]
    ranges = [peer["ipBlock"]["cidr"] for peer in clients if "ipBlock" in peer]
    proxies = named(recording, "network-proxies").inputs["ipCidrRange"]
    assert (proxies in ranges) is (given == "gateway")
    assert ("10.0.0.0/8" in ranges) is (given == "internal")


# Capabilities that Baseline lets a container add.
ADDABLE = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
    *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}


def against_baseline(pod: Mapping[str, Any]) -> Iterator[str]:
    """Violations of the Baseline level by a pod, in the fields that these pods could have."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    yield from ("hostPath" for volume in pod.get("volumes", []) if "hostPath" in volume)
    for container in containers(pod):
        security = container.get("securityContext", {})
        if security.get("privileged"):
            yield "privileged"
        if security.get("procMount", "Default") != "Default":
            yield "procMount"
        yield from (
            f"capability {name}" for name in security.get("capabilities", {}).get("add", []) if name not in ADDABLE
        )
        yield from ("hostPort" for port in container.get("ports", []) if port.get("hostPort"))
    for security in (pod.get("securityContext", {}), *(c.get("securityContext", {}) for c in containers(pod))):
        if security.get("sysctls"):
            yield "sysctls"
        for profile in ("seccompProfile", "appArmorProfile"):
            if security.get(profile, {}).get("type") == "Unconfined":
                yield f"{profile} Unconfined"
        if {"user", "role"} & set(security.get("seLinuxOptions", {})):
            yield "seLinuxOptions"


@pytest.mark.parametrize(
    ("stack", "overrides", "level"),
    [
        ("dev", (), "baseline"),
        ("staging", (), "privileged"),
        ("staging", ("network.rdma=none", "models.chat.kvTransfer=tcp"), "baseline"),
        ("prod", (), "privileged"),
        ("prod", ("models.chat.layout=aggregated",), "baseline"),
        ("prod", ("models.next.model=qwen3-32b", "models.next.layout=aggregated"), "privileged"),
    ],
)
def test_pods_keep_to_the_level_that_is_enforced(stack: str, overrides: tuple[str, ...], level: str) -> None:
    recording = run(*overrides, stack=stack)
    labels = named(recording, "workloads-namespace").inputs["metadata"]["labels"]
    modes = {mode: labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")}
    assert modes == {"enforce": level, "audit": "baseline", "warn": "baseline"}
    pods = [pod for resource in recording.resources for pod in pod_specs(resource.type, resource.inputs)]
    assert len(pods) >= 4
    refused = {reason for pod in pods for reason in against_baseline(pod)}
    # Privileged only for what pinned memory takes, and for nothing else.
    assert refused == (set() if level == "baseline" else {"capability IPC_LOCK", "capability SYS_RESOURCE"})


def test_baseline_as_written_here_refuses_what_it_should() -> None:
    pod = {
        "hostPID": True,
        "volumes": [{"name": "dev", "hostPath": {"path": "/dev"}}],
        "containers": [
            {
                "name": "main",
                "ports": [{"containerPort": 1, "hostPort": 1}],
                "securityContext": {"privileged": True, "seccompProfile": {"type": "Unconfined"}},
            }
        ],
    }
    wanted = ["hostPID", "hostPath", "privileged", "hostPort", "seccompProfile Unconfined"]
    assert list(against_baseline(pod)) == wanted


def with_secret_manager(secret: str | None, *, preview: bool = False) -> Recording:
    """The prod stack with its token in Secret Manager, in a named secret or in one that Pulumi fills."""
    given = stackfile.read(ROOT, "prod", ["secrets.store=secretManager"])
    values = {**given.values, "dynamo-gke:hfToken": SECRET_VALUE}
    if secret:
        values = {
            **given.values,
            "dynamo-gke:secrets": json.dumps({"store": "secretManager", "hfToken": secret}),
        }
    return contextvars.copy_context().run(
        record_program,
        lambda: run_main(ROOT),
        stack="prod",
        config=values,
        secret_keys=[] if secret else ["dynamo-gke:hfToken"],
        preview=preview,
        answers=Canned(given),
    )


def token_objects(recording: Recording) -> set[str]:
    return {r.type.rpartition(":")[2] for r in recording.resources if r.name.startswith("token-")}


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_a_token_that_pulumi_puts_into_secret_manager_shows_nowhere(preview: bool) -> None:
    recording = with_secret_manager(None, preview=preview)
    assert {r.name: r.secret_paths for r in recording.resources if r.secret_paths} == {"token-version": ("secretData",)}
    assert SECRET_VALUE not in json.dumps([r.to_wire() for r in recording.resources]) + json.dumps(recording.outputs)
    assert named(recording, "token-secret").inputs["secretId"] == "dynamo-prod-hf-token"


def test_a_token_that_is_in_secret_manager_never_passes_through_pulumi() -> None:
    recording = with_secret_manager("hf-token-of-the-team")
    assert [r.name for r in recording.resources if r.secret_paths] == []
    assert of_type(recording, "secret:Secret") + of_type(recording, ":SecretVersion") == []
    source = named(recording, "token-source").inputs["spec"]["parameters"]["secrets"]
    assert "projects/my-project/secrets/hf-token-of-the-team/versions/latest" in source


@pytest.mark.parametrize("secret", [None, "theirs"])
def test_the_copy_is_the_secret_that_pods_read(secret: str | None) -> None:
    recording = with_secret_manager(secret)
    assert of_type(recording, "core/v1:Secret") == []  # otherwise two writers would exist
    sync = named(recording, "token-sync").inputs
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    fetch = named(recording, "model-weights-llama-3.3-70b-instruct")
    (reader,) = fetch.inputs["spec"]["template"]["spec"]["containers"]
    assert reader["envFrom"] == [{"secretRef": {"name": sync["metadata"]["name"]}}]
    assert [d["targetKey"] for d in sync["spec"]["secretObject"]["data"]] == ["HF_TOKEN"]
    assert named(recording, "token-source").inputs["metadata"]["name"] == sync["spec"]["secretProviderClassName"]
    (cluster,) = of_type(recording, "cluster:Cluster")
    assert cluster.inputs["secretSyncConfig"] == {"enabled": True, "rotationConfig": {"enabled": True}}
    for late in (graph, fetch):
        assert named(recording, "token-sync").urn in needs(recording, late.urn)


@pytest.mark.parametrize(("secret", "physical"), [(None, "dynamo-prod-hf-token"), ("theirs", "theirs")])
def test_one_account_may_read_one_secret(secret: str | None, physical: str) -> None:
    recording = with_secret_manager(secret)
    (grant,) = of_type(recording, ":SecretIamMember")
    assert grant.inputs == {
        "member": "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/"
        "my-project.svc.id.goog/subject/ns/dynamo/sa/secret-sync",
        "project": "my-project",
        "role": "roles/secretmanager.secretAccessor",
        "secretId": physical,
    }
    assert named(recording, "token-account").inputs["automountServiceAccountToken"] is False
    assert grant.urn in needs(recording, named(recording, "token-sync").urn)


def test_secret_manager_is_left_alone_where_no_model_is_gated() -> None:
    recording = run("secrets.store=secretManager", "models.chat.model=qwen3-32b")
    assert token_objects(recording) == set()
    (cluster,) = of_type(recording, "cluster:Cluster")
    assert cluster.inputs["secretSyncConfig"] == {"enabled": False}


def test_by_default_the_token_is_a_secret_of_the_cluster() -> None:
    recording = run_with_token("prod", preview=False)
    assert token_objects(recording) == set()
    (secret,) = of_type(recording, "core/v1:Secret")
    assert secret.inputs["metadata"]["name"] == "hf-token"


def test_a_graph_reads_the_bucket_as_itself() -> None:
    both = {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}
    recording = record(ROOT, config({"models": {"chat": both, "batch": both}}), preview=False)
    readers = [m for m in of_type(recording, ":BucketIAMMember") if m.inputs["role"] == "roles/storage.objectViewer"]
    assert sorted(m.inputs["member"].rpartition("/")[2] for m in readers) == ["batch-runtime", "chat-runtime"]
    accounts = {a.inputs["metadata"]["name"] for a in of_type(recording, ":ServiceAccount")}
    assert {"batch-runtime", "chat-runtime"} <= accounts
