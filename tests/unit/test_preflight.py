"""The checks of a plan, and what each answer means; the order of GKE's versions."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.gke_versions import Floor, GkeVersion, parsed
from catalog.machines import gpu_machine
from catalog.purchases import ReservationRef
from planning.preflight import checks
from planning.preflight.billing import BillingInCurrency
from planning.preflight.bucket import BucketNotLeftOver
from planning.preflight.check import CheckResult, Verdict, explained, is_missing
from planning.preflight.cluster import Cluster, GkeVersionOffered, Unknown
from planning.preflight.operator import Operator, OperatorFits, operators_in
from planning.preflight.quota import Limit, QuotaSufficient
from planning.preflight.reservation import ReservationFree, ReservationState
from planning.preflight.secrets_key import SecretsKeyExists
from planning.preflight.zone import MachineTypeOffered, RoceProfileOffered
from tests.stacks import planned

ZONE = "europe-west1-b"
MACHINE = "a3-ultragpu-8g"

VERSION = GkeVersionOffered(
    project="my-project",
    region="europe-west1",
    channel="REGULAR",
    floor=Floor(GkeVersion(1, 34, 1, 1829001), "DRANET"),
)
NEWER = replace(VERSION, floor=Floor(GkeVersion(1, 36, 2, 4711000), "q2-quadgpu-4g"))
MACHINE_TYPE = MachineTypeOffered(project="my-project", zone=ZONE, machine=MACHINE)
PROFILE = RoceProfileOffered(project="my-project", zone=ZONE, profile=f"{ZONE}-vpc-roce")
NONE_YET = Cluster()
NOT_KNOWN = Unknown(why="roles/container.viewer is missing")


def reservation(named: str = "my-h200", most: int = 2) -> ReservationFree:
    return ReservationFree(
        project="owner", zone=ZONE, reservation=ReservationRef.parse(named), machine=MACHINE, nodes=2, max_nodes=most
    )  # fmt: skip


def holds(machines: int, in_use: int, *, status: str = "READY", machine: str = MACHINE) -> ReservationState:
    return ReservationState(status=status, machine=machine, machines=machines, in_use=in_use)


def ours(nodes: int, named: str = "my-h200") -> Cluster:
    by_reservation = ((ReservationRef.parse(named), nodes), (ReservationRef(name="another"), 7))
    return Cluster(version="1.35.8-gke.1036000", nodes_by_reservation=by_reservation)


def quota(gpus: int, mode: str = "spot") -> QuotaSufficient:
    counted = gpu_machine(MACHINE).sold[mode].quota
    assert counted
    return QuotaSufficient(project="my-project", region="europe-west1", quota=counted, gpus=gpus)


def limit(value: int, *locations: str, **dimensions: str) -> Limit:
    return Limit(dimensions=dimensions, locations=locations, value=value)


ACCOUNT = "000000-AAAAAA-BBBBBB"
KEY = "projects/keys/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"
SECRETS_KEY = SecretsKeyExists(project="keys", key=KEY)
BUCKET = BucketNotLeftOver(project="my-project", stack="prod", bucket="my-project-dynamo-prod-weights")
BUDGET = BillingInCurrency(project="my-project", currency="EUR")
NOT_ALLOWED = BUDGET.unreadable(ACCOUNT, "googleapi: Error 403: The caller does not have permission, forbidden")


def never() -> Cluster:
    raise AssertionError("asked")


@dataclass(frozen=True)
class Case:
    name: str
    found: CheckResult
    verdict: Verdict
    says: str = ""


NO = Verdict.FAILED
OPEN = Verdict.UNKNOWN
PASSED = Verdict.PASSED
OTHER = limit(64, "us-east4")

INSTALL = OperatorFits(project="p", cluster="c", context="lab", namespace="dynamo-prod", ours="dynamo-prod-system",
                       installs=True, runtime="1.6.1")  # fmt: skip
SHARED = replace(INSTALL, installs=False)


def operator(namespace: str, version: str = "1.6.1", only: str = "") -> Operator:
    """As it is read from a cluster's list of Deployments."""
    arguments = [f"--restrictedNamespace={only}"] if only else []
    labels = {"app.kubernetes.io/version": version} if version else {}
    containers = [{"name": "proxy"}, {"name": "manager", "args": arguments}]
    deployment = {
        "metadata": {"namespace": namespace, "labels": labels},
        "spec": {"template": {"spec": {"containers": containers}}},
    }
    (found,) = operators_in({"kind": "DeploymentList", "items": [deployment]})
    return found


CASES = [
    Case("machine offered", MACHINE_TYPE.judge([MACHINE]), PASSED),
    Case("machine not offered", MACHINE_TYPE.judge([]), NO,
         "`gcloud compute machine-types list --project=my-project --filter=name=a3-ultragpu-8g`"),
    Case("profile there", PROFILE.judge(True), PASSED),
    Case("profile missing", PROFILE.judge(False), NO, "`gcloud compute network-profiles list --project=my-project`"),
    Case("version offered, no cluster yet", VERSION.judge("1.35.8-gke.1036000", lambda: NONE_YET), PASSED),
    Case("version offered, cluster not known", VERSION.judge("1.35.8-gke.1036000", lambda: NOT_KNOWN), PASSED),
    Case("cluster at the floor", VERSION.judge("1.35.8-gke.1", lambda: Cluster(version="1.34.1-gke.1829001")), PASSED),
    Case("cluster under the floor, whatever is offered",
         VERSION.judge("1.35.8-gke.1", lambda: Cluster(version="1.34.1-gke.1829000")), NO,
         "the cluster runs 1.34.1-gke.1829000, older than 1.34.1-gke.1829001, which DRANET needs"),
    Case("a cluster of unknown form", VERSION.judge("1.35.8-gke.1", lambda: Cluster(version="latest")), NO,
         "the cluster runs latest"),
    Case("no version offered", VERSION.judge("", lambda: NONE_YET), NO,
         "channel REGULAR of GKE in europe-west1 offers no version 1.35.x; see `gcloud"),
    Case("no version offered, none needed",
         GkeVersionOffered(project="p", region="r", channel="STABLE", floor=None).judge("", lambda: NONE_YET), NO,
         "no version 1.35.x"),
    Case("newest version offered is under the floor", NEWER.judge("1.36.1-gke.5", lambda: NONE_YET), NO,
         "offers 1.36.1-gke.5, older than 1.36.2-gke.4711000, which q2-quadgpu-4g needs; set cluster.releaseChannel"),
    Case("only the usual version is offered", NEWER.judge("1.35.8-gke.1", lambda: NONE_YET), NO, "older than 1.36.2"),
    Case("newest version offered is the floor", NEWER.judge("1.36.2-gke.4711000", lambda: NONE_YET), PASSED),
    Case("no version of the floor's offered", NEWER.judge("", lambda: NONE_YET), NO, "offers no version 1.36.x"),
    Case("too old a version offered, cluster not known", NEWER.judge("1.36.1-gke.5", lambda: NOT_KNOWN), OPEN,
         "container.viewer"),
    Case("no version offered, our cluster has gone on", VERSION.judge("", lambda: ours(2)), PASSED),
    Case("no version offered, cluster not known", VERSION.judge("", lambda: NOT_KNOWN), OPEN, "container.viewer"),
    Case("reservation with room", reservation().judge(holds(2, 0), lambda: NOT_KNOWN), PASSED),
    Case("no such reservation", reservation().judge(None, lambda: NONE_YET), NO,
         "not in zone europe-west1-b of project owner; to find it: "
         "`gcloud compute reservations list --project=owner --filter=name=my-h200`"),
    Case("reservation of other machines", reservation().judge(holds(2, 0, machine="a3-megagpu-8g"), lambda: NONE_YET),
         NO, "holds a3-megagpu-8g, not a3-ultragpu-8g"),
    Case("reservation that does not say", reservation().judge(holds(2, 0, machine=""), lambda: NONE_YET), OPEN,
         "names no machine type"),
    Case("reservation not ready", reservation().judge(holds(2, 0, status="CREATING"), lambda: NONE_YET), NO,
         "is CREATING, not READY"),
    Case("too few free", reservation().judge(holds(3, 2), lambda: NONE_YET), NO,
         "has 3 machines, 2 in use, but 2 are needed"),
    Case("too few free, some ours", reservation().judge(holds(3, 3), lambda: ours(1)), NO,
         "has 3 machines, 3 in use (1 by this stack), but 2 are needed"),
    Case("all in use by us", reservation().judge(holds(2, 2), lambda: ours(2)), PASSED),
    Case("in use by whom, nobody says", reservation().judge(holds(2, 2), lambda: NOT_KNOWN), OPEN,
         "it has 2 machines, 2 in use, and this stack's share of those is unknown: roles/container.viewer is missing"),
    Case("too small whoever uses it", reservation().judge(holds(1, 1), lambda: NOT_KNOWN), NO,
         "has 1 machines, 1 in use, but 2 are needed"),
    Case("enough free, in use by whom is no matter", reservation(most=4).judge(holds(4, 1), lambda: NOT_KNOWN), PASSED,
         "enough for 2 nodes, not for the 4"),
    Case("enough now, not scaled up", reservation(most=4).judge(holds(3, 0), lambda: NONE_YET), PASSED,
         "enough for 2 nodes, not for the 4 that an autoscaler may request"),
    Case("ours by the owner's number",
         reservation("projects/owner/reservations/my-h200").judge(
             holds(2, 2), lambda: ours(2, "projects/123/reservations/my-h200")), PASSED),
    Case("ours in the block", reservation("my-h200/reservationBlocks/b1").judge(
        holds(2, 2), lambda: ours(2, "my-h200/reservationBlocks/b1/reservationSubBlocks/s")), PASSED),
    Case("ours anywhere in the reservation", reservation("my-h200/reservationBlocks/b1").judge(
        holds(2, 2), lambda: ours(2)), PASSED),
    Case("more of ours than the block holds", reservation("my-h200/reservationBlocks/b1").judge(
        holds(1, 1), lambda: ours(2)), NO, "has 1 machines, 1 in use (1 by this stack), but 2 are needed"),
    Case("ours in another block", reservation("my-h200/reservationBlocks/b1").judge(
        holds(2, 2), lambda: ours(2, "my-h200/reservationBlocks/b2")), NO, "2 are needed"),
    *(Case(name, check.judge(found), verdict, says) for name, check, found, verdict, says in [
        ("room for an operator", INSTALL, [], PASSED, ""),
        ("our own operator", INSTALL, [operator("dynamo-prod-system")], PASSED, ""),
        ("an operator in the way", INSTALL, [operator("nvidia")], NO, "cluster.existing.platform: install, but c "
         "already has a Dynamo operator, in namespace nvidia, and a cluster can have one; use it with "
         "cluster.existing.platform: shared"),
        ("an operator from before", INSTALL, [operator("dynamo-system")], NO,
         "keep its names with cluster.existing.namespace: dynamo"),
        ("a shared operator", SHARED, [operator("nvidia")], PASSED, ""),
        ("no shared operator", SHARED, [], NO,
         "shared, but c has no Dynamo operator; install one, or set platform: install"),
        ("an operator too old", SHARED, [operator("nvidia", "1.2.0")], NO,
         "operator 1.2.0 supports runtimes 1.0 to 1.3, but versions.runtime is 1.6.1"),
        ("an operator without a version", SHARED, [operator("nvidia", "")], PASSED, "has no version label"),
        ("an operator of a build of its own", SHARED, [operator("nvidia", "main-1a2b3c")], PASSED, ""),
        ("an operator for others", SHARED, [operator("nvidia", only="team")], NO,
         "handles graphs in namespace team only"),
        ("an operator for us", SHARED, [operator("nvidia", only="dynamo-prod")], PASSED, ""),
        ("an operator that would be deleted", SHARED, [operator("dynamo-prod-system")], NO,
         "keep cluster.existing.platform: install"),
    ]),
    Case("quota large enough", quota(16).judge([OTHER, limit(16, "europe-west1", region="europe-west1")]), PASSED),
    Case("quota too small", quota(17).judge([limit(16, "europe-west1"), limit(64, "europe-west1")]), NO,
         "is 16, but the plan has up to 17 GPUs, on top of the project's other GPUs; request more at "
         "https://console.cloud.google.com/iam-admin/quotas?project=my-project"),
    Case("quota of nought", quota(8).judge([limit(0)]), NO, "is 0, but"),
    Case("quota without limit", quota(800).judge([limit(-1, "us-east4", "europe-west1")]), PASSED),
    Case("quota of other regions", quota(8).judge([OTHER]), OPEN, "no limit is listed for europe-west1"),
    Case("quota of nothing", quota(8).judge([]), OPEN, "no limit is listed"),
    Case("quota of another GPU", quota(8, "onDemand").judge(
        [limit(64, "europe-west1", gpu_family="NVIDIA_H100"), limit(4, "europe-west1", gpu_family="NVIDIA_H200")]), NO,
        "GPUS-PER-GPU-FAMILY-per-project-region in europe-west1 is 4"),
    Case("budget in the account's currency", BUDGET.judge(ACCOUNT, lambda _: "EUR"), PASSED),
    Case("budget in another currency", BUDGET.judge(ACCOUNT, lambda _: "CHF"), NO,
         "budget.currency: EUR is not the currency of billing account 000000-AAAAAA-BBBBBB, CHF; "
         "set budget.currency to CHF"),
    Case("budget without a billing account", BUDGET.judge("", lambda _: "EUR"), OPEN,
         "`gcloud billing projects link my-project --billing-account=ACCOUNT`"),
    Case("budget without rights on the billing account", BUDGET.judge(ACCOUNT, lambda _: NOT_ALLOWED), OPEN,
         "roles/billing.costsManager is missing; `gcloud billing accounts add-iam-policy-binding "
         "000000-AAAAAA-BBBBBB --role=roles/billing.costsManager --member=YOURS`"),
    Case("no bucket yet", BUCKET.judge(False, never), PASSED),
    Case("a bucket and its cluster", BUCKET.judge(True, lambda: ours(2)), PASSED),
    Case("a bucket and whether there is a cluster is not known", BUCKET.judge(True, lambda: NOT_KNOWN), PASSED),
    Case("a bucket without a cluster", BUCKET.judge(True, lambda: NONE_YET), PASSED,
         "`pulumi import --yes gcp:storage/bucket:Bucket weights-bucket my-project-dynamo-prod-weights --parent "),
    Case("a key", SECRETS_KEY.judge(True), PASSED),
    Case("no such key", SECRETS_KEY.judge(False), NO, "there is no key secrets in projects/keys/locations/"),
    Case("quota of all GPUs", quota(8, "onDemand").judge([limit(8, "europe-west1")]), PASSED),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_an_answer_is_judged(case: Case) -> None:
    assert case.found.verdict is case.verdict
    if case.says:
        assert case.says in case.found.sentence
    else:
        assert case.found.sentence == ""


def test_the_cluster_is_asked_about_only_if_the_answer_turns_on_it() -> None:
    without_floor = GkeVersionOffered(project="p", region="r", channel="REGULAR", floor=None)
    assert without_floor.judge("1.35.8-gke.1036000", never).verdict is PASSED
    assert reservation().judge(holds(2, 0), never).verdict is PASSED
    assert reservation().judge(None, never).verdict is NO


ERRORS = {
    "googleapi: Error 403: Cloud Quotas API has not been used in project 1 before., accessNotConfigured":
        "cloudquotas.googleapis.com is off in project my-project; the first `pulumi up` turns it on, or run "
        "`gcloud services enable cloudquotas.googleapis.com --project=my-project`",
    "googleapi: Error 403: Permission denied on resource, forbidden":
        "roles/cloudquotas.viewer is missing; `gcloud projects add-iam-policy-binding my-project "
        "--role=roles/cloudquotas.viewer --member=YOURS`; or is my-project the placeholder of the shipped stack file? "
        "`pulumi config set gcp:project PROJECT`",
    "Error 403: The cloudquotas.googleapis.com API requires a quota project, which is not set. SERVICE_DISABLED":
        "cloudquotas.googleapis.com needs a quota project for your credentials; "
        "`gcloud auth application-default set-quota-project my-project`",
    "dial tcp:\n  no route to host": "dial tcp: no route to host",
    "echo of Bearer ya29.a0": "echo of Bearer [secret]",
    "x" * 500: "x" * 299 + "…",
}  # fmt: skip


@pytest.mark.parametrize(("error", "why"), ERRORS.items(), ids=lambda text: text[:20])
def test_an_error_is_explained_with_its_command(error: str, why: str) -> None:
    found = quota(8).on_error(error)
    assert found.verdict is OPEN
    assert found.sentence.endswith(f"is 8 or more: {why}")
    assert explained(error, api="cloudquotas", role="cloudquotas.viewer", project="my-project") == why


@pytest.mark.parametrize(
    ("error", "missing"),
    [
        ("googleapi: Error 404: The resource 'projects/p/zones/z/reservations/r' was not found, notFound", True),
        ("projects/p/locations/europe-west1/clusters/dynamo-prod not found", True),
        ("googleapi: Error 403: Permission denied", False),
        ("could not find default credentials", False),
        ("default credentials: credentials.json file not found, see the guide", False),
        ("project not found or permission denied", False),
        ("Error 4041", False),
    ],
)
def test_not_found_is_distinguished_from_other_errors(error: str, missing: bool) -> None:
    assert is_missing(error) is missing


@dataclass(frozen=True)
class Asked:
    name: str
    changes: dict[str, Any]
    what: tuple[str, ...]


SIMULATED = {"models.chat": {"model": "qwen3-0.6b", "layout": "simulated"}}
VERSIONS_OFFERED = "GKE in europe-west1 offers 1.35.x in channel REGULAR"
FLOOR = f"{VERSIONS_OFFERED} and the cluster, new or existing, runs 1.34.1-gke.1829001 or newer, as DRANET needs"
OFFERED = f"zone {ZONE} offers {MACHINE}"
LEFT = "bucket my-project-dynamo-prod-weights is not left over from a destroyed stack"
ROCE = f"zone {ZONE} has the network profile {ZONE}-vpc-roce"

ASKED = [
    Asked("reservation", {}, (
        FLOOR, OFFERED, ROCE, f"reservation my-h200 is in zone {ZONE} with 2 × {MACHINE} free", LEFT)),
    Asked("spot", {"capacity": {"mode": "spot"}}, (
        FLOOR, OFFERED, ROCE,
        "quota PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region in europe-west1 is 16 or more", LEFT)),
    Asked("on demand, scaled up",
          {"capacity": {"mode": "onDemand"}, "models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}}, (
        FLOOR, OFFERED, ROCE, "quota GPUS-PER-GPU-FAMILY-per-project-region in europe-west1 is 32 or more", LEFT)),
    Asked("no RDMA, flex-start",
          {"capacity": {"mode": "flexStart"}, "network": {"rdma": "none"}, "models.chat.layout": "single-node",
           "models.chat.kvTransfer": "tcp"}, (
        f"{VERSIONS_OFFERED} and the cluster, new or existing, runs 1.32.2-gke.1652000 or newer, as flex-start needs",
        OFFERED,
        "quota PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region in europe-west1 is 8 or more", LEFT)),
    Asked("existing cluster", {**SIMULATED, "cluster": {"existing": {"name": "c"}}}, (
        "cluster c exists in europe-west1 and has the features that the stack needs",
        "cluster c has no other Dynamo operator")),
    Asked("shared operator", {**SIMULATED, "cluster": {"existing": {"context": "lab", "platform": "shared"}}}, (
        "cluster lab has a Dynamo operator for the stack's graphs",)),
    Asked("no GPUs", SIMULATED, (VERSIONS_OFFERED, LEFT)),
    Asked("no GPUs, nothing kept", {**SIMULATED, "cluster": {"deletionProtection": False}}, (VERSIONS_OFFERED,)),
    Asked("budget and key", {**SIMULATED, "weights": {"keep": False}, "cluster": {"secretsKey": KEY},
                             "budget": {"monthly": 1, "currency": "EUR", "emails": ["a@example.com"]}}, (
        VERSIONS_OFFERED, "key secrets is in projects/keys/locations/europe-west1/keyRings/gke",
        "project my-project has a billing account in EUR, as the budget needs")),
    Asked("off", {"preflight": False}, ()),
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED, ids=lambda a: a.name)
def test_a_plan_asks_for_what_it_needs(asked: Asked) -> None:
    assert tuple(check.condition for check in checks(planned(asked.changes))) == asked.what


def test_a_shared_reservation_is_asked_about_at_its_owner() -> None:
    named = "projects/o-wner/reservations/r"
    asked = checks(planned({"capacity": {"mode": "reservation", "reservation": named}}))
    (check,) = [check for check in asked if isinstance(check, ReservationFree)]
    assert (check.project, check.reservation.levels) == ("o-wner", ("r",))


@pytest.mark.parametrize(
    ("rdma", "mode", "version"),
    [
        ("dranet", "flexStart", "1.34.1-gke.1829001"),
        ("dranetAuto", "spot", "1.34.1-gke.1829001"),
        ("multiNetwork", "reservation", "1.31.4-gke.1183000"),
        ("multiNetwork", "flexStart", "1.32.2-gke.1652000"),
        ("none", "flexStart", "1.32.2-gke.1652000"),
        ("none", "spot", "1.31.4-gke.1183000"),  # of the machine
    ],
)
def test_the_higher_floor_counts(rdma: str, mode: str, version: str | None) -> None:
    changes: dict[str, Any] = {
        "network": {"rdma": rdma},
        "capacity": {"mode": mode} | ({"reservation": "r"} if mode == "reservation" else {}),
    }
    changes |= {"models.chat.kvTransfer": "tcp"} if rdma == "none" else {}
    (asked,) = [check for check in checks(planned(changes)) if isinstance(check, GkeVersionOffered)]
    assert (str(asked.floor.version) if asked.floor else None) == version


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.34.1-gke.1829000", "1.34.1-gke.1829001"),
        ("1.34.1-gke.999999", "1.34.1-gke.1829001"),
        ("1.9.9-gke.9", "1.34.0-gke.1"),
        ("1.34.2-gke.1", "1.34.10-gke.1"),
        ("1.35.0", "1.35.0-gke.0"),
        ("1.99.99-gke.9", "2.0.0"),
    ],
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert _version(older) < _version(newer)


def _version(text: str) -> GkeVersion:
    found = parsed(text)
    assert found, text
    return found


NUMBERS = st.integers(min_value=0, max_value=10**8)
VERSIONS = st.builds(GkeVersion, NUMBERS, NUMBERS, NUMBERS, st.one_of(st.just(-1), NUMBERS))


@given(st.lists(VERSIONS, min_size=2))
def test_every_version_is_read_as_written_and_has_its_place(versions: list[GkeVersion]) -> None:
    read = [_version(str(version)) for version in versions]
    assert read == versions
    first, second = read[:2]
    assert (first < second) + (first == second) + (first > second) == 1
    assert all(older <= newer for older, newer in pairwise(sorted(read)))


@given(st.text())
def test_other_text_is_no_version_and_no_error(text: str) -> None:
    found = parsed(text)
    assert found is None or parsed(str(found)) == found


@pytest.mark.parametrize("text", ["", "1.35", "v1.35.1", "1.35.1-gke", "1.35.1-gke.1 ", "1.35.-1", "latest"])
def test_text_of_another_form_is_no_version(text: str) -> None:
    assert parsed(text) is None
