"""Pulumi is killed only while what then exists unknown to it is what the rehearsal mends."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.rehearsal.faults.pulumi_process import PulumiProcess
from ops.rehearsal.world import World
from policies import kinds

SECONDS = 20


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[World, subprocess.Popen[bytes], PulumiProcess]]:
    world = World(tmp_path)
    world.commands.mkdir(parents=True)
    process = PulumiProcess(world, Path("/bin/sleep"))
    pulumi = subprocess.Popen([world.commands / "pulumi", "100"])
    try:
        deadline = time.monotonic() + SECONDS
        while not (world.folder / "pulumi.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        yield world, pulumi, process
    finally:
        pulumi.kill()
        pulumi.wait()


def write(world: World, *creating: str) -> None:
    """The state, with a creation in flight of each of these types."""
    pending: list[dict[str, Any]] = [
        {"type": "creating", "resource": {"urn": f"urn:pulumi:s::p::a:A${kind}::x"}} for kind in creating
    ]
    file = world.state / ".pulumi" / "stacks" / "p" / "s.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": {"pending_operations": pending}}}))


@pytest.mark.parametrize("creating", [(), (kinds.ROUTER_NAT,), (kinds.ROUTER_NAT, kinds.CONFIG_MAP)])
def test_it_is_killed_while_nothing_else_is_created(
    running: tuple[World, subprocess.Popen[bytes], PulumiProcess], creating: tuple[str, ...]
) -> None:
    world, pulumi, process = running
    write(world, *creating)
    process.kill((kinds.ROUTER_NAT,))
    assert pulumi.wait(SECONDS) == -9


def test_it_lives_until_other_creations_in_google_cloud_have_ended(
    running: tuple[World, subprocess.Popen[bytes], PulumiProcess],
) -> None:
    world, pulumi, process = running
    write(world, kinds.ROUTER_NAT, kinds.FIREWALL)
    killing = threading.Thread(target=process.kill, args=((kinds.ROUTER_NAT,),))
    killing.start()
    time.sleep(1)
    assert pulumi.poll() is None
    write(world, kinds.ROUTER_NAT)
    assert pulumi.wait(SECONDS) == -9
    killing.join(SECONDS)
