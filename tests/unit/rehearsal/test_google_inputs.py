"""The inputs that the stand-in of Google's provider refuses, all at once."""

from typing import Any

import pytest

from ops.rehearsal.google.inputs import named, refusals
from ops.rehearsal.google.outputs import IDS
from ops.rehearsal.google.wire import UNKNOWN, Secret
from policies import kinds
from tests.stacks import SHIPPED, recorded

POOL = {"name": "decode", "cluster": "c"}
CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "every refusal of a resource",
        kinds.NODE_POOL,
        {
            "name": "decode",
            "nodeConfg": {},
            "nodeConfig": {"labels": "a", "guestAccelerators": [{"kind": "nvidia-h200-141gb"}]},
        },
        [
            "cluster is required",
            "nodeConfg is not a key here; did you mean nodeConfig?",
            "nodeConfig.guestAccelerators[0].count is required",
            "nodeConfig.guestAccelerators[0].kind is not a key here",
            "nodeConfig.guestAccelerators[0].type is required",
            "nodeConfig.labels must be a map",
        ],
    ),
    (
        "a value outside a closed set",
        kinds.CLUSTER,
        {"name": "c", "releaseChannel": {"channel": "REGULR"}},
        ['releaseChannel.channel "REGULR" is not one of'],
    ),
    ("an empty value stands for none", kinds.CLUSTER, {"name": "c", "releaseChannel": {"channel": "REGULAR"}}, []),
    (
        "an element outside a closed set",
        kinds.CLUSTER,
        {"name": "c", "loggingConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOAD"]}},
        ['loggingConfig.enableComponents "WORKLOAD" is not one of'],
    ),
    ("what only the update knows is taken", kinds.SUBNETWORK, {"name": "s", "network": UNKNOWN, "region": "r"}, []),
    ("a secret is looked into", kinds.SECRET_VERSION, {"secret": "s", "secretData": Secret("t"), "x": 1}, ["x is not"]),
    (
        "numbers and elements outside of bounds",
        kinds.FIREWALL,
        {"name": "f", "network": "n", "priority": 65536, "denies": [], "sourceServiceAccounts": ["a"] * 11},
        [
            "allows exactly one of allows, denies must be set",
            "priority 65536 is outside 0 to 65535",
            "sourceServiceAccounts has 11 elements; at most 10 are allowed",
        ],
    ),
    (
        "inputs that exclude each other",
        kinds.FIREWALL,
        {
            "name": "f",
            "network": "n",
            "allows": [{"protocol": "tcp"}],
            "denies": [{"protocol": "udp"}],
            "sourceTags": ["a"],
            "targetServiceAccounts": ["b"],
        },
        [
            "allows exactly one of allows, denies must be set",
            "sourceTags conflicts with targetServiceAccounts",
            "targetServiceAccounts conflicts with sourceTags",
        ],
    ),
    (
        "an input that needs another one",
        kinds.GOOGLE_SECRET,
        {"secretId": "s", "rotation": {"rotationPeriod": "1s"}, "replication": {}},
        [
            "replication.auto exactly one of replication.auto, replication.userManaged must be set",
            "rotation needs topics",
        ],
    ),
    (
        "what is unknown may be set or not",
        kinds.GOOGLE_SECRET,
        {"secretId": "s", "rotation": UNKNOWN, "replication": {"auto": UNKNOWN}},
        [],
    ),
]


@pytest.mark.parametrize(("name", "type_", "news", "want"), CASES, ids=[case[0] for case in CASES])
def test_refusals(name: str, type_: str, news: dict[str, Any], want: list[str]) -> None:
    found = sorted(f"{refusal.path} {refusal.reason}" for refusal in refusals(type_, news))
    assert len(found) == len(want), found
    for sentence, begins in zip(found, want, strict=True):
        assert sentence.startswith(begins)


@pytest.mark.parametrize("stack", SHIPPED)
def test_every_resource_of_the_stacks_is_known_and_taken(stack: str) -> None:
    resources = [of for of in recorded(stack).resources if of.type.startswith("gcp:")]
    assert {of.type for of in resources} <= IDS.keys()
    assert {of.urn: found for of in resources if (found := refusals(of.type, of.inputs))} == {}


def test_a_resource_without_a_name_gets_one_and_keeps_it() -> None:
    first = named(kinds.NETWORK, "vpc", b"seed", {}, {})
    assert first["name"].startswith("vpc-")
    assert first["__defaults"] == ["name"]
    assert named(kinds.NETWORK, "vpc", b"another", {"mtu": 8896}, first) == {**first, "mtu": 8896}
    assert named(kinds.NETWORK, "vpc", b"seed", {"name": "mine"}, first) == {"name": "mine"}
