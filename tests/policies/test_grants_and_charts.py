"""Grants and Helm charts: only the program's own pass."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from ops.offline import stackfile
from ops.offline.recorded import UNKNOWN, Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from planning import names, platform
from policies import kinds
from tests.policies.mutations import added, changed, judged_by_others, prod
from tests.stacks import ROOT

PROJECT, KEY, SECRET, BUCKET = kinds.PROJECT_GRANT, kinds.KEY_GRANT, kinds.SECRET_GRANT, kinds.BUCKET_GRANT
NODES = "serviceAccount:dynamo-prod-nodes@my-project.iam.gserviceaccount.com"
AGENT = "serviceAccount:service-12@container-engine-robot.iam.gserviceaccount.com"
READER, NODE_ROLE = "roles/artifactregistry.reader", "roles/container.defaultNodeServiceAccount"
ACCESSOR, USER, VIEWER = "roles/secretmanager.secretAccessor", "roles/storage.objectUser", "roles/storage.objectViewer"
NETWORKS, ENCRYPTER = "roles/compute.networkAdmin", "roles/cloudkms.cryptoKeyEncrypterDecrypter"


def pod(account: str, project: str = "my-project") -> str:
    return names.principal(project, "12", "dynamo", account)


def grant(kind: str, role: str, member: str, **inputs: Any) -> Recording:
    """The prod stack with one more grant, with the provider of its other grants."""
    project = {"project": "my-project"} if kind in (PROJECT, SECRET) else {}
    recording = added(prod(), kind, {"role": role, "member": member, **project, **inputs})
    provider = next(r.provider for r in prod().resources if r.type in kinds.GRANTS)
    new = replace(recording.resources[-1], provider=provider)
    return replace(recording, resources=(*(r for r in recording.resources if r.urn == provider), new))


def stopped_by(recording: Recording) -> set[str]:
    """The rules that stop the last resource."""
    return {v.policy for v in judged_by_others(recording) if v.urn == recording.resources[-1].urn}


FOREIGN = [
    "serviceAccount:x@attacker-proj.iam.gserviceaccount.com",
    "serviceAccount:dynamo-prod-nodes@my-project2.iam.gserviceaccount.com",
    "serviceAccount:dynamo-prod-nodes@my-projectxiam.gserviceaccount.com",
    "serviceAccount:123-compute@developer.gserviceaccount.com",
    "serviceAccount:123@cloudservices.gserviceaccount.com",
    "serviceAccount:my-project@appspot.gserviceaccount.com",
    "serviceAccount:service-12@my-project.iam.gserviceaccount.com",
    "serviceAccount:service-12@compute-system.iam.gserviceaccount.com",
    "serviceAccount:attacker.svc.id.goog[default/default]",
    "serviceAccount:my-project.svc.id.goog[default/default]",
    pod("weights-writer", "attacker"), pod("secret-sync", "attacker"), pod("chat-runtime", "attacker"),
    pod("default"), pod("x"),
    "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x/subject/ns/a/sa/chat-runtime",
    "user:x@example.com", "allUsers", "",
]  # fmt: skip
MADE = [
    (PROJECT, READER, NODES), (PROJECT, NODE_ROLE, NODES), (PROJECT, NETWORKS, AGENT), (KEY, ENCRYPTER, AGENT),
    (SECRET, ACCESSOR, pod("secret-sync")), (BUCKET, USER, pod("weights-writer")),
    (BUCKET, VIEWER, pod("chat-runtime")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "role", "member"), MADE)
def test_a_grant_of_the_program_passes(kind: str, role: str, member: str) -> None:
    assert stopped_by(grant(kind, role, member)) == set()
    assert stopped_by(grant(kind, role, UNKNOWN)) == set()


@pytest.mark.parametrize(
    ("kind", "role", "member"),
    [
        *((kind, role, member) for kind, role, _ in MADE for member in FOREIGN),
        # Valid roles on another type of resource or for another account of the program.
        *((PROJECT, role, NODES) for role in (ACCESSOR, USER, VIEWER, ENCRYPTER, NETWORKS)),
        *((PROJECT, role, pod("weights-writer")) for role in (USER, READER, NODE_ROLE)),
        *((PROJECT, role, AGENT) for role in (READER, NODE_ROLE, ENCRYPTER)),
        (BUCKET, VIEWER, NODES), (BUCKET, USER, pod("chat-runtime")), (BUCKET, USER, AGENT),
        (SECRET, ACCESSOR, pod("chat-runtime")), (SECRET, ACCESSOR, NODES), (KEY, ENCRYPTER, NODES),
        (PROJECT, USER, UNKNOWN),
    ],
)  # fmt: skip
def test_a_grant_that_the_program_does_not_make_is_stopped(kind: str, role: str, member: str) -> None:
    assert stopped_by(grant(kind, role, member)) == {"known-grants"}


@pytest.mark.parametrize(
    ("member", "stopped"),
    [(NODES, False), (pod("x"), False), (pod("default"), True), (AGENT, True), (FOREIGN[0], True), (FOREIGN[3], True)],
)
def test_a_role_can_be_allowed_for_accounts_of_the_project(member: str, stopped: bool) -> None:
    role = "roles/logging.viewer"
    verdicts = judged_by_others(grant(BUCKET, role, member), {"known-grants": {"roles": [role]}})
    assert ("known-grants" in {v.policy for v in verdicts}) == stopped


def release(**inputs: Any) -> Recording:
    """The program's Release with changed inputs."""
    (own,) = (r for r in prod().resources if r.type == kinds.RELEASE)
    return replace(prod(), resources=(replace(own, inputs={**deepcopy(own.inputs), **inputs}),))


def with_value(path: str, value: Any) -> Recording:
    return changed(release(), ":Release", "platform-release", f"values.{path}", value)


def test_the_release_of_the_program_passes() -> None:
    assert stopped_by(release()) == set()


UNSET = (
    *("allowNullValues", "dependencyUpdate", "devel", "disableCRDHooks", "disableOpenapiValidation", "disableWebhooks"),
    *("forceUpdate", "lint", "recreatePods", "renderSubchartNotes", "replace", "resetValues", "reuseValues"),
    *("skipAwait", "skipCrds", "verify", "waitForJobs"),
)
COMPLETED = dict.fromkeys(UNSET, False) | {
    "description": "", "keyring": "", "postrender": "", "checksum": "8a5e", "resourceNames": {"Pod/v1": ["x"]},
}  # fmt: skip
"""What pulumi-kubernetes adds to the Release once it reaches the cluster."""


def test_the_release_as_the_provider_completes_it_passes() -> None:
    assert not [v for v in judge(release(**COMPLETED)) if v.urn.endswith("::platform-release")]


@pytest.mark.parametrize("key", UNSET)
@pytest.mark.parametrize("value", [True, UNKNOWN, 0])
def test_an_input_that_the_provider_does_not_set_so_is_stopped(key: str, value: Any) -> None:
    found = judge(release(**{**COMPLETED, key: value}))
    assert {v.policy for v in found if v.urn.endswith("::platform-release")} == {"known-charts", "known-inputs"}


RELEASES = [
    release(chart="https://attacker.example/x.tgz"),
    release(chart="https://attacker.example/dynamo-platform-1.6.1.tgz"),
    release(chart=platform.chart("1.6.0")),
    release(chart=f"{platform.CHARTS}/../x/dynamo-platform-1.6.1.tgz"),
    release(chart=f"{platform.CHARTS}/grove-1.6.1.tgz"),
    release(chart="dynamo-platform", repositoryOpts={"repo": "https://attacker.example"}),
    release(repositoryOpts={"repo": "https://attacker.example"}),
    release(chart=None),
    release(name="second"),
    release(name=None),
    release(createNamespace=True),
    release(postrender="./x"),
    release(valueYamlFiles=[{"path": "x"}]),
    release(values={}),
    release(values=None),
    with_value("global.etcd.install", True),
    with_value("global.x", {}),
    with_value("dynamo-operator.controllerManager.manager", {"image": {"repository": "attacker.example/x"}}),
    with_value("dynamo-operator.controllerManager.replicas", 1),
    with_value("dynamo-operator.controllerManager.affinity.nodeAffinity", {}),
]


@pytest.mark.parametrize("recording", RELEASES)
def test_a_release_of_others_is_stopped(recording: Recording) -> None:
    assert stopped_by(recording) == {"known-charts"}


@pytest.mark.parametrize("key", ["chart", "values", "createNamespace", "name"])
def test_a_release_whose_inputs_are_unknown_is_stopped(key: str) -> None:
    assert "known-charts" in stopped_by(release(**{key: UNKNOWN}))


@pytest.mark.parametrize(
    "place", ["oci://registry.example/charts", "https://mirror.example/charts", "./charts", "/srv/charts/"]
)
def test_a_mirror_can_be_allowed(place: str) -> None:
    def violated(**inputs: Any) -> bool:
        found = judged_by_others(release(**inputs), {"known-charts": {"allowed": [place]}})
        return "known-charts" in {v.policy for v in found}

    chart = platform.chart("1.6.1", place)
    assert not violated(chart=chart)
    assert violated(chart=chart, createNamespace=True)
    assert violated(chart=f"{place}/x-1.6.1.tgz")


def test_a_mirror_in_the_settings_is_stopped_until_the_policy_allows_it() -> None:
    mirror = "oci://registry.example/charts"
    mirrored = record(ROOT, stackfile.read(ROOT, "prod", [f"versions.charts={mirror}"]))
    stopped = {v.policy for v in judged_by_others(mirrored)} - {v.policy for v in judged_by_others(prod())}
    assert stopped == {"known-charts"}
    assert judged_by_others(mirrored, {"known-charts": {"allowed": [mirror]}}) == judged_by_others(prod())
