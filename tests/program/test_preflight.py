"""The program before it creates anything: every answer of Google Cloud, good and bad, through the mock monitor."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs

from infra import environment, preflight
from infra.preflight import COMPUTE_API_VARIABLE
from ops.offline.canned_answers import Canned
from ops.offline.recorded import ProgramFailed
from ops.offline.recording import record
from tests.google_answers import (
    ACCOUNT,
    API_OFF,
    BLOCK,
    BUCKET,
    CLIENT,
    CLUSTER,
    DENIED,
    KMS_KEY,
    LOGGED_OUT,
    MACHINE_TYPES,
    NOT_FOUND,
    PROJECT,
    QUOTA,
    RESERVATION,
    SUB_BLOCK,
    VERSIONS,
    Answer,
    CloudError,
    holds,
    limits,
)
from tests.loopback import listening
from tests.stacks import ROOT, config

TOKEN = "ya29.OnlyThisTestKnowsIt"


@dataclass
class Reported:
    """The requests and messages of a run."""

    asked: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> Reported:
    said = Reported()

    def warn(message: str, *_: object) -> None:
        if message.startswith("preflight: "):  # the plan's own have nothing to do with it
            said.warnings.append(message.removeprefix("preflight: "))

    def info(message: str, *_: object) -> None:
        said.infos.append(message)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    monkeypatch.setattr(pulumi.log, "info", info)
    return said


def run(reported: Reported, answers: Mapping[str, Answer], changes: dict[str, Any] | None = None) -> Reported:
    """Previews a stack, `answers` laid over the canned ones. By default without RDMA, since only that asks by HTTP."""

    given = config(NO_RDMA | (changes or {}))
    canned = Canned(given)

    def answered(args: MockCallArgs) -> dict[str, Any]:
        reported.asked.setdefault(args.token, []).append(args.args)
        answer = {CLUSTER: {}, **answers}.get(args.token)  # as if there was no cluster yet
        if isinstance(answer, CloudError):
            raise answer
        return canned(args) if answer is None else answer

    try:
        record(ROOT, given, answers=answered)
    except ProgramFailed as failed:
        head, *reported.refusals = str(failed).splitlines()
        assert head == "Google Cloud cannot provide what is planned (skip this with `preflight: false`)"
    return reported


NO_RDMA: dict[str, Any] = {
    "network": {"rdma": "none"},
    "models.chat.layout": "single-node",
    "models.chat.kvTransfer": "tcp",
}
SPOT = {"capacity": {"mode": "spot"}}


def reserved(name: str) -> dict[str, Any]:
    return {"capacity": {"mode": "reservation", "reservation": name}}


def runs(nodes: int, named: str = "my-h200") -> dict[str, Any]:
    """Our cluster, with a pool on a reservation."""
    affinity = {"consumeReservationType": "SPECIFIC_RESERVATION", "values": [named]}
    return {
        "masterVersion": "1.35.8-gke.1036000",
        "nodePools": [
            {"name": "system", "nodeCount": 2, "nodeConfigs": [{"machineType": "n2-standard-16"}]},
            {"name": "shared", "nodeCount": nodes, "nodeConfigs": [{"reservationAffinities": [affinity]}]},
        ],
    }


@dataclass(frozen=True)
class Case:
    name: str
    answers: Mapping[str, Answer]
    says: str
    """A refusal, or for OPEN cases a warning. Empty when nothing is said."""
    changes: dict[str, Any] = field(default_factory=dict)


FAILED = [
    Case("zone without the machine", {MACHINE_TYPES: {"machineTypes": []}},
         "location.zone: europe-west1-b does not offer a3-ultragpu-8g"),
    Case("no version offered", {VERSIONS: {}}, "channel REGULAR of GKE in europe-west1 offers no version 1.35.x"),
    Case("version of another channel only",
         {VERSIONS: {"latestMasterVersion": "1.35.8-gke.1", "releaseChannelLatestVersion": {"RAPID": "1.35.8-gke.1"}}},
         "channel STABLE of GKE in europe-west1 offers no version", {"cluster": {"releaseChannel": "stable"}}),
    Case("cluster too old", {CLUSTER: runs(1) | {"masterVersion": "1.32.1-gke.1"}},
         "the cluster runs 1.32.1-gke.1, older than 1.32.2-gke.1652000", {"capacity": {"mode": "flexStart"}}),
    Case("reservation missing", {RESERVATION: NOT_FOUND}, "my-h200 is not in zone europe-west1-b of project my"),
    Case("reservation missing, shown by an empty answer", {RESERVATION: {}},
         "`gcloud compute reservations list --project=my-project --filter=name=my-h200`"),
    Case("reservation missing at its owner", {RESERVATION: NOT_FOUND}, "not in zone europe-west1-b of project o-wner",
         reserved("projects/o-wner/reservations/my-h200")),
    Case("block missing", {BLOCK: NOT_FOUND}, "my-h200/reservationBlocks/b is not in zone europe-west1-b",
         reserved("my-h200/reservationBlocks/b")),
    Case("other machines", {RESERVATION: holds(9, 0, machine="https://x/zones/z/machineTypes/a3-megagpu-8g")},
         "holds a3-megagpu-8g, not a3-ultragpu-8g"),
    Case("not ready", {RESERVATION: holds(9, 0, status="DELETING")}, "is DELETING, not READY"),
    Case("too few free", {RESERVATION: holds(2, 2)}, "has 2 machines, 2 in use, but 1 are needed"),
    Case("too few free beside ours", {RESERVATION: holds(2, 2), CLUSTER: runs(1, "another")},
         "has 2 machines, 2 in use, but 1 are needed"),
    Case("too few free in the block", {BLOCK: {"blockCount": 4, "inUseCount": 4}}, "has 4 machines, 4 in use",
         reserved("my-h200/reservationBlocks/b")),
    Case("too few free in the sub-block", {SUB_BLOCK: {"subBlockCount": 3, "inUseCount": 3}},
         "has 3 machines, 3 in use", reserved("my-h200/reservationBlocks/b/reservationSubBlocks/s")),
    Case("quota too small", {QUOTA: limits("7", "europe-west1")}, "in europe-west1 is 7, but", SPOT),
    Case("quota of nought", {QUOTA: limits("", "europe-west1")}, "in europe-west1 is 0, but", SPOT),
    Case("quota of the family too small", {QUOTA: limits("4", "europe-west1", gpu_family="NVIDIA_H200")},
         "GPUS-PER-GPU-FAMILY-per-project-region in europe-west1 is 4", {"capacity": {"mode": "onDemand"}}),
]  # fmt: skip


@pytest.mark.parametrize("case", FAILED, ids=lambda c: c.name)
def test_a_bad_answer_stops_the_program(case: Case, reported: Reported) -> None:
    run(reported, case.answers, case.changes)
    (refusal,) = reported.refusals
    assert case.says in refusal
    assert (reported.warnings, reported.infos) == ([], [])


OPEN = [
    Case("API off", {QUOTA: API_OFF}, "`gcloud services enable cloudquotas.googleapis.com --project=my-project`", SPOT),
    Case("permission denied", {MACHINE_TYPES: DENIED}, "roles/compute.viewer is missing"),
    Case("versions not answered", {VERSIONS: API_OFF}, "`gcloud services enable container.googleapis.com"),
    Case("permission denied by the owner", {RESERVATION: DENIED},
         "`gcloud projects add-iam-policy-binding o-wner --role=roles/compute.viewer --member=YOURS`",
         reserved("projects/o-wner/reservations/my-h200")),
    Case("permission denied in the block", {BLOCK: DENIED}, "roles/compute.viewer is missing",
         reserved("my-h200/reservationBlocks/b")),
    Case("in use by whom, may not be asked", {RESERVATION: holds(2, 2), CLUSTER: DENIED},
         "this stack's share of those is unknown: roles/container.viewer is missing"),
    Case("a reservation of no machines", {RESERVATION: {"status": "READY"}}, "names no machine type"),
    Case("more than enough for now", {RESERVATION: holds(1, 0)}, "not for the 2 that an autoscaler may request",
         {"models.chat": {"model": "llama-3.3-70b-instruct", "layout": "aggregated",
                          "autoscaling": {"worker": {"min": 2, "max": 3}}}}),
    Case("region without the quota", {QUOTA: limits("64", "us-east4")}, "no limit is listed for europe-west1", SPOT),
    Case("no such quota", {QUOTA: {}}, "no limit is listed for europe-west1", SPOT),
    Case("no credentials", {MACHINE_TYPES: CloudError("could not find default credentials")},
         "could not find default credentials"),
    Case("not logged in", {MACHINE_TYPES: LOGGED_OUT}, "; `gcloud auth application-default login`"),
]  # fmt: skip


@pytest.mark.parametrize("case", OPEN, ids=lambda c: c.name)
def test_what_is_not_answered_warns_and_goes_on(case: Case, reported: Reported) -> None:
    run(reported, case.answers, case.changes)
    (warning,) = reported.warnings
    assert case.says in warning
    assert reported.refusals == []
    assert len(reported.infos) == 1


PASSED = [
    Case("all as canned", {}, ""),
    Case("all in use, by us", {RESERVATION: holds(1, 1), CLUSTER: runs(1)}, ""),
    Case("all of the block in use, by us", {BLOCK: {"blockCount": 1, "inUseCount": 1}, CLUSTER: runs(1)}, "",
         reserved("my-h200/reservationBlocks/b")),
    Case("minor no longer offered, cluster gone on", {VERSIONS: {}, CLUSTER: runs(1)}, ""),
    Case("quota without limit", {QUOTA: limits("-1", "europe-west1")}, "", SPOT),
    Case("quota just enough", {QUOTA: limits("8", "europe-west1", region="europe-west1")}, "", SPOT),
]  # fmt: skip


@pytest.mark.parametrize("case", PASSED, ids=lambda c: c.name)
def test_a_good_answer_is_only_counted(case: Case, reported: Reported) -> None:
    run(reported, case.answers, case.changes)
    assert (reported.refusals, reported.warnings) == ([], [])
    assert reported.infos == ["preflight: 4 of 4 checks passed"]


def test_all_refusals_come_in_one_message(reported: Reported) -> None:
    run(reported, {VERSIONS: {}, MACHINE_TYPES: {"machineTypes": []}, RESERVATION: NOT_FOUND})
    assert [refusal.partition(":")[0] for refusal in reported.refusals] == [
        "channel REGULAR of GKE in europe-west1 offers no version 1.35.x; see `gcloud container get-server-config "
        "--region=europe-west1 --project=my-project`",
        "location.zone",
        "capacity.reservation",
    ]


def test_a_refusal_comes_before_anything_is_registered(reported: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_early(*_: object) -> None:
        raise AssertionError("a component was made first")

    for component in ("ProjectServices", "NodeIdentity", "WeightsBucket", "Network", "Observability"):
        monkeypatch.setattr(environment, component, too_early)
    run(reported, {MACHINE_TYPES: {"machineTypes": []}})
    assert len(reported.refusals) == 1


def test_everything_is_asked_where_it_is(reported: Reported) -> None:
    run(reported, {}, reserved("projects/my-project/reservations/r/reservationBlocks/b/reservationSubBlocks/s"))
    there = {"project": "my-project", "zone": "europe-west1-b"}
    assert reported.asked[MACHINE_TYPES] == [
        {"project": "my-project", "zone": "europe-west1-b", "filter": 'name = "a3-ultragpu-8g"'}
    ]
    assert reported.asked[RESERVATION] == [{"name": "r", **there}]
    assert reported.asked[SUB_BLOCK] == [{"name": "s", "reservation": "r", "reservationBlock": "b", **there}]
    assert BLOCK not in reported.asked


@pytest.mark.parametrize("error", [API_OFF, DENIED, None], ids=["off", "denied", "answered"])
def test_in_a_fresh_project_a_second_up_is_announced_once(
    reported: Reported, monkeypatch: pytest.MonkeyPatch, error: CloudError | None
) -> None:
    said: list[str] = []

    def warn(message: str, *_: object) -> None:
        said.append(message)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    run(reported, {MACHINE_TYPES: error, RESERVATION: error} if error else {})
    assert sum("run it again" in message for message in said) == (error is API_OFF)


def test_without_gpus_only_the_version_is_asked(reported: Reported) -> None:
    run(reported, {}, {"models.chat": {"model": "qwen3-0.6b", "layout": "simulated"}})
    assert reported.infos == ["preflight: 2 of 2 checks passed"]
    assert not {MACHINE_TYPES, RESERVATION, QUOTA, CLIENT, CLUSTER, PROJECT} & set(reported.asked)


BUDGET: dict[str, Any] = {
    "budget": {"monthly": 1000, "currency": "EUR", "emails": ["a@example.com"]},
    "models.chat": {"model": "qwen3-0.6b", "layout": "simulated"},
    "weights": {"keep": False},
}


@pytest.mark.parametrize(
    ("answers", "refusal", "warning"),
    [
        ({ACCOUNT: {"currencyCode": "EUR"}}, "", ""),
        ({ACCOUNT: {"currencyCode": "USD"}}, "not the currency of billing account 000000-AAAAAA-BBBBBB, USD", ""),
        ({ACCOUNT: {}}, "", "has no currency"),
        ({ACCOUNT: DENIED}, "", "`gcloud billing accounts add-iam-policy-binding 000000-AAAAAA-BBBBBB "),
        ({ACCOUNT: API_OFF}, "", "cloudbilling.googleapis.com is off in project my-project"),
        ({PROJECT: {}}, "", "no billing account is visible"),
        ({PROJECT: DENIED}, "", "roles/browser is missing"),
    ],
)  # fmt: skip
def test_a_budget_asks_for_its_billing_account(
    answers: dict[str, Answer], refusal: str, warning: str, reported: Reported
) -> None:
    run(reported, answers, BUDGET)
    assert [refusal in said for said in reported.refusals] == ([True] if refusal else [])
    assert [warning in said for said in reported.warnings] == ([True] if warning else [])


def test_a_bucket_that_is_left_comes_with_its_import(reported: Reported) -> None:
    run(reported, {BUCKET: {"location": "EUROPE-WEST1"}})
    (warning,) = reported.warnings
    assert "Error 409" in warning
    assert (
        "`pulumi import --yes gcp:storage/bucket:Bucket weights-bucket my-project-dynamo-prod-weights --parent"
        in warning
    )


@pytest.mark.parametrize(("answer", "refused"), [(NOT_FOUND, True), ({"id": "x"}, False)])
def test_a_key_is_asked_for_where_it_is(reported: Reported, answer: Answer, refused: bool) -> None:
    ring = "projects/keys/locations/europe-west1/keyRings/gke"
    run(reported, {KMS_KEY: answer}, {"cluster": {"secretsKey": f"{ring}/cryptoKeys/secrets"}})
    assert reported.asked[KMS_KEY] == [{"name": "secrets", "keyRing": ring}]
    assert [f"there is no key secrets in {ring}" in refusal for refusal in reported.refusals] == [True] * refused


def test_switched_off_it_asks_nothing(reported: Reported) -> None:
    run(reported, dict.fromkeys([MACHINE_TYPES, RESERVATION], DENIED), {"preflight": False})
    assert not {MACHINE_TYPES, RESERVATION, QUOTA, CLIENT, CLUSTER} & set(reported.asked)
    assert (reported.refusals, reported.warnings, reported.infos) == ([], [], [])


# The RoCE profile, by HTTP.

WITH_RDMA: dict[str, Any] = {"network": {"rdma": "dranet"}}
PROFILE = "/compute/v1/projects/my-project/global/networkProfiles/europe-west1-b-vpc-roce"


OPERATOR = {
    "metadata": {"namespace": "nvidia", "labels": {"app.kubernetes.io/version": "1.6.1"}},
    "spec": {"template": {"spec": {"containers": [{"name": "manager"}]}}},
}


@dataclass
class Api:
    """The Compute API on loopback: the same answer to every request, and the requests that it got."""

    status: int = 200
    body: str = "{}"
    location: str = ""
    url: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.requests.append((self.path, self.headers["Authorization"]))
                self.send_response(api.status)
                if api.location:
                    self.send_header("Location", api.location)
                self.end_headers()
                self.wfile.write(api.body.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    api = Api()
    with listening(api.handler) as url:
        api.url = url
        monkeypatch.setenv(COMPUTE_API_VARIABLE, f"{url}/compute/v1/")
        yield api


DEPLOYMENTS = "/apis/apps/v1/deployments?labelSelector=app.kubernetes.io/name%3Ddynamo-operator"


def ask_operators(reported: Reported, monkeypatch: pytest.MonkeyPatch, **answers: Answer) -> Reported:
    """Of an existing cluster whose API server is the loopback one: by HTTP, where the DNS endpoint has TLS."""
    monkeypatch.setattr(preflight, "KUBERNETES_API", "{endpoint}")
    return run(reported, {CLIENT: {"accessToken": TOKEN}, **answers}, {"cluster": {"existing": {"name": "shared"}}})


def cluster_at(url: str) -> dict[str, Any]:
    access = [{"dnsEndpointConfigs": [{"endpoint": url, "allowExternalTraffic": True}]}]
    there = Canned()(MockCallArgs(token=CLUSTER, args={"project": "my-project"}, provider=""))
    return {**there, "controlPlaneEndpointsConfigs": access}


@pytest.mark.parametrize(
    ("status", "body", "refused", "warned"),
    [
        (200, '{"items": []}', "", ""),
        (200, json.dumps({"items": [OPERATOR]}), "use it with cluster.existing.platform: shared", ""),
        (403, '{"reason": "Forbidden"}', "", "roles/container.viewer is missing"),
        (200, "<html>", "", "gave no list of Deployments; look with `kubectl --context gke_my-project_europe-west1_"),
        (200, '{"items": [{}]}', "", "gave no list of Deployments"),
    ],
)
def test_the_cluster_is_asked_for_operators(
    reported: Reported, api: Api, monkeypatch: pytest.MonkeyPatch, status: int, body: str, refused: str, warned: str
) -> None:
    api.status, api.body = status, body
    ask_operators(reported, monkeypatch, **{CLUSTER: cluster_at(api.url)})
    assert api.requests == [(DEPLOYMENTS, f"Bearer {TOKEN}")]
    assert [refused in text for text in reported.refusals] == ([True] if refused else [])
    assert any(warned in text for text in reported.warnings)
    assert TOKEN not in str((reported.refusals, reported.warnings))


def test_a_cluster_that_only_a_context_knows_is_not_asked(reported: Reported) -> None:
    run(reported, {CLIENT: {"accessToken": TOKEN}}, {"cluster": {"existing": {"context": "lab"}}})
    assert any(
        "look with `kubectl --context lab get deployments --all-namespaces" in text for text in reported.warnings
    )
    assert reported.refusals == []


def ask_profile(reported: Reported) -> Reported:
    return run(reported, {CLIENT: {"accessToken": TOKEN}}, WITH_RDMA)


def test_a_zone_with_the_profile(reported: Reported, api: Api) -> None:
    ask_profile(reported)
    assert api.requests == [(PROFILE, f"Bearer {TOKEN}")]
    assert (reported.refusals, reported.warnings) == ([], [])
    assert reported.infos == ["preflight: 5 of 5 checks passed"]


def test_a_zone_without_the_profile_is_refused(reported: Reported, api: Api) -> None:
    api.status = 404
    ask_profile(reported)
    (refusal,) = reported.refusals
    assert refusal.startswith("network.rdma: network profile europe-west1-b-vpc-roce does not exist")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (403, '{"reason": "SERVICE_DISABLED"}', "`gcloud services enable compute.googleapis.com --project=my-project`"),
        (403, '{"reason": "forbidden"}', "roles/compute.viewer is missing"),
        (401, f"not you, {TOKEN}", "Error 401"),
        (503, "later", "Error 503"),
        (204, "", "Error 204"),
    ],
)
def test_another_answer_about_the_profile_warns(
    reported: Reported, api: Api, status: int, body: str, says: str
) -> None:
    api.status, api.body = status, body
    ask_profile(reported)
    (warning,) = reported.warnings
    assert says in warning
    assert TOKEN not in warning
    assert reported.refusals == []


def test_the_token_goes_to_the_api_and_nowhere_else(reported: Reported, api: Api) -> None:
    elsewhere = Api()
    with listening(elsewhere.handler) as url:
        api.status, api.location = 302, f"{url}{PROFILE}"
        ask_profile(reported)
    assert len(api.requests) == 1
    assert elsewhere.requests == []
    (warning,) = reported.warnings
    assert "Error 302" in warning


def test_an_api_that_is_not_there_warns(reported: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(BaseHTTPRequestHandler) as gone:
        pass
    monkeypatch.setenv(COMPUTE_API_VARIABLE, gone)
    ask_profile(reported)
    (warning,) = reported.warnings
    assert f"{gone} was not reached" in warning
    assert TOKEN not in warning


def test_a_token_of_unknown_form_is_not_printed(reported: Reported, api: Api) -> None:
    run(reported, {CLIENT: {"accessToken": "two\nlines"}}, WITH_RDMA)
    assert api.requests == []
    (warning,) = reported.warnings
    assert "was not reached: ValueError" in warning
    assert "lines" not in warning


def test_without_a_token_nothing_is_sent(reported: Reported, api: Api) -> None:
    run(reported, {CLIENT: {"accessToken": ""}}, WITH_RDMA)
    assert api.requests == []
    (warning,) = reported.warnings
    assert "the provider has no access token" in warning


def test_who_may_not_read_the_placeholders_project_is_asked_whether_it_is_theirs(reported: Reported) -> None:
    (warning,) = run(reported, {MACHINE_TYPES: DENIED}).warnings
    assert "is my-project the placeholder of the shipped stack file?" in warning
    reported.warnings.clear()
    (warning,) = run(reported, {MACHINE_TYPES: DENIED}, {"gcp:project": "our-project"}).warnings
    assert "placeholder" not in warning
