"""A rehearsal ends soon after the simulated cluster has done all it can, and names what waits and why."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ops.rehearsal.pins import MODULES as PINS
from ops.rehearsal.programs import Programs
from tests.catalog import tree
from tests.stacks import ROOT

SECONDS = 300
"""Far less than the 70 minutes for which the program waits."""


def test_pods_that_no_node_takes_are_named_with_the_schedulers_reason(programs: Programs, tmp_path: Path) -> None:
    folder = tree.copy(tmp_path)
    shutil.copytree(PINS, folder / PINS.relative_to(ROOT))
    tree.add_line(folder, "manifests/graph.py", "placement.tolerations(node) if node else None", "None")
    (folder / "Pulumi.try.yaml").write_text((ROOT / "Pulumi.try.yaml").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "ops", "rehearse", "--stack", "try", "--json"],
        cwd=folder, env=os.environ, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    step = json.loads(done.stdout)["steps"][-1]
    assert (step["step"], step["ok"]) == ("up", False)
    said = "\n".join(step["errors"])
    assert "would wait until its timeout: DynamoGraphDeployment chat-graph" in said
    assert "Pending: dynamo/chat-decode-" in said
    assert "the scheduler says: 0/5 nodes are available: 2 node(s) had untolerated taint(s)" in said
    assert "status of chat: decode does not tolerate the taints of every node of pool decode, nvidia.com/gpu" in said
