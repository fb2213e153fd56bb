"""The changes that the stand-in of Google's provider sees, and which of them replace the resource."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ops.changes.gcp_inputs import table
from ops.rehearsal.google.changes import Change, Kind, applied, changes, deletes_first, ignored
from ops.rehearsal.google.wire import UNKNOWN
from policies import kinds
from tests.unit.test_effects import GCP, Effect
from tests.unit.test_effects import Case as Forecast

POOL, CLUSTER, SUBNETWORK = kinds.NODE_POOL, kinds.CLUSTER, kinds.SUBNETWORK


def add(path: str, *, replaces: bool = False) -> Change:
    return Change(path=path, kind=Kind.ADD, replaces=replaces)


def update(path: str, *, replaces: bool = False) -> Change:
    return Change(path=path, kind=Kind.UPDATE, replaces=replaces)


def delete(path: str, *, replaces: bool = False) -> Change:
    return Change(path=path, kind=Kind.DELETE, replaces=replaces)


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    type: str
    state: dict[str, Any]
    news: dict[str, Any]
    want: list[Change] = field(default_factory=list[Change])
    labels: dict[str, str] = field(default_factory=dict[str, str])


CASES = [
    Case(
        name="a value that the cloud chose is no difference",
        type=kinds.NETWORK,
        state={"name": "a", "project": "p", "selfLink": "https://…"},
        news={"name": "a"},
    ),
    Case(
        name="a range that holds the old one grows in place",
        type=SUBNETWORK,
        state={"ipCidrRange": "10.0.0.0/20"},
        news={"ipCidrRange": "10.0.0.0/16"},
        want=[update("ipCidrRange")],
    ),
    Case(
        name="another range replaces",
        type=SUBNETWORK,
        state={"ipCidrRange": "10.0.0.0/20"},
        news={"ipCidrRange": "10.1.0.0/20"},
        want=[update("ipCidrRange", replaces=True)],
    ),
    Case(
        name="a network moves to another project only if the program says so",
        type=kinds.NETWORK,
        state={"name": "a", "project": "old"},
        news={"name": "a", "project": "new"},
        want=[update("project", replaces=True)],
    ),
    Case(
        name="subscribed components are a set",
        type=CLUSTER,
        state={"loggingConfig": {"enableComponents": ["WORKLOADS", "SYSTEM_COMPONENTS"]}},
        news={"loggingConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS"]}},
    ),
    Case(
        name="rules of a security policy are a set",
        type=kinds.SECURITY_POLICY,
        state={"rules": [{"action": "allow", "priority": 1}, {"action": "deny(403)", "priority": 2}]},
        news={"rules": [{"action": "deny(403)", "priority": 2}, {"action": "allow", "priority": 3}]},
        want=[update("rules[0]")],
    ),
    Case(
        name="a network by id is the same as by self link",
        type=SUBNETWORK,
        state={"network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/a"},
        news={"network": "projects/p/global/networks/a"},
    ),
    Case(
        name="an unknown network may be another one",
        type=SUBNETWORK,
        state={"network": "projects/p/global/networks/a"},
        news={"network": UNKNOWN},
        want=[update("network", replaces=True)],
    ),
    Case(
        name="of an unknown block only its own flag counts",
        type=POOL,
        state={"networkConfig": {"additionalNodeNetworkConfigs": [{"network": "a", "subnetwork": "b"}]}},
        news={"networkConfig": UNKNOWN},
        want=[update("networkConfig")],
    ),
    Case(
        name="an unknown network of a NIC replaces the pool",
        type=POOL,
        state={"networkConfig": {"additionalNodeNetworkConfigs": [{"network": "a", "subnetwork": "b"}]}},
        news={"networkConfig": {"additionalNodeNetworkConfigs": [{"network": UNKNOWN, "subnetwork": "b"}]}},
        want=[update("networkConfig.additionalNodeNetworkConfigs[0].network", replaces=True)],
    ),
    Case(
        name="another default label updates what carries labels",
        type=kinds.BUCKET,
        state={"name": "b", "effectiveLabels": {"owner": "a", "stack": "s"}},
        news={"name": "b"},
        labels={"owner": "b", "stack": "s"},
        want=[update("effectiveLabels.owner")],
    ),
    Case(
        name="an own label wins over the provider's",
        type=kinds.BUCKET,
        state={"name": "b", "labels": {"owner": "mine"}, "effectiveLabels": {"owner": "mine"}},
        news={"name": "b", "labels": {"owner": "mine"}},
        labels={"owner": "theirs"},
    ),
    Case(
        name="a map keeps its other entries",
        type=POOL,
        state={"nodeConfig": {"labels": {"role": "decode", "dra": "true"}}},
        news={"nodeConfig": {"labels": {"role": "decode"}}},
        want=[delete("nodeConfig.labels.dra")],
    ),
    Case(
        name="a block that comes or goes counts once",
        type=POOL,
        state={"autoscaling": {"totalMaxNodeCount": 3}},
        news={},
        want=[delete("autoscaling")],
    ),
    Case(
        name="a reservation cannot be left in place",
        type=POOL,
        state={"nodeConfig": {"reservationAffinity": {"consumeReservationType": "NO_RESERVATION"}}},
        news={
            "nodeConfig": {"reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION", "values": ["r"]}}
        },
        want=[
            update("nodeConfig.reservationAffinity.consumeReservationType", replaces=True),
            add("nodeConfig.reservationAffinity.values", replaces=True),
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_changes(case: Case) -> None:
    assert changes(case.type, case.state, case.news, case.labels) == case.want


# Cases of the forecast that the stand-in judges otherwise, with the reason. The forecast is the stricter side in each.
DIFFERENT = {
    "ipCidrRange [unknown]": "an unknown range shrinks nothing (IsShrinkageIpCidr); the forecast fears it does",
    "masterIpv4CidrBlock b": "no such input: refused before",
    "enableL4IlbSubsetting ...": "optional and computed: the provider keeps a value that the program removes",
    "nodeConfig.labels ...": "optional and computed, like the one before; only an empty map is refused",
    "nodeConfig.newThing 2": "no such input: refused before",
    "bestEffortProvisioning.enabled True": "an input that the table lacks is refused before",
}


def _named(case: Forecast) -> str:
    was, becomes = flat(case.before), flat(case.after)
    path = next(path for path in {**was, **becomes} if was.get(path, ...) != becomes.get(path, ...))
    value = becomes.get(path, "...")
    return f"{path.removesuffix('.a')} {value}"


def flat(values: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(values, dict) or not values:
        return {path: values}
    return {
        at: value for key, inner in values.items() for at, value in flat(inner, f"{path}.{key}".lstrip(".")).items()
    }


FORECASTS = [case for case in GCP if case.type in table() and _named(case) not in DIFFERENT]


def test_each_difference_is_one() -> None:
    assert {_named(case) for case in GCP} >= DIFFERENT.keys()


@pytest.mark.parametrize("case", FORECASTS, ids=lambda case: f"{case.type}-{case.before}-{case.after}")
def test_forecast_and_stand_in_agree(case: Forecast) -> None:
    """Two readings of the same facts: the forecast's by difference, the stand-in's by walking the schema."""
    found = changes(case.type, case.before, case.after, {})
    replaces = any(change.replaces for change in found)
    assert (bool(found), replaces) == (case.want is not Effect.NONE, case.want is Effect.REPLACES)


@pytest.mark.parametrize(
    ("type_", "news", "defaults", "want"),
    [
        (POOL, {"name": "decode"}, [], True),
        (POOL, {"name": "decode-1a2b3c4"}, ["name"], False),
        (kinds.PROJECT_GRANT, {"role": "r"}, [], True),
        (kinds.ALERT_POLICY, {"displayName": "a"}, [], False),
    ],
)
def test_a_fixed_name_is_deleted_first(type_: str, news: dict[str, Any], defaults: list[str], want: bool) -> None:
    assert deletes_first(type_, news, defaults) is want


def test_ignored_changes_are_none() -> None:
    found = [update("nodeConfig.ephemeralStorageLocalSsdConfig"), update("nodeConfig.spot"), update("version")]
    assert ignored(found, ["nodeConfig.ephemeralStorageLocalSsdConfig", "version"]) == [update("nodeConfig.spot")]


def test_an_update_keeps_what_the_cloud_chose_and_what_the_provider_cannot_change() -> None:
    state = {
        "name": "decode",
        "project": "p",
        "instanceGroupUrls": ["…"],
        "autoscaling": {"totalMaxNodeCount": 3},
        "nodeConfig": {"gpudirectStrategy": "RDMA", "spot": True},
    }
    assert applied(POOL, state, {"name": "decode", "nodeConfig": {"gpudirectStrategy": "OTHER", "spot": True}}) == {
        "name": "decode",
        "project": "p",
        "instanceGroupUrls": ["…"],
        "nodeConfig": {"gpudirectStrategy": "RDMA", "spot": True},
    }
