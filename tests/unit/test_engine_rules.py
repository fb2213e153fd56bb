"""What Pulumi's engine adds to a provider's verdict: ignored inputs, default labels, chains, options."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ops.changes.change import Change, Kind
from ops.changes.comparison import compare
from ops.changes.dependents import DELETE_POOLS
from ops.changes.effects import GCP_PROVIDER, KUBERNETES_PROVIDER, Effect
from ops.changes.previewed import NOTHING, Registered, Snapshot
from ops.changes.pulumi_engine import with_ignored
from ops.offline.base_checkout import Base, JudgedByBase
from ops.report.diff_report import to_text, verdict
from policies.kinds import BUCKET, CLUSTER, NETWORK, NODE_POOL, SUBNETWORK
from tests.snapshots import GPUS, one, only, pool, stack, urn

FIREWALL = "gcp:compute/firewall:Firewall"
ACCOUNT = "gcp:serviceaccount/account:Account"
ALERT = "gcp:monitoring/alertPolicy:AlertPolicy"
CHANNEL = "gcp:monitoring/notificationChannel:NotificationChannel"
SERVICE = "gcp:projects/service:Service"
GOOGLE = urn(GCP_PROVIDER, "google")


def google(project: str = "p", **labels: str) -> Registered:
    return one(GCP_PROVIDER, {"project": project, "region": "r", "defaultLabels": json.dumps(labels)}, "google")


def by(resource: Registered, provider: str = GOOGLE) -> Registered:
    return replace(resource, provider=provider)


def using(resource: Registered, **inputs: Registered) -> Registered:
    return replace(resource, property_dependencies={key: (of.urn,) for key, of in inputs.items()})


def changes(before: Snapshot, after: Snapshot) -> dict[str, Change]:
    return {change.name: change for change in compare(before, after).changes}


@pytest.mark.parametrize(
    ("before", "after", "path", "want"),
    [
        ({"a": 1}, {"a": 2}, "a", {"a": 1}),
        ({"a": 1}, {}, "a", {"a": 1}),
        ({}, {"a": 2}, "a", {}),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 2}}, "a.b", {"a": {"b": 1, "c": 2}}),
        ({}, {"a": {"b": 2}}, "a.b", {"a": {"b": 2}}),
        ({"a": [{"b": 1}, {"b": 1}]}, {"a": [{"b": 2}, {"b": 2}]}, "a[1].b", {"a": [{"b": 2}, {"b": 1}]}),
        ({"a": [{"b": 1}, {"b": 1}]}, {"a": [{"b": 2}, {"b": 2}]}, "a[*].b", {"a": [{"b": 1}, {"b": 1}]}),
        ({"a": {"x": 1}}, {"a": {"x": 2, "y": 3}}, "a.*", {"a": {"x": 1}}),
        ({"a": {"b.c/d": 1}}, {"a": {"b.c/d": 2}}, 'a["b.c/d"]', {"a": {"b.c/d": 1}}),
    ],
)
def test_ignored_inputs_keep_their_old_values(
    before: dict[str, Any], after: dict[str, Any], path: str, want: dict[str, Any]
) -> None:
    assert with_ignored(before, after, [path]) == want


def test_a_replacement_is_created_with_the_new_values_of_ignored_inputs() -> None:
    before = one(CLUSTER, {"name": "c", "location": "a", "minMasterVersion": "1.35"})
    after = one(CLUSTER, {"name": "c", "location": "b", "minMasterVersion": "1.36"}, ignoreChanges=["minMasterVersion"])
    change = only(compare(stack(before), stack(after)))
    assert (change.kind, change.because) == (Kind.REPLACED, ("location",))
    assert [found.path for found in change.inputs] == ["location"]
    assert change.notes == ("created with the new value of minMasterVersion, which an update ignores",)


def test_another_default_label_updates_each_resource_that_takes_labels() -> None:
    resources = (
        by(one(BUCKET, {"name": "b"}, "bucket")),
        by(one(CLUSTER, {"name": "c", "resourceLabels": {"own": "x", "owner": "mine"}}, "cluster")),
        by(one(NODE_POOL, {"name": "p"}, "pool")),
        by(one(NETWORK, {"name": "n"}, "vpc")),
        one(BUCKET, {"name": "d"}, "of-no-provider"),
    )
    found = changes(stack(google(owner="a"), *resources), stack(google(owner="b"), *resources))
    assert {name: change.kind for name, change in found.items()} == {"google": Kind.UPDATED, "bucket": Kind.UPDATED}
    (label,) = found["bucket"].inputs
    assert (label.path, label.before, label.after) == ("labels.owner", '"a"', '"b"')


def test_a_label_that_moves_to_the_defaults_changes_nothing() -> None:
    before = stack(google(), by(one(BUCKET, {"name": "b", "labels": {"owner": "a"}}, "bucket")))
    after = stack(google(owner="a"), by(one(BUCKET, {"name": "b"}, "bucket")))
    assert set(changes(before, after)) == {"google"}


def test_another_project_splits_a_stack_whose_resources_do_not_name_it() -> None:
    named = [by(one(SERVICE, {"service": "s", "project": project}, "service")) for project in "ab"]
    silent = by(one(NETWORK, {"name": "n"}, "vpc"))
    found = changes(stack(google("a"), named[0], silent), stack(google("b"), named[1], silent))
    assert {name: change.kind for name, change in found.items()} == {"google": Kind.UPDATED, "service": Kind.REPLACED}
    assert found["google"].fails == ("splits the stack across two projects: vpc would remain in a",)
    assert found["google"].guarded


def test_naming_the_project_that_a_resource_is_in_changes_nothing() -> None:
    before, after = (by(one(NETWORK, {"name": "n", **project}, "vpc")) for project in ({}, {"project": "p"}))
    assert changes(stack(google("p"), before), stack(google("p"), after)) == {}
    elsewhere = by(one(NETWORK, {"name": "n", "project": "q"}, "vpc"))
    assert changes(stack(google("p"), before), stack(google("p"), elsewhere))["vpc"].because == ("project",)


def test_what_only_the_cloud_keeps_is_no_update() -> None:
    before = one(CLUSTER, {"name": "c", "databaseEncryption": {"state": "ENCRYPTED"}})
    change = only(compare(stack(before), stack(one(CLUSTER, {"name": "c"}))))
    assert (change.kind, change.guarded) == (Kind.UNCHANGED, False)
    assert change.inputs[0].why.startswith("unchanged")


def vpc(profile: str, **options: Any) -> Registered:
    return one(NETWORK, {"name": "n", "networkProfile": profile}, "vpc", **options)


def test_a_network_that_is_deleted_first_takes_its_subnets_and_fails_over_its_firewall() -> None:
    subnet = using(one(SUBNETWORK, {"name": "s", "network": "[unknown]"}, "subnet"), network=vpc("a"))
    rule = using(one(FIREWALL, {"name": "f", "network": "[unknown]"}, "rule"), network=vpc("a"))
    found = changes(stack(vpc("a"), subnet, rule), stack(vpc("b"), subnet, rule))
    assert {name: change.kind for name, change in found.items()} == {
        "vpc": Kind.REPLACED,
        "subnet": Kind.REPLACED,
        "rule": Kind.UPDATED,
    }
    assert found["vpc"].fails == ("`pulumi up` fails: rule still uses it at deletion",)
    assert found["subnet"].because == ("network: vpc is replaced",)


def test_a_rule_that_is_replaced_with_its_network_is_still_there_when_the_network_goes() -> None:
    """`replaceOnChanges` counts only once the rule itself is registered, after the network was deleted."""
    rule = one(FIREWALL, {"name": "f", "network": "[unknown]"}, "rule", replaceOnChanges=["network"])
    rule = using(rule, network=vpc("a"))
    found = changes(stack(vpc("a"), rule), stack(vpc("b"), rule))
    assert found["rule"].because == ("network: vpc is replaced",)
    assert found["vpc"].fails == ("`pulumi up` fails: rule still uses it at deletion",)


def test_ignored_inputs_do_not_follow_what_is_deleted_first() -> None:
    """The engine passes the ignored paths when it asks the provider what must go before (seen with pulumi 3.274)."""
    accounts = [one(ACCOUNT, {"accountId": name}, "account") for name in "ab"]
    node = {**GPUS, "serviceAccount": "[unknown]"}
    nodes = using(pool({"nodeConfig": node}, ignoreChanges=["nodeConfig.diskType"]), nodeConfig=accounts[0])
    found = changes(stack(accounts[0], nodes), stack(accounts[1], nodes))
    assert found["prefill-pool"].because == ("nodeConfig: account is replaced",)
    ignoring = using(pool({"nodeConfig": node}, ignoreChanges=["nodeConfig"]), nodeConfig=accounts[0])
    assert set(changes(stack(accounts[0], ignoring), stack(accounts[1], ignoring))) == {"account"}


def test_of_an_unknown_block_only_its_own_flag_counts() -> None:
    """A cluster is replaced with its nodes' account, unless it ignores the block: `nodeConfig` forces a replacement,
    whatever is in it. `networkConfig` of a pool forces none, though its networks do."""
    accounts = [one(ACCOUNT, {"accountId": name}, "account") for name in "ab"]
    cluster = one(CLUSTER, {"name": "c", "nodeConfig": {"serviceAccount": "[unknown]", "oauthScopes": ["a"]}}, "c")
    cluster = using(cluster, nodeConfig=accounts[0])
    found = changes(stack(accounts[0], cluster), stack(accounts[1], cluster))
    assert found["c"].because == ("nodeConfig: account is replaced",)
    ignoring = replace(cluster, options={"ignoreChanges": ["nodeConfig"]})
    assert set(changes(stack(accounts[0], ignoring), stack(accounts[1], ignoring))) == {"account"}
    nics = {"additionalNodeNetworkConfigs": [{"network": "vpc", "subnetwork": "s"}]}
    nodes = using(pool({"networkConfig": nics}), networkConfig=vpc("a"))
    found = changes(stack(vpc("a"), nodes), stack(vpc("b"), nodes))
    assert found["vpc"].fails == (f"`pulumi up` fails: prefill-pool still uses it at deletion{DELETE_POOLS}",)
    assert "prefill-pool" not in found


def test_an_output_of_another_resource_is_a_change() -> None:
    one_, other = (one(CHANNEL, {"type": "email", "labels": {"email": name}}, name) for name in "ab")
    policies = [
        using(one(ALERT, {"notificationChannels": ["[unknown]"]}, "alert"), notificationChannels=of)
        for of in (one_, other)
    ]
    found = changes(stack(one_, policies[0]), stack(other, policies[1]))
    (moved,) = found["alert"].inputs
    assert (found["alert"].kind, moved.path, moved.why) == (Kind.UPDATED, "notificationChannels", "now from b")


def test_a_cluster_of_the_same_identity_comes_back_empty() -> None:
    clusters = [one(CLUSTER, {"name": "c", "datapathProvider": kind}, "cluster") for kind in ("a", "b")]
    access = one(KUBERNETES_PROVIDER, {"clusterIdentifier": "c", "kubeconfig": "[unknown]"}, "access")
    access = using(access, kubeconfig=clusters[0])
    found = changes(stack(clusters[0], access), stack(clusters[1], access))
    assert (found["cluster"].kind, found["access"].kind) == (Kind.REPLACED, Kind.UPDATED)
    assert found["cluster"].notes[0].startswith("this update does not recreate the cluster's objects")


def test_options_that_replace_or_keep() -> None:
    before, after = ({"name": "n", "mtu": mtu} for mtu in (1460, 8896))
    forced = only(compare(stack(one(NETWORK, before)), stack(one(NETWORK, after, replaceOnChanges=["mtu"]))))
    assert (forced.kind, forced.because) == (Kind.REPLACED, ("mtu: replaceOnChanges",))
    other = only(compare(stack(one(NETWORK, before)), stack(one(NETWORK, after, replaceOnChanges=["name"]))))
    assert other.kind is Kind.UPDATED
    kept = one(BUCKET, {"name": "b", "location": "A"}, retainOnDelete=True)
    moved = one(BUCKET, {"name": "b", "location": "B"}, retainOnDelete=True)
    assert only(compare(stack(kept), stack(moved))).fails == (
        "`pulumi up` fails: the old resource remains (retainOnDelete) and keeps the name",
    )
    gone = only(compare(stack(kept), stack()))
    assert (gone.kind, gone.notes) == (Kind.DELETED, ("remains in the cloud, no longer managed (retainOnDelete)",))


def test_another_provider_replaces_where_it_is_of_another_cluster() -> None:
    googles = [replace(google(project), urn=f"{GOOGLE}-{project}", name=f"google-{project}") for project in "ab"]
    held = [by(one(NETWORK, {"name": "n"}), provider.urn) for provider in googles]
    assert changes(stack(*googles, held[0]), stack(*googles, held[1])) == {}
    access = [one(KUBERNETES_PROVIDER, {"clusterIdentifier": name}, name) for name in "ab"]
    held = [by(one("kubernetes:core/v1:ConfigMap", {}), provider.urn) for provider in access]
    found = changes(stack(*access, held[0]), stack(*access, held[1]))
    assert found["x"].because == ("provider: b instead of a",)


def zoned(*zones: str, machine: str = "a3-ultragpu-8g") -> Registered:
    return pool({"nodeLocations": list(zones), "nodeConfig": {**GPUS, "machineType": machine}})


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (zoned("b"), "1 updated: releases 2 reserved H200 nodes; destroys the pool's nodes and stops their pods "),
        (zoned("a", machine="other"), "1 updated: recreates the pool's nodes one by one; their pods restart "),
    ],
)
def test_updates_that_take_nodes_need_a_word(after: Registered, said: str) -> None:
    found = compare(stack(zoned("a"), prefill=2), stack(after, prefill=2))
    assert verdict(found) == f"{said}(prefill-pool)"
    assert found.guarded == found.changes


def test_more_nodes_need_none() -> None:
    found = compare(stack(pool({"nodeCount": 1}), prefill=1), stack(pool({"nodeCount": 2}), prefill=2))
    assert (only(found).kind, found.guarded) == (Kind.UPDATED, ())


def test_protected_and_unknown_things_need_a_word() -> None:
    for old in (one(SERVICE, {"service": "s"}, protect=True), one("gcp:compute/disk:Disk", {"name": "d"})):
        assert compare(stack(old), stack()).guarded
    assert not compare(stack(one(SERVICE, {"service": "s"})), stack()).guarded


def test_what_fails_is_said_once_in_the_text() -> None:
    labeled, bare = (pool({"nodeConfig": {**GPUS, "labels": labels}}) for labels in ({"a": "x"}, {}))
    found = compare(stack(labeled), stack(bare))
    assert only(found).inputs[0].effect is Effect.FAILS
    base = Base(
        ref="main", commit="0" * 40, snapshot=NOTHING, note=None, policies={}, judging={}, judged=JudgedByBase()
    )
    text = to_text("prod", base, found)
    assert text.count("the provider cannot empty nodeConfig.labels") == 1
    assert found.guarded
