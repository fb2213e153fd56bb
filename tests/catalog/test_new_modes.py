"""A capacity mode and an RDMA mode that nobody has: one new file and its entry in `MODES`, in a copy of the program."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stacks import ROOT

CALENDAR = '''
"""Nodes of a reservation for fixed dates, which end with it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from catalog.capacity.mode import CapacityMode, CapacitySettings
from catalog.contracts import NodePurchase, ReservationRef
from catalog.gke_versions import Floor, GkeVersion


class CalendarSettings(CapacitySettings):
    mode: Literal["calendarDates"]
    booking: str
    days: Annotated[int, Field(ge=1, le=90)] = 5


class Calendar(CapacityMode[CalendarSettings]):
    name = "calendarDates"
    settings = CalendarSettings
    reserved = True
    rolling_upgrades = False
    adjective = "booked"
    min_gke = Floor(GkeVersion(1, 36, 0, 1), "calendar mode")

    def node_pool(self, given: CalendarSettings, *, nodes: int, max_nodes: int) -> NodePurchase:
        return self.bought(
            min_nodes=0,
            max_nodes=max_nodes,
            reservation=ReservationRef(name=given.booking),
            max_run_seconds=given.days * 86400,
        )

    def warnings(self, given: CalendarSettings) -> Iterator[tuple[str, str]]:
        yield "days", f"nodes go after {given.days} days"
'''

SHARED = '''
"""Networks of the stack; pods claim NICs from a driver of another class."""

from collections.abc import Mapping

from catalog.contracts import NicClaim, NicRequest
from catalog.gke_versions import Floor, GkeVersion
from catalog.rdma.mode import RdmaMode


class Shared(RdmaMode):
    name = "sharedNics"
    min_gke = Floor(GkeVersion(1, 37, 0, 2), "shared NICs")
    own_networks = True
    multi_networking = True
    node_labels = {"example.com/nics": "shared"}

    def worker(self, nics: int, interfaces: Mapping[str, str]) -> NicRequest:
        return NicRequest(claim=NicClaim(device_class="nics.example.com", count=nics), capabilities=self.capabilities)
'''


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("program") / "copy"
    left_out = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".pytest_cache", "tests", "node_modules")
    shutil.copytree(ROOT, root, ignore=left_out, symlinks=True)
    for folder, file, text, class_ in (
        ("capacity", "calendar_dates", CALENDAR, "Calendar"),
        ("rdma", "shared_nics", SHARED, "Shared"),
    ):
        (root / "catalog" / folder / f"{file}.py").write_text(text, encoding="utf-8")
        listed = root / "catalog" / folder / "__init__.py"
        before, head, after = listed.read_text(encoding="utf-8").partition("MODES: tuple[")
        head += after.partition("= (\n")[0] + "= (\n"
        entry = f"from catalog.{folder}.{file} import {class_}\n\n{head}    {class_}(),\n"
        listed.write_text(before + entry + after.partition("= (\n")[2], encoding="utf-8")
    return root


def ops(copy: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops", *args]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=120, check=False)


CALENDAR_STACK = ("capacity={mode: calendarDates, booking: week-9, days: 3}",)


def preview(copy: Path, *changes: str) -> dict[str, Any]:
    sets = [word for change in changes for word in ("--set", change)]
    done = ops(copy, "preview", "--stack", "prod", "--json", *sets)
    return json.loads(done.stdout)


def gpu_pools(previewed: dict[str, Any]) -> list[dict[str, Any]]:
    pools = [r["inputs"] for r in previewed["resources"] if r["type"].endswith(":NodePool")]
    return [pool for pool in pools if "guestAccelerators" in pool["nodeConfig"]]


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
    warnings = "\n".join(found["plan"]["warnings"])
    assert "capacity.days: nodes go after 3 days" in warnings
    assert "catalog/machines has no price and no quota for" in warnings
    # Nobody allowed it for this stack.
    assert {verdict["policy"] for verdict in found["policies"]} >= {"capacity-mode"}
    assert not [v for v in found["policies"] if v["policy"] == "no-gpu-surge"]
    assert "reservation week-9 is in zone" in json.dumps(found)


def test_errors_of_its_settings_are_those_of_any_other_block(copy: Path) -> None:
    done = ops(copy, "preview", "--stack", "prod", "--set", "capacity={mode: calendarDates, days: 0}")
    assert done.returncode == 2
    assert "capacity.days: got 0; must be at least 1" in done.stderr
    assert "capacity.booking: is required" in done.stderr
    done = ops(copy, "preview", "--stack", "prod", "--set", "capacity={mode: spot, booking: b}")
    assert "capacity.booking: has no effect with spot" in done.stderr
    done = ops(copy, "preview", "--stack", "prod", "--set", "capacity={mode: calendarDate}")
    assert "did you mean calendarDates?" in done.stderr


def test_an_rdma_mode_is_one_file_and_its_entry(copy: Path) -> None:
    found = preview(copy, "network.rdma=sharedNics")
    for pool in gpu_pools(found):
        assert pool["nodeConfig"]["labels"]["example.com/nics"] == "shared"
        assert pool["networkConfig"]["additionalNodeNetworkConfigs"]
    templates = [r["inputs"] for r in found["resources"] if r["type"].endswith(":ResourceClaimTemplate")]
    requests = [request for t in templates for request in t["spec"]["spec"]["devices"]["requests"]]
    assert {request["exactly"]["deviceClassName"] for request in requests} == {"nics.example.com"}
    assert "1.37.0-gke.2 or newer, as shared NICs needs" in json.dumps(found)
