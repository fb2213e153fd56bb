"""Faults of a stack's life, one after the other under one control plane, in a process of their own.

python -m tests.rehearsal.fault_scenarios, with the programs on PATH and a rehearsal's environment. Prints what
each scenario found as JSON.
"""

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from ops.local import private_network
from ops.offline.dry_run import planned
from ops.rehearsal import pool_nodes, programs
from ops.rehearsal.engine import beside, project
from ops.rehearsal.engine.events import Command, short, type_of
from ops.rehearsal.engine.fault_proxy import Fault as Lost
from ops.rehearsal.engine.fault_proxy import Injection
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.engine.stack import RehearsedStack
from ops.rehearsal.google import gke
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.google.faults import Effect, Fault, Faults
from ops.rehearsal.google.operations import ERROR
from ops.rehearsal.platform import chart
from ops.rehearsal.world import World

STACK = "try"
SYSTEM, OPERATOR = "dynamo-system", "dynamo-platform-dynamo-operator-controller-manager"
SECONDS = 60
MAX_UPDATES = 12


@dataclass
class LostAnswers(Injection):
    """Loses the answer to the first creation of each type."""

    types: tuple[str, ...] = ()
    lost: dict[str, str] = field(default_factory=dict[str, str])

    def strikes(self, urn: str) -> bool:
        with self._lock:
            kind = type_of(urn)
            if kind not in self.types or kind in self.lost:
                return False
            self.lost[kind] = urn
            return True


@dataclass(frozen=True, kw_only=True)
class Scene:
    world: World
    cluster: beside.Cluster
    stack: RehearsedStack
    cloud: Cloud
    found: dict[str, Any]

    def told(self, command: Command) -> dict[str, Any]:
        changed = [step for step in command.changes if not type_of(step.urn).startswith("pulumi:providers:")]
        return {"ok": command.ok, "errors": command.errors(), "changes": len(changed)}

    def noted(self, name: str, **commands: Any) -> None:
        self.found[name] = {
            key: self.told(each) if isinstance(each, Command) else each for key, each in commands.items()
        }
        print(name, json.dumps(self.found[name])[:2000], file=sys.stderr, flush=True)


def creation(scene: Scene, lost: LostAnswers) -> None:
    """Zone without machines for one role, an answer that comes too late for the other, and answers that never come."""
    Faults(scene.world.faults).ask(
        Fault(urn="decode-pool", effect=Effect.STOCKOUT), Fault(urn="prefill-pool", effect=Effect.TIMEOUT)
    )
    ups: list[Command] = []
    while len(ups) < MAX_UPDATES and not (ups and ups[-1].ok):
        ups.append(scene.stack.up())
        scene.noted(f"up {len(ups)}", up=ups[-1])
        for urn in lost.lost.values():
            if refused(ups[-1], urn):
                delete_by_hand(scene, urn)
        if any("cannot re-use a name" in error for error in ups[-1].errors()):
            forget_release(scene)
        if any("ZONE_RESOURCE_POOL_EXHAUSTED" in error for error in ups[-1].errors()):
            machines_arrive(scene)
    scene.noted("creation", lost=lost.lost, ups=[scene.told(up) for up in ups], again=scene.stack.up())


def refused(command: Command, urn: str) -> bool:
    """Whether Google Cloud said that the resource already exists."""
    return any(error.startswith(short(urn)) and "Error 409" in error for error in command.errors())


def machines_arrive(scene: Scene) -> None:
    """GKE's instance group keeps trying after a stock-out, and Pulumi keeps the pool."""
    with scene.cloud.change() as content:
        pools = [each for each in content.resources.values() if each.status == ERROR]
        for pool in pools:
            pool.status = "RUNNING"
    for pool in pools:
        pool_nodes.create_pool(scene.cluster.kube, pool.state, gke.zones(pool.state)[0])


def forget_release(scene: Scene) -> None:
    """As docs/status.md tells a user to do: Helm then adopts what its lost install made."""
    for secret in scene.cluster.kube.list("v1", "Secret", SYSTEM, "owner=helm,name=dynamo-platform"):
        scene.cluster.kube.delete("v1", "Secret", secret["metadata"]["name"], SYSTEM)


def delete_by_hand(scene: Scene, urn: str) -> None:
    """As docs/rehearse.md tells a user to do, with gcloud."""
    (made,) = [each for each in scene.cloud.resources() if each.urn == urn]
    with scene.cloud.change() as content:
        content.remove(made.type, made.id)


def change_everything(scene: Scene) -> None:
    """A label of every object. One has two owners: the update whose answer was lost, and the next one."""
    scene.stack.set("dynamo-gke:labels.owner", "others", path=True)
    scene.noted("everything changes", first=scene.stack.up())


def main() -> None:
    world = World.of_this_process()
    private_network.enter()
    world.create_folders()
    found: dict[str, Any] = {}
    lost = LostAnswers(
        text="",
        fault=Lost.RESPONSE_LOST,
        types=("kubernetes:core/v1:ConfigMap", "kubernetes:helm.sh/v3:Release", "gcp:compute/firewall:Firewall"),
    )
    cloud, binaries = Cloud(world.cloud), programs.find()
    with ExitStack() as stack:
        cluster = stack.enter_context(beside.cluster(world, binaries, cloud))
        chosen = [f"versions.charts={chart.write(world, planned(STACK).platform)}"]
        project.write(world, STACK, chosen)
        scene = Scene(
            world=world,
            cluster=cluster,
            stack=RehearsedStack(STACK, world, Providers(world, binaries, lost)),
            cloud=cloud,
            found=found,
        )
        creation(scene, lost)
        change_everything(scene)
        found["stand-ins"] = cluster.failures
    print(json.dumps(found))


if __name__ == "__main__":
    main()
