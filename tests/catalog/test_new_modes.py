"""A capacity mode and an RDMA mode that nobody has: one new file and its entry in `MODES`, in a copy of the program."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.catalog import tree
from tests.catalog.tree import Preview
from tests.stacks import ROOT


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tree.copy(tmp_path_factory.mktemp("program"))
    shutil.copy(ROOT / "Pulumi.prod.yaml", folder)
    tree.add_mode(folder, "capacity", "calendar_dates", "Calendar")
    tree.add_mode(folder, "rdma", "shared_nics", "Shared")
    return folder


CALENDAR_STACK = ("capacity={mode: calendarDates, booking: week-9, days: 3}",)


def preview(copy: Path, *changes: str) -> Preview:
    sets = [word for change in changes for word in ("--set", change)]
    done = tree.run(copy, "ops", "preview", "--stack", "prod", "--json", *sets)
    return Preview(json.loads(done.stdout), done.stdout)


def gpu_pools(previewed: Preview) -> list[Mapping[str, Any]]:
    return [pool for pool in previewed.resources(":NodePool") if "guestAccelerators" in pool["nodeConfig"]]


def test_a_capacity_mode_is_one_file_and_its_entry(copy: Path) -> None:
    found = preview(copy, *CALENDAR_STACK)
    pools = gpu_pools(found)
    assert len(pools) == 2
    for pool in pools:
        node = pool["nodeConfig"]
        assert node["resourceLabels"]["dynamo-gke-capacity"] == "calendar-dates"
        assert node["reservationAffinity"]["values"] == ["week-9"]
        assert node["maxRunDuration"] == "259200s"
        assert {"spot", "flexStart"}.isdisjoint(node)
        assert pool["autoscaling"]["totalMinNodeCount"] == 0
        assert {"upgradeSettings", "placementPolicy"}.isdisjoint(pool)
    warnings = "\n".join(found.plan["warnings"])
    assert "capacity.days: nodes go after 3 days" in warnings
    assert "catalog/machines has no price and no quota for" in warnings
    # Nobody allowed it for this stack.
    assert {verdict["policy"] for verdict in found.shown["policies"]} >= {"capacity-mode"}
    assert not [v for v in found.shown["policies"] if v["policy"] == "no-gpu-surge"]
    assert "reservation week-9 is in zone" in json.dumps(found.shown)


def test_errors_of_its_settings_are_those_of_any_other_block(copy: Path) -> None:
    done = tree.run(copy, "ops", "preview", "--stack", "prod", "--set", "capacity={mode: calendarDates, days: 0}")
    assert done.returncode == 2
    assert "capacity.days: got 0; must be at least 1" in done.stderr
    assert "capacity.booking: is required" in done.stderr
    done = tree.run(copy, "ops", "preview", "--stack", "prod", "--set", "capacity={mode: spot, booking: b}")
    assert "capacity.booking: has no effect with spot" in done.stderr
    done = tree.run(copy, "ops", "preview", "--stack", "prod", "--set", "capacity={mode: calendarDate}")
    assert "did you mean calendarDates?" in done.stderr


def test_an_rdma_mode_is_one_file_and_its_entry(copy: Path) -> None:
    found = preview(copy, "network.rdma=sharedNics")
    for pool in gpu_pools(found):
        assert pool["nodeConfig"]["labels"]["example.com/nics"] == "shared"
        assert pool["networkConfig"]["additionalNodeNetworkConfigs"]
    templates = found.resources(":ResourceClaimTemplate")
    requests = [request for t in templates for request in t["spec"]["spec"]["devices"]["requests"]]
    assert {request["exactly"]["deviceClassName"] for request in requests} == {"nics.example.com"}
    assert "1.37.0-gke.2 or newer, as shared NICs needs" in json.dumps(found.shown)
