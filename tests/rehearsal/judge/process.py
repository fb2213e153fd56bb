"""The process with a deployed base, as the tests see it: a change goes in, the engine's steps come out."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ops.local.lifeline import tied_to_this_process
from ops.rehearsal.engine.environment import environment
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from tests.rehearsal.judge import bench, cases
from tests.rehearsal.judge.cases import Case
from tests.rehearsal.judge.choices import stack_of
from tests.stacks import ROOT

SECONDS_TO_END = 120
"""Limit of the end of a control plane, on a machine that also compiles and tests."""


def started(module: str, *argv: str, world: World, programs: Programs) -> subprocess.Popen[str]:
    """A module of these tests in a process that sees nothing of the caller's environment."""
    world.create_folders()
    with (world.logs / f"{module}.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"tests.rehearsal.judge.{module}", *argv],
            cwd=ROOT,
            env={**environment(world, [programs.pulumi.parent], os.environ), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=tied_to_this_process(),
        )


class Deployed:
    """A base that the real engine deployed. Previews change nothing, so every case begins with the same state."""

    def __init__(self, base: str, folder: Path, programs: Programs) -> None:
        self._world = World(folder)
        stack, self._own = stack_of(base)
        self._base = base
        self._process = started("bench", world=self._world, programs=programs)
        self.deployed = self._ask(
            {"stack": stack, "programs": programs.to_wire(), "config": self._request("up", (), "first")}
        )
        assert self.deployed["ok"], self.deployed["errors"]

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(SECONDS_TO_END)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()

    @property
    def common(self) -> tuple[str, ...]:
        """Overrides of a rehearsal, before and after a change: its own charts, and no questions to Google Cloud, whose
        answers would refuse some changes."""
        return (f"versions.charts={self._world.charts}", "preflight=false")

    def overrides(self, case: Case) -> tuple[str, ...]:
        """The overrides of a case, in a place that exists."""
        mirror = f"versions.charts={bench.mirror(self._world)}"
        return tuple(mirror if given.startswith("versions.charts=") else given for given in case.overrides)

    def preview(self, case: Case) -> dict[str, Any]:
        """What `pulumi preview --json` prints, of unchanged resources, too, and `ok`: whether it succeeded."""
        token = "second" if case.rotates_token else "first"
        request = self._request("preview", self.overrides(case), token)
        answer = self._ask({**request, "renames": case.renames})
        return {**json.loads(bench.preview_file(self._world).read_bytes()), "ok": answer["ok"]}

    def run(self, command: str, *overrides: str) -> dict[str, Any]:
        """`ok`, `errors`, and `steps`, which are operation and URN in the engine's order, of another command."""
        return self._ask(self._request(command, overrides, "first"))

    def _request(self, command: str, overrides: tuple[str, ...], token: str) -> dict[str, Any]:
        given = cases.TOKEN in cases.read(self._base, overrides).secrets
        chosen = [*self._own, *self.common, *overrides]
        return {"command": command, "overrides": chosen, "token": token if given else ""}

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):  # what else is printed belongs to the stand-ins
                return json.loads(line)
        log = (self._world.logs / "bench.log").read_text()
        raise AssertionError(f"the process with the stack ended: {log[-2000:]}")
