"""Another program in its own folder, with the installed distribution, deploys an environment with the real engine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ops.local.lifeline import tied_to_this_process
from ops.rehearsal.engine.environment import environment
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from policies import kinds
from tests import elsewhere
from tests.rehearsal.installed import VERSION
from tests.stacks import ROOT

COMMANDS = ("preview", "up", "preview", "destroy")
SECONDS = 900


def test_the_example_is_previewed_and_deployed_from_another_folder(programs: Programs, tmp_path: Path) -> None:
    world, program = World(tmp_path / "world"), tmp_path / "acme"
    world.folder.mkdir()
    program.mkdir()
    world.create_folders()
    shutil.copy(elsewhere.EXAMPLE, program)
    request = {
        "programs": programs.to_wire(),
        "folder": str(program),
        "site": str(elsewhere.installed(tmp_path / "distribution")),
        "version": VERSION,
        "commands": COMMANDS,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.rehearsal.elsewhere_bench"],
        cwd=ROOT,
        env={**environment(world, [programs.pulumi.parent], os.environ), "PYTHONPATH": str(ROOT)},
        input=json.dumps(request) + "\n",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=tied_to_this_process(),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    refused, *answers = answers
    assert refused["code"] == 1
    assert "capacity.mode: quota PREEMPTIBLE-NVIDIA-L4-GPUS" in refused["printed"]
    assert "location.zone: us-central1-a does not offer g2-standard-8" in refused["printed"]
    why = "Google Cloud cannot provide what is planned (skip this with `preflight: false`)"
    assert refused["error"] == f"preview failed: {why}\n"
    failed = [each for each in answers if each["code"]]
    assert failed == [], failed[0]["printed"][-1500:] + failed[0]["error"][-1500:]
    assert [each["command"] for each in answers] == [*COMMANDS]
    previewed, up, again, destroyed = answers
    assert previewed["cloud"] == []
    assert "acme:platform:Inference" in previewed["printed"]
    assert kinds.CLUSTER in up["cloud"]
    assert "chat answers at http://" in up["printed"]
    assert "unchanged" in again["printed"]
    assert "to create" not in again["printed"]
    # Enabled APIs stay on.
    assert set(destroyed["cloud"]) <= {"gcp:projects/service:Service"}
