"""What runs beside Pulumi's engine: the control plane, and the stand-ins of operator, kubelet and GKE's controllers."""

import os
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from infra.preflight import COMPUTE_API_VARIABLE
from ops.rehearsal import gke_controllers, kubelet, node_adder
from ops.rehearsal.control_plane import ControlPlane
from ops.rehearsal.google import compute_api, gke
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.kube import Kube
from ops.rehearsal.platform import operator
from ops.rehearsal.programs import Programs
from ops.rehearsal.stand_in import StandIn
from ops.rehearsal.world import World
from policies import kinds

SECONDS_TO_END = 10


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The simulated cluster."""

    plane: ControlPlane
    kube: Kube
    failures: list[str] = field(default_factory=list[str])
    """Stand-ins that ended by an error, which is an error of the rehearsal and not of the stack."""
    stand_ins: list[StandIn] = field(default_factory=list[StandIn])

    def errors(self) -> list[str]:
        """What the stand-ins cannot do at present, and why."""
        return [*self.failures, *(error for each in self.stand_ins for error in each.errors())]


@contextmanager
def cluster(world: World, programs: Programs, cloud: Cloud) -> Iterator[Cluster]:
    """A control plane without nodes, and the stand-ins, while the block runs."""
    plane = ControlPlane.start(world, programs, kubelet.kwok_config())
    stop = threading.Event()
    kube = Kube(world.kubeconfig)
    running = Cluster(plane=plane, kube=kube)
    threads: list[threading.Thread] = []
    # The program runs in this process and calls that API itself.
    os.environ[COMPUTE_API_VARIABLE] = compute_api.URL
    try:
        loops: dict[str, Callable[[StandIn], None]] = {
            "operator": lambda own: operator.run(own, world),
            "kubelet": lambda own: kubelet.run(own, world),
            "controllers of GKE": lambda own: gke_controllers.run(own, cloud.resources),
            "autoscaler": lambda own: node_adder.run(own, lambda: _pools(cloud)),
        }
        for name, loop in loops.items():
            running.stand_ins.append(StandIn(name, kube, world.logs, stop))
            args = (loop, running.stand_ins[-1], running.failures, world)
            thread = threading.Thread(target=_watched, args=args, daemon=True)
            thread.start()
            threads.append(thread)
        with compute_api.serving(world):
            yield running
    finally:
        stop.set()
        for thread in threads:
            thread.join(SECONDS_TO_END)
        plane.stop()


def _watched(loop: Callable[[StandIn], None], own: StandIn, failures: list[str], world: World) -> None:
    """Runs a stand-in. Its error must not vanish with its thread."""
    try:
        loop(own)
    except Exception as error:
        (world.logs / f"{own.name}-failed.log").write_text(traceback.format_exc())
        failures.append(f"the stand-in of the {own.name} failed: {type(error).__name__}: {error}")


def _pools(cloud: Cloud) -> list[node_adder.PoolState]:
    """The pools of the simulated cloud, each in its first zone."""
    return [
        node_adder.PoolState(inputs=pool.state, zone=gke.zones(pool.state)[0])
        for pool in cloud.resources()
        if pool.type == kinds.NODE_POOL
    ]
