"""What the named faults act on, and the commands that mend them, which run as a user types them."""

import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle
from typing import Any

from ops.offline.stackfile import project_root
from ops.rehearsal.engine.beside import Cluster
from ops.rehearsal.engine.events import Command, name_of, type_of
from ops.rehearsal.engine.stack import RehearsedStack
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.faults.lost_answers import LostAnswers
from ops.rehearsal.faults.meanwhile import Meanwhile
from ops.rehearsal.faults.pulumi_process import PulumiProcess
from ops.rehearsal.faults.troubles import Remedy
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.kube import Kube, Object
from ops.rehearsal.platform import names
from ops.rehearsal.platform.operator import OPERATOR_PODS
from ops.rehearsal.processes import environment
from ops.rehearsal.world import World
from planning.types import Plan
from policies import kinds

FORCE = "PULUMI_K8S_ENABLE_PATCH_FORCE"
SECONDS = 120.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A stack, its cloud and its cluster."""

    world: World
    stack: RehearsedStack
    plan: Plan
    urns: Sequence[str]
    """Of the resources that a first update creates."""
    cloud: Cloud
    cluster: Cluster
    answers: LostAnswers
    process: PulumiProcess
    meanwhile: Meanwhile = field(default_factory=lambda: Meanwhile(SECONDS))
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _more: Iterator[int] = field(default_factory=lambda: cycle((1, 0)))

    def __post_init__(self) -> None:
        self.stack.watchers.append(self.meanwhile.watch)

    @property
    def kube(self) -> Kube:
        """The cluster's administrator."""
        return self.cluster.kube

    def created(self, types: Sequence[str]) -> list[str]:
        """Those of the types that the stack has."""
        return [each for each in types if any(f"${each}::" in urn for urn in self.urns)]

    def unlock(self) -> Remedy:
        return Remedy(said="pulumi cancel --yes", apply=lambda: self.stack.cli("cancel", "--yes"))

    def adopt(self, resource: Mapping[str, Any], id_: str) -> Remedy:
        """The import of a resource whose creation is pending: `resource` is its entry in the state."""
        urn, parent = resource["urn"], resource["parent"]
        provider = resource["provider"].rpartition("::")[0]  # the last part is its id
        related = ("--parent", f"{name_of(parent)}={parent}", "--provider", f"{name_of(provider)}={provider}")
        words = ("--yes", "--protect=false", "--generate-code=false", *related, type_of(urn), name_of(urn), id_)
        said = shlex.join(("pulumi", "import", *words))
        return Remedy(said=said, apply=lambda: _succeeded(self.stack.import_(*words)))

    def refresh(self, *, clear_pending_creates: bool = False) -> Remedy:
        words = ["pulumi refresh --yes", *(["--clear-pending-creates"] if clear_pending_creates else [])]
        refresh = partial(self.stack.refresh, clear_pending_creates=clear_pending_creates)
        return Remedy(said=" ".join(words), apply=lambda: _succeeded(refresh()))

    def has_old_labels(self) -> bool:
        """Whether the state has labels of a graph from before its last update, although the update has arrived.

        Labels do not change an object's generation. So Pulumi's Kubernetes provider, which waits until the graph is
        Ready, may see the one from before, which is Ready too, and keep that in the state.
        """
        for resource in self.stack.resources():
            if resource["type"] == kinds.GRAPH:
                given, kept = (resource[side]["metadata"] for side in ("inputs", "outputs"))
                graph = self.kube.get(names.GROUP, names.GRAPH_KIND, kept["name"], kept["namespace"])
                arrived = given["labels"].items() <= graph["metadata"]["labels"].items()
                if arrived and not given["labels"].items() <= kept["labels"].items():
                    return True
        return False

    def take_over(self, urn: str) -> Remedy:
        """An update of one object of Kubernetes that takes its fields over from other owners."""
        up = partial(self.stack.up, [urn], {FORCE: "true"})
        return Remedy(said=f"{FORCE}=true pulumi up --target '{urn}'", apply=lambda: _succeeded(up()))

    def kubectl(self, command: str) -> Remedy:
        """`command` begins with kubectl."""
        return Remedy(said=command, apply=lambda: self._run(shlex.split(command)))

    def status(self) -> list[str]:
        """The messages of `./dynamo-gke status`."""
        words = ("status", "--stack", self.plan.stack, "--context", "rehearsal", "--json")
        done = self._run([sys.executable, "-m", "ops", *words], codes=(0, 1))
        return [each["message"] for each in json.loads(done)["findings"]]

    def command_of_status(self, part: str) -> Remedy:
        """The command of kubectl that `status` prints in backticks. Raises RehearsalError if it prints none."""
        messages = self.status()
        for message in messages:
            for command in re.findall(r"`(kubectl [^`]+)`", message):
                if part in command:
                    return self.kubectl(command)
        raise RehearsalError(f"status prints no command with {part!r}: {'; '.join(messages)}")

    def change_label(self) -> None:
        """A change of every object."""
        self.stack.set("dynamo-gke:labels.owner", f"owner-{next(self._numbers)}")

    def scale_frontends(self) -> None:
        """One frontend more than the plan's, the next time the plan's own."""
        graph = self.plan.graphs[0]
        self.stack.set_frontends(graph.name, graph.frontend.replicas + next(self._more))

    def stop_operator(self) -> None:
        operator = self._operator()["metadata"]
        scaled = {"spec": {"replicas": 0}}
        self.kube.patch("apps/v1", "Deployment", operator["name"], scaled, operator["namespace"])
        wait_until(lambda: not self.kube.list("v1", "Pod", selector=OPERATOR_PODS), "end of the operator's pods")

    def start_operator(self) -> Remedy:
        """As `status` says. Its pods need a moment."""
        command = self.command_of_status("scale deployment")

        def start() -> None:
            command.apply()
            wait_until(lambda: self._operator()["status"].get("readyReplicas"), "operator")

        return Remedy(said=command.said, apply=start)

    def _operator(self) -> Object:
        (found,) = self.kube.list("apps/v1", "Deployment", selector=OPERATOR_PODS)
        return found

    def _run(self, argv: list[str], codes: tuple[int, ...] = (0,)) -> str:
        env = {**environment(self.world), "KUBECONFIG": str(self.world.kubeconfig)}
        done = subprocess.run(
            argv, cwd=project_root(), env=env, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode not in codes:
            raise RehearsalError(f"{shlex.join(argv)} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


def _succeeded(command: Command) -> None:
    if not command.ok:
        raise RehearsalError("; ".join(command.errors()))


def wait_until(ready: Callable[[], object], what: str) -> None:
    """Raises RehearsalError if it does not come in time."""
    deadline = time.monotonic() + SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise RehearsalError(f"within {SECONDS:.0f} s there was no {what}")
        time.sleep(_POLL_SECONDS)
