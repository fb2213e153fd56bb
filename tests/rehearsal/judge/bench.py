"""One deployed stack under the real engine, and previews of changes to it: the process inside the private network.

Reads a request per line from stdin and answers each with a line. The first says what to deploy.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pulumi.automation._server import LanguageServer

from catalog import releases
from ops.local import private_network
from ops.offline import stackfile
from ops.offline.recording import in_a_hurry
from ops.rehearsal.engine import beside, language_host, project
from ops.rehearsal.engine.events import Command
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.engine.stack import RehearsedStack
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.kube import Kube
from ops.rehearsal.platform import chart
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from tests.rehearsal.judge.later_release import later_release


@dataclass(frozen=True, kw_only=True)
class Request:
    """A command of Pulumi, and the config of the stack for it."""

    command: Literal["preview", "up", "refresh"]
    overrides: Sequence[str]
    token: str
    """Which token the stack has; empty for none."""
    renames: bool = False
    """Whether the program is of a release that renames every resource."""


_SECONDS = 600


def run(world: World) -> int:
    """Answers until stdin ends."""
    first = json.loads(sys.stdin.readline())
    programs = Programs.from_wire(first["programs"])
    with in_a_hurry(), beside.cluster(world, programs, Cloud(world.cloud)) as cluster:
        _write_charts(world)
        stack = _Stack(first["stack"], world, Providers(world, programs, None))
        _answer(stack.deploy(Request(**first["config"])), idlePolicies=_idle_policies(cluster.kube))
        for line in sys.stdin:
            request = Request(**json.loads(line))
            if request.command == "preview":
                _print(ok=stack.describe(request))
            else:
                _answer(stack.run(request))
    return 0


def mirror(world: World) -> Path:
    """A second folder with the same charts."""
    return world.folder / "mirror"


def preview_file(world: World) -> Path:
    """What the last preview printed."""
    return world.folder / "preview.json"


def _write_charts(world: World) -> None:
    for version in releases.known():
        chart.write(world, version)
    shutil.copytree(world.charts, mirror(world))


class _Described(RehearsedStack):
    """A stack whose previews describe each resource, too."""

    def describe(self, file: Path) -> bool:
        """Writes what `pulumi preview --json` prints, without the Automation API, whose events would tell it again.

        Returns whether the preview succeeded.
        """
        server, port = language_host.server_of(LanguageServer(self._program), threads=1)
        words = ["pulumi", "preview", "--json", "--show-sames", "--show-replacement-steps", "--non-interactive"]
        words += ["--stack", self._stack.name, "--exec-kind=auto.inline", f"--client=127.0.0.1:{port}"]
        server.start()
        try:
            with self._providers.running() as attached, file.open("w") as printed:
                env, work_dir = {**os.environ, **attached}, self._stack.workspace.work_dir
                done = subprocess.run(words, cwd=work_dir, env=env, stdout=printed, timeout=_SECONDS, check=False)
            return done.returncode == 0
        finally:
            server.stop(None)
            self._programs.end()


class _Stack:
    def __init__(self, name: str, world: World, providers: Providers) -> None:
        self._name, self._world = name, world
        self._file = world.project / f"Pulumi.{name}.yaml"
        project.write(world, name, ())
        self._stack = _Described(name, world, providers)
        self._tokens: dict[str, Any] = {}

    def deploy(self, request: Request) -> Command:
        """Creates everything, and removes `protect` in the state: the engine stops a preview at the first protected
        resource that it would delete, and would not say what else it does."""
        done = self.run(request)
        if done.ok:
            self._stack.unprotect(["--all"])
        return done

    def describe(self, request: Request) -> bool:
        self._configure(request)
        with later_release() if request.renames else nullcontext():
            return self._stack.describe(preview_file(self._world))

    def run(self, request: Request) -> Command:
        self._configure(request)
        return {"up": self._stack.up, "refresh": self._stack.refresh}[request.command]()

    def _configure(self, request: Request) -> None:
        given = stackfile.blocks(stackfile.project_root(), self._name, request.overrides)
        if request.token and request.token not in self._tokens:
            self._stack.set_secret(project.TOKEN_KEY, f"hf_{request.token}")
            self._tokens[request.token] = yaml.safe_load(self._file.read_text())
        written = self._tokens.get(request.token, {})
        if request.token:
            given[project.TOKEN_KEY] = written["config"][project.TOKEN_KEY]
        salt = {key: value for key, value in written.items() if key != "config"}
        self._file.write_text(yaml.safe_dump({**salt, "config": given}))


def _idle_policies(kube: Kube) -> list[str]:
    """Names of the NetworkPolicies that select pods by labels which no pod has."""
    idle: list[str] = []
    for policy in kube.list("networking.k8s.io/v1", "NetworkPolicy"):
        labels = policy["spec"]["podSelector"].get("matchLabels", {})
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        if not kube.list("v1", "Pod", policy["metadata"]["namespace"], selector):
            idle.append(policy["metadata"]["name"])
    return idle


def _answer(done: Command, **more: Any) -> None:
    steps = [(step.op, step.urn) for step in sorted(done.steps, key=lambda step: step.began)]
    _print(ok=done.ok, steps=steps, errors=done.errors(), **more)


def _print(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    private_network.enter()
    sys.exit(run(World.of_this_process()))
