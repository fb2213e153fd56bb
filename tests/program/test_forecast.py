"""The forecast of setting changes on whole stacks, and that the provider's table knows all that the programs set."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from json import dumps, loads
from typing import Any

import pytest

from bootstrap import settings as bootstrap_settings
from bootstrap.preview import FOLDER as BOOTSTRAP
from ops.changes.change import Change, Comparison, Kind
from ops.changes.comparison import compare
from ops.changes.gcp_inputs import table
from ops.changes.previewed import Snapshot
from ops.offline import stackfile
from ops.offline.dry_run import DryRun
from ops.offline.recorded import Recording
from ops.offline.recording import record
from ops.report.diff_report import verdict
from planning.load import load
from planning.plan import plan
from tests.stacks import ROOT, SHIPPED, config, recorded

GATEWAY = {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}
KEY = "projects/my-project/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"
BUDGET = {"monthlyUsd": 100, "emails": ["a@example.com"]}

VARIANTS: dict[str, dict[str, Any]] = {
    "dranet": {},
    "dranetAuto": {"network.rdma": "dranetAuto"},
    "multiNetwork": {"network.rdma": "multiNetwork"},
    "no RDMA": {"network.rdma": "none", "models.chat.layout": "aggregated"},
    "spot": {"capacity": {"mode": "spot"}},
    "flexStart": {"capacity": {"mode": "flexStart"}},
    "onDemand": {"capacity": {"mode": "onDemand"}},
    "gateway": {"endpoint": GATEWAY},
    "secret manager": {"secrets": {"store": "secretManager"}},
    "key and binary authorization": {"cluster.secretsKey": KEY, "cluster.binaryAuthorization": True},
    "an existing cluster": {"cluster.existing": {"name": "shared"}},
    "an existing cluster with pools": {"cluster.existing": {"name": "shared", "addGpuPools": True}},
    "an existing VPC": {"network.existing": {"vpc": "v", "subnet": "s"}},
    "autoscaling": {"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}},
    "alerts and a budget": {"alerts": {"emails": ["a@example.com"]}, "budget": BUDGET},
    "upgrades by GKE": {"cluster.maintenance": {"holdNodeUpgrades": False}},
}


@cache
def _recorded(changes: str) -> tuple[Recording, Snapshot]:
    stack = config(loads(changes))
    recording = record(ROOT, stack)
    return recording, Snapshot.from_wire(DryRun(config=stack, plan=plan(load(stack)), recording=recording).to_wire())


def variant(changes: Mapping[str, Any]) -> tuple[Recording, Snapshot]:
    return _recorded(dumps(changes, sort_keys=True))


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Paths as the table has them, of all that is set."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for item in value:
            yield from leaves(item, f"{path}[]")
    else:
        yield path


def unknown(recording: Recording) -> list[str]:
    """Types and inputs of Google Cloud that the table does not have."""
    return sorted(
        {
            f"{resource.type} {path}"
            for resource in recording.resources
            if resource.type.startswith("gcp:")
            for path in leaves(resource.inputs)
            if resource.type not in table() or table()[resource.type].find(path) is None
        }
    )


@pytest.mark.parametrize("stack", SHIPPED)
@pytest.mark.parametrize("preview", [True, False])
def test_the_table_knows_what_the_shipped_stacks_set(stack: str, preview: bool) -> None:
    assert unknown(recorded(stack, preview=preview)) == []


@pytest.mark.parametrize("name", VARIANTS)
def test_the_table_knows_what_other_stacks_set(name: str) -> None:
    assert unknown(variant(VARIANTS[name])[0]) == []


def test_the_table_knows_what_the_bootstrap_sets() -> None:
    stack = stackfile.read(BOOTSTRAP, "bootstrap")
    assert unknown(record(BOOTSTRAP, stack, project=bootstrap_settings.NAMESPACE)) == []


def forecast(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    return compare(variant(before)[1], variant(after)[1])


@dataclass(frozen=True)
class Case:
    name: str
    after: dict[str, Any]
    needs_word: bool
    """Whether `ops diff` ends with 4."""
    kinds: dict[str, Kind | None] = field(default_factory=dict[str, Kind | None])
    """Resources by name, as far as they matter; None for one that stays as it is."""
    said: str = ""
    """Part of the verdict's line, as a pattern."""
    before: dict[str, Any] = field(default_factory=dict[str, Any])


UPDATED, REPLACED, DELETED, CREATED = Kind.UPDATED, Kind.REPLACED, Kind.DELETED, Kind.CREATED
POOLS = ("decode-pool", "prefill-pool")
OTHER_ZONE = {"location.zone": "europe-west1-c", "location.allowUnlisted": True}
BACK = "releases 2 reserved H200 nodes"

CASES = [
    Case("nothing", {}, False, {"cluster-cluster": None}, "^no change$"),
    Case("a label", {"labels": {"owner": "b"}}, False,
         {"weights-bucket": UPDATED, "cluster-cluster": UPDATED, "chat-endpoint-address": UPDATED, "network-vpc": None},
         before={"labels": {"owner": "a"}}),
    Case("a first label", {"labels": {"owner": "b"}}, False, {"weights-bucket": UPDATED}),
    Case("another project", {"gcp:project": "other-project"}, True, {"weights-bucket": REPLACED}),
    Case("another region", {"location": {"region": "us-central1", "zone": "us-central1-b"}}, True,
         {"cluster-cluster": REPLACED, "network-nodes": REPLACED, "access-provider": REPLACED, "chat-graph": REPLACED},
         BACK),
    # To the provider the pools' networks are the same names, so nothing deletes the pools before the zonal network.
    Case("another zone", {**OTHER_ZONE}, True,
         {"rdma-roce": REPLACED, "rdma-rail-0": REPLACED, **dict.fromkeys(POOLS, UPDATED), "cluster-cluster": None},
         rf"{BACK};.*`pulumi up` fails \(rdma-roce"),
    Case("another zone, networks by GKE", {"network.rdma": "dranetAuto", **OTHER_ZONE}, True,
         dict.fromkeys(POOLS, UPDATED), BACK, {"network.rdma": "dranetAuto"}),
    Case("another zone without RDMA", VARIANTS["no RDMA"] | {**OTHER_ZONE}, True,
         {"worker-pool": UPDATED}, "releases 1 reserved H200 node", VARIANTS["no RDMA"]),
    Case("another zone in a found cluster",
         {"cluster.existing": {"name": "shared", "addGpuPools": True}, "network.rdma": "dranetAuto",
          **OTHER_ZONE}, True, dict.fromkeys(POOLS, UPDATED), BACK,
         {"cluster.existing": {"name": "shared", "addGpuPools": True}, "network.rdma": "dranetAuto"}),
    Case("another reservation", {"capacity": {"mode": "reservation", "reservation": "other"}}, True,
         dict.fromkeys(POOLS, REPLACED), BACK),
    Case("spot", VARIANTS["spot"], True, dict.fromkeys(POOLS, REPLACED), BACK),
    Case("on demand", VARIANTS["onDemand"], True, dict.fromkeys(POOLS, REPLACED), BACK),
    Case("flex-start", VARIANTS["flexStart"], True, dict.fromkeys(POOLS, REPLACED), BACK),
    Case("flex-start to spot", VARIANTS["spot"], True, dict.fromkeys(POOLS, REPLACED), before=VARIANTS["flexStart"]),
    Case("networks by GKE", VARIANTS["dranetAuto"], True,
         {**dict.fromkeys(POOLS, REPLACED), "rdma-roce": DELETED, "cluster-cluster": UPDATED}, BACK),
    Case("networks by the stack", {}, True, {**dict.fromkeys(POOLS, REPLACED), "rdma-roce": CREATED}, BACK,
         VARIANTS["dranetAuto"]),
    # One label of the nodes comes or goes.
    Case("multiNetwork", VARIANTS["multiNetwork"], False, dict.fromkeys(POOLS, UPDATED), "^[^:]*$"),
    Case("dranet", {}, False, dict.fromkeys(POOLS, UPDATED), "^[^:]*$", VARIANTS["multiNetwork"]),
    # The provider keeps a pool's networks when they are taken out, so the pool stays and the networks are in use.
    Case("RDMA taken out", VARIANTS["no RDMA"], True, {"rdma-roce": DELETED, "worker-pool": UPDATED},
         r"`pulumi up` fails \(.*rdma-roce", {"models.chat.layout": "aggregated"}),
    Case("one node for both roles", {"models.chat.layout": "single-node"}, True,
         {**dict.fromkeys(POOLS, DELETED), "shared-pool": CREATED}, BACK),
    Case("another model on the same engines", {"models.chat.model": "llama-3.3-70b-instruct-fp8",
          "models.chat.prefill": {"replicas": 1, "tensorParallel": 8}}, False,
         {**dict.fromkeys(POOLS, None), "chat-graph": UPDATED}),
    Case("another model on smaller engines", {"models.chat.model": "llama-3.3-70b-instruct-fp8"}, True,
         {**dict.fromkeys(POOLS, None), "chat-graph": UPDATED}, "`pulumi up` fails .chat-graph.$"),
    Case("one more decode engine", {"models.chat.decode": {"replicas": 2}}, False, {"decode-pool": UPDATED}),
    Case("one decode engine less", {}, True, {"decode-pool": UPDATED, "prefill-pool": None},
         "releases 1 reserved H200 node", {"models.chat.decode": {"replicas": 2}}),
    Case("autoscaling", VARIANTS["autoscaling"], False, {"decode-pool": UPDATED}),
    # The autoscaler releases no node because of it: it may, as before, what is idle above the minimum.
    Case("autoscaling from fewer", {"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}}, False,
         {"decode-pool": UPDATED}, "updated$", {"models.chat.autoscaling": {"decode": {"min": 2, "max": 3}}}),
    Case("autoscaling to fewer", {"models.chat.autoscaling": {"decode": {"min": 1, "max": 2}}}, True,
         {"decode-pool": UPDATED}, "may release up to 1 reserved H200 node$", VARIANTS["autoscaling"]),
    Case("autoscaling taken out", {}, True, {"decode-pool": UPDATED},
         "may release up to 2 reserved H200 nodes", VARIANTS["autoscaling"]),
    Case("autoscaling of more than enough", VARIANTS["autoscaling"], True, {"decode-pool": UPDATED},
         "`pulumi up` fails \\(chat-graph\\)$", {"models.chat.decode": {"replicas": 2}}),
    Case("a scaled pool deleted", {"models.chat.layout": "single-node"}, True, {"decode-pool": DELETED},
         "releases 2 to 4 reserved H200 nodes", VARIANTS["autoscaling"]),
    Case("another CPU machine", {"cluster.systemPool": {"machine": "e2-standard-8"}}, True, {"system-pool": UPDATED},
         "recreates the pool's nodes one by one; their pods restart"),
    Case("more CPU nodes", {"cluster.systemPool": {"nodes": 4}}, False, {"system-pool": UPDATED}),
    Case("another channel", {"cluster.releaseChannel": "stable"}, False, {"cluster-cluster": UPDATED}),
    Case("another window", {"cluster.maintenance": {"days": ["mon", "tue"]}}, False, {"cluster-cluster": UPDATED}),
    Case("upgrades by GKE", VARIANTS["upgrades by GKE"], False, {"cluster-cluster": UPDATED}),
    Case("no protection", {"cluster.deletionProtection": False}, False, {"cluster-cluster": UPDATED}),
    Case("binary authorization", {"cluster.binaryAuthorization": True}, False, {"cluster-cluster": UPDATED}),
    Case("a key for Secrets", {"cluster.secretsKey": KEY}, False, {"cluster-cluster": UPDATED}),
    Case("the key taken out", {}, False, {"cluster-cluster": Kind.UNCHANGED}, before={"cluster.secretsKey": KEY}),
    Case("an existing VPC", VARIANTS["an existing VPC"], True, {"cluster-cluster": REPLACED, "network-vpc": DELETED},
         "destroys the cluster and everything in it"),
    Case("an existing cluster", VARIANTS["an existing cluster"], True, {"cluster-cluster": DELETED}, BACK),
    Case("a wider node range", {"network.ranges": {"nodes": "10.0.0.0/16"}}, False,
         {"network-nodes": UPDATED, "cluster-cluster": None}),
    Case("another node range", {"network.ranges": {"nodes": "10.1.0.0/20"}}, True,
         {"network-nodes": REPLACED, "cluster-cluster": REPLACED}),
    Case("a smaller node range", {"network.ranges": {"nodes": "10.0.0.0/24"}}, True, {"cluster-cluster": REPLACED}),
    Case("another range of pods", {"network.ranges": {"pods": "10.20.0.0/14"}}, True,
         {"network-nodes": UPDATED}, "`pulumi up` fails"),
    Case("an endpoint inside only", {"endpoint": {"exposure": "none"}}, False, {"chat-endpoint-address": DELETED}),
    Case("a public endpoint", VARIANTS["gateway"], False, {"chat-endpoint-address": DELETED}),
    Case("other clients", {"endpoint": {**GATEWAY, "allowedCidrs": ["203.0.114.0/24"]}}, False,
         {"gateway-clients": UPDATED}, before=VARIANTS["gateway"]),
    Case("another domain", {"endpoint": {**GATEWAY, "domain": "llm2.example.com"}}, False,
         {}, "the endpoint needs another certificate", VARIANTS["gateway"]),
    Case("another budget", {"budget": {**BUDGET, "monthlyUsd": 200}}, False, {"budget-budget": UPDATED},
         before={"budget": BUDGET}),
    Case("others are notified", {"alerts": {"emails": ["b@example.com"]}}, False,
         {"observability-a@example.com": DELETED, "observability-gpu-xid": UPDATED},
         before={"alerts": {"emails": ["a@example.com"]}}),
    Case("the token in Secret Manager", VARIANTS["secret manager"], False,
         {"workloads-hf-token": DELETED, "token-secret": CREATED, "cluster-cluster": UPDATED}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_setting_that_changes(case: Case) -> None:
    found = forecast(case.before, case.after)
    by_name: dict[str, Change] = {change.name: change for change in found.changes}
    kinds = {name: by_name[name].kind if name in by_name else None for name in case.kinds}
    assert kinds == case.kinds
    assert bool(found.guarded) is case.needs_word
    assert re.search(case.said, verdict(found))


def test_no_ignored_input_shows() -> None:
    """Not even where the resource is replaced: none of them forces it."""
    for case in CASES:
        ignored = {r.urn: r.options.get("ignoreChanges", []) for r in variant(case.after)[1].resources}
        for change in forecast(case.before, case.after).of(Kind.REPLACED):
            shown = {i.path for i in change.inputs if not i.why.endswith("replaced")}
            assert not [path for path in shown if any(path.startswith(name) for name in ignored[change.urn])]


TCP = {"models.chat.kvTransfer": "tcp"}
CHANGES_ONLY_IN_WORDS = {
    "drainSeconds": "how long a restart takes",
    "extraArgs": "one flag in place of another",
    "holdNodeUpgrades": "nodes that GKE upgrades by itself",
    "layout": "the mocker in place of an engine",
}
"""Keys whose description has such a word and says nothing of a change of the setting."""

REPLACES, RESTARTS, FAILS = "replaces the GPU pools", "restarts the workers", "`pulumi up` fails"
DRANET, MULTI, AUTO = ({"network.rdma": mode} for mode in ("dranet", "multiNetwork", "dranetAuto"))
TCP = {"models.chat.kvTransfer": "tcp"}
NONE = {"network.rdma": "none", **TCP}
CLAIMS: dict[str, list[tuple[dict[str, Any], dict[str, Any], str]]] = {
    "rdma": [
        (DRANET, MULTI, RESTARTS),
        (MULTI, DRANET, RESTARTS),
        *((of, AUTO, REPLACES) for of in (DRANET, MULTI)),
        *((AUTO, of, REPLACES) for of in (DRANET, MULTI)),
        *((NONE, of | TCP, REPLACES) for of in (DRANET, MULTI, AUTO)),
        (AUTO | TCP, NONE, REPLACES),
        *((of | TCP, NONE, FAILS) for of in (DRANET, MULTI)),
    ],
    "updateStrategy": [
        ({}, {"models.chat.updateStrategy": "recreate"}, RESTARTS),
        ({"models.chat.updateStrategy": "recreate"}, {}, RESTARTS),
    ],
}
"""Key → changes of it, and what its description says of them."""


def effect(found: Comparison) -> str:
    if {change.name for change in found.of(REPLACED)} >= set(POOLS):
        return REPLACES
    if any(change.fails for change in found.changes):
        return FAILS
    return RESTARTS if found.rolling == ("chat",) else ""


@pytest.mark.parametrize("key", CLAIMS)
def test_the_description_of_a_setting_says_what_a_change_of_it_does(key: str) -> None:
    for before, after, says in CLAIMS[key]:
        assert effect(forecast(before, after)) == says, (before, after)


def described(schema: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Key → a description, its own or one of its values, that says what is replaced or restarts."""
    if isinstance(schema, list):
        for each in schema:
            yield from described(each, key)
    elif isinstance(schema, dict):
        for texts in (schema.get("description", ""), *schema.get("enumDescriptions", [])):
            if re.search("replac|restart|recreat|in place", texts, re.IGNORECASE):
                yield key, texts
        for name, inner in schema.items():
            yield from described(inner, key if name in STRUCTURE else name)


STRUCTURE = ("properties", "items", "additionalProperties", "anyOf", "oneOf", "allOf", "$defs", "then", "if", "else")


def test_every_description_that_says_what_a_change_does_is_compared() -> None:
    schema = loads((ROOT / "dynamo-gke.schema.json").read_text(encoding="utf-8"))
    assert {key for key, _ in described(schema)} == {*CLAIMS, *CHANGES_ONLY_IN_WORDS}
