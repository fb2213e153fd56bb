"""What exists in the simulated Google Cloud after each operation, and what it refuses in Google's words."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.rehearsal.google import operations
from ops.rehearsal.google.cloud import Cloud, Content, Resource
from ops.rehearsal.google.operations import ApiError, as_inputs, create, delete, imported, revealed, update
from ops.rehearsal.google.outputs import Provider, planned, previewed
from ops.rehearsal.google.wire import UNKNOWN, Secret
from policies import kinds

GOOGLE = Provider(place={"project": "p", "region": "europe-west1", "zone": "europe-west1-b"}, labels={"owner": "me"})
CLUSTER = "projects/p/locations/europe-west1/clusters/c"
POOL = {"name": "decode", "cluster": CLUSTER, "nodeConfig": {"labels": {"role": "decode"}, "spot": True}}


def content() -> Content:
    found = Content()
    for api in ("compute", "container", "storage", "secretmanager", "certificatemanager", "iam", "monitoring"):
        create(found, kinds.GOOGLE_API, f"urn::{api}", {"project": "p", "service": f"{api}.googleapis.com"}, GOOGLE)
    return found


def made(found: Content, type_: str, /, **inputs: Any) -> Resource:
    return create(found, type_, f"urn::{type_}", inputs, GOOGLE)


def test_ids_and_outputs_are_those_of_google() -> None:
    found = content()
    network = made(found, kinds.NETWORK, name="vpc")
    assert network.id == "projects/p/global/networks/vpc"
    assert network.state["selfLink"].endswith(network.id)
    nodes = made(found, kinds.SUBNETWORK, name="nodes", network=network.id)
    assert nodes.id == "projects/p/regions/europe-west1/subnetworks/nodes"
    cluster = made(found, kinds.CLUSTER, name="c", location="europe-west1", network=network.id, subnetwork=nodes.id)
    assert cluster.id == CLUSTER
    assert cluster.state["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["endpoint"] == "127.0.0.1:6443"
    assert made(found, kinds.NODE_POOL, **POOL).id == f"{CLUSTER}/nodePools/decode"
    bucket = made(found, kinds.BUCKET, name="weights", location="EU", labels={"owner": "you"})
    assert (bucket.id, bucket.state["effectiveLabels"]) == ("weights", {"owner": "you"})
    account = made(found, kinds.GOOGLE_ACCOUNT, accountId="nodes", project="p")
    assert account.state["member"] == "serviceAccount:nodes@p.iam.gserviceaccount.com"
    records = made(found, kinds.DNS_AUTHORIZATION, name="a", domain="llm.example.com").state["dnsResourceRecords"]
    assert records[0]["name"] == "_acme-challenge.llm.example.com."
    channel = made(found, kinds.NOTIFICATION_CHANNEL, type="email")
    assert channel.state["name"] == channel.id != made(found, kinds.NOTIFICATION_CHANNEL, type="email").id


def test_a_preview_knows_what_follows_from_the_inputs() -> None:
    cluster = previewed(
        kinds.CLUSTER, {"name": "c", "controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": False}}}
    )
    assert cluster["name"] == "c"
    assert cluster["controlPlaneEndpointsConfig"] == {
        "dnsEndpointConfig": {"endpoint": UNKNOWN},
        "ipEndpointsConfig": {"enabled": False},
    }
    assert planned(kinds.NETWORK, {"name": "vpc"}, GOOGLE)["project"] == "p"
    assert planned(kinds.GOOGLE_ACCOUNT, {"accountId": "n", "project": "p"}, GOOGLE)["email"] == (
        "n@p.iam.gserviceaccount.com"
    )
    assert planned(kinds.GOOGLE_ACCOUNT, {"accountId": "n", "project": UNKNOWN}, GOOGLE)["email"] is UNKNOWN


@pytest.mark.parametrize(
    ("type_", "inputs", "want"),
    [
        (kinds.NETWORK, {"name": "vpc"}, "googleapi: Error 409: The resource 'projects/p/global/networks/vpc' already"),
        (kinds.BUCKET, {"name": "b", "location": "EU"}, "googleapi: Error 409: Already exists: b"),
        (kinds.NODE_POOL, POOL, f"googleapi: Error 404: Not found: {CLUSTER}"),
        (
            kinds.BUDGET,
            {"billingAccount": "1"},
            "googleapi: Error 403: billingbudgets.googleapis.com has not",
        ),
        (kinds.NODE_POOL, {**POOL, "nodeCount": 1, "initialNodeCount": 1}, "Cannot set both initial_node_count and"),
    ],
)
def test_refused_creations(type_: str, inputs: dict[str, Any], want: str) -> None:
    found = content()
    made(found, kinds.NETWORK, name="vpc")
    made(found, kinds.BUCKET, name="b", location="EU")
    with pytest.raises(ApiError, match=want[:40]) as refused:
        made(found, type_, **inputs)
    assert str(refused.value).startswith(want)


def test_a_grant_given_twice_is_one() -> None:
    found = content()
    found.apis.add("cloudresourcemanager.googleapis.com")
    for _ in range(2):
        made(found, kinds.PROJECT_GRANT, project="p", role="roles/viewer", member="user:a")
    assert sum(of.type == kinds.PROJECT_GRANT for of in found.resources.values()) == 1


def test_what_is_in_use_stays_and_parts_go_with_the_whole() -> None:
    found = content()
    network = made(found, kinds.NETWORK, name="vpc")
    nodes = made(found, kinds.SUBNETWORK, name="nodes", network=network.id)
    made(found, kinds.CLUSTER, name="c", location="europe-west1", network=network.id, subnetwork=nodes.id)
    made(found, kinds.NODE_POOL, **POOL)
    for used in (network, nodes):
        with pytest.raises(ApiError, match="resourceInUseByAnotherResource"):
            delete(found, used.type, used.id)
    gone = delete(found, kinds.CLUSTER, CLUSTER)
    assert [of.id for of in gone] == [CLUSTER, f"{CLUSTER}/nodePools/decode"]
    assert delete(found, kinds.CLUSTER, CLUSTER) == []  # what does not exist counts as deleted
    delete(found, nodes.type, nodes.id)
    delete(found, network.type, network.id)
    assert {of.type for of in found.resources.values()} == {kinds.GOOGLE_API}


def test_an_api_stays_on_as_the_program_asks() -> None:
    found = content()
    for api, stays in (("logging", True), ("iam", False)):
        service = {"project": "p", "service": f"{api}.googleapis.com", "disableOnDestroy": not stays}
        delete(found, kinds.GOOGLE_API, made(found, kinds.GOOGLE_API, **service).id)
        assert (f"{api}.googleapis.com" in found.apis) is stays


def test_updates() -> None:
    found = content()
    made(found, kinds.CLUSTER, name="c", location="europe-west1")
    pool = made(found, kinds.NODE_POOL, **POOL)
    with pytest.raises(ApiError, match="At least one of"):
        update(found, pool.type, pool.id, {**POOL, "nodeConfig": {"labels": {}, "spot": True}}, GOOGLE)
    changed = update(found, pool.type, pool.id, {**POOL, "nodeConfig": {"labels": {"role": "x"}}}, GOOGLE)
    assert changed.state["nodeConfig"]["labels"] == {"role": "x"}
    with pytest.raises(ApiError, match="Error 404"):
        update(found, pool.type, "another", POOL, GOOGLE)


def test_a_resource_stays_in_its_project_when_its_provider_moves() -> None:
    found = content()
    bucket = made(found, kinds.BUCKET, name="b", location="EU")
    moved = Provider(place={"project": "new"}, labels={"owner": "new"})
    changed = update(found, bucket.type, bucket.id, {"name": "b", "location": "EU"}, moved)
    assert (changed.state["project"], changed.state["effectiveLabels"]) == ("p", {"owner": "new"})


def test_the_file_has_no_secret_and_a_reader_gets_it_back(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "cloud.json")
    with cloud.change() as found:
        found.apis.add("secretmanager.googleapis.com")
        secret = made(found, kinds.GOOGLE_SECRET, secretId="hf", project="p")
        version = made(found, kinds.SECRET_VERSION, secret=secret.id, secretData=Secret("hf_abc"))
    assert "hf_abc" not in (tmp_path / "cloud.json").read_text()
    kept = cloud.find(version.type, version.id)
    assert kept
    assert revealed(kept.state, {"secretData": Secret("hf_abc")})["secretData"] == Secret("hf_abc")
    assert revealed(kept.state, {"secretData": Secret("hf_old")})["secretData"] != Secret("hf_old")


def _removed_then_refused(found: Content) -> None:
    found.remove("t", "i")
    update(found, "t", "another", {}, GOOGLE)


def test_a_failed_change_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "cloud.json")
    with cloud.change() as found:
        found.add(Resource(type="t", id="i", urn="u", state={"a": 1}))
    before = (tmp_path / "cloud.json").read_text()
    with pytest.raises(ApiError, match="Error 404"), cloud.change() as found:
        _removed_then_refused(found)
    assert (tmp_path / "cloud.json").read_text() == before
    assert [of.id for of in cloud.resources()] == ["i"]
    assert json.loads(before)["resources"][0]["status"] == "RUNNING"


def test_drift_shows_in_the_inputs_that_the_program_sets() -> None:
    inputs = {"name": "c", "nodeConfig": {"labels": {"a": "1"}}, "gone": 1}
    state = {"name": "c", "nodeConfig": {"labels": {"a": "2"}, "tags": []}, "more": 1}
    assert as_inputs(inputs, state) == {"name": "c", "nodeConfig": {"labels": {"a": "2"}}}
    assert operations.stored({"token": Secret("x")})["token"].startswith("sha256:")


def test_an_import_finds_the_inputs_without_outputs_and_defaults() -> None:
    found = content()
    network = made(found, kinds.NETWORK, name="vpc")
    bucket = made(found, kinds.BUCKET, name="b", location="EU", lifecycleRules=[{"action": {"type": "Delete"}}])
    assert imported(kinds.NETWORK, {**network.state, "routingMode": "GLOBAL"}) == {
        "name": "vpc",
        "project": "p",
        "routingMode": "GLOBAL",
    }
    assert imported(kinds.BUCKET, bucket.state)["lifecycleRules"] == [{"action": {"type": "Delete"}}]
