"""Stand-in for the kubelets and the pods of a rehearsal.

kwok reports nodes and ordinary pods ready by decree (stages.yaml). The pods of Jobs really run: the verification and
the download of weights, with their own program, service account, volumes and addresses, against graphs and a model hub
that answer as configured faults tell (faults.py).

It shows that these programs find what they need in the cluster, that their roles suffice, and that their verdict
reaches the Job, Pulumi and the reader. It does not show that an image has Python, that a container starts, that limits
of memory suffice, that KV cache moves over RDMA, or that GCS FUSE and the real hub behave like folders and a small
server.
"""

import threading
from contextlib import suppress
from pathlib import Path
from socketserver import BaseServer

from catalog.engines import all_engines
from manifests import ports
from ops.rehearsal import certificates
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.kube import Kube, NotFound
from ops.rehearsal.kubelet import container_logs, hub, servers, serving
from ops.rehearsal.kubelet.api_forwarder import Forwarder
from ops.rehearsal.kubelet.job_pods import JobPods
from ops.rehearsal.kubelet.network import Network, claim_addresses
from ops.rehearsal.stand_in import StandIn
from ops.rehearsal.world import World

_SERVICE_SECONDS = 30


def kwok_config() -> Path:
    """kwok's configuration: the addresses of pods, and what happens to nodes and pods."""
    return Path(__file__).with_name("stages.yaml")


def run(stand_in: StandIn, world: World) -> None:
    """Runs until the stand-in is stopped; returns when no program of a pod is left.

    Raises RehearsalError outside a private network.
    """
    claim_addresses()
    kube = stand_in.kube
    network = Network(kube)
    answering: list[BaseServer] = [
        container_logs.server(world, certificates.issue(world, "kubelet", certificates.LOOPBACK_NAMES)),
        hub.server(world, certificates.issue(world, "hub", hub.HOSTS)),
        Forwarder(_api_address(kube, stand_in.stop), world.ca),
        *serving.servers(serving.Graphs(kube, world), network, _ports()),
    ]
    with servers.serving(*answering):
        JobPods(stand_in, world, network).run()


def _ports() -> list[int]:
    """Where frontends and workers listen."""
    return sorted({ports.FRONTEND, *(engine.ports.metrics for engine in all_engines().values())})


def _api_address(kube: Kube, stop: threading.Event) -> str:
    """Address of the API server's Service, which it creates a moment after its start."""
    for _ in range(_SERVICE_SECONDS * 10):
        with suppress(NotFound):
            return kube.get("v1", "Service", "kubernetes", "default")["spec"]["clusterIP"]
        stop.wait(0.1)
    raise RehearsalError(f"the API server has no Service of its own after {_SERVICE_SECONDS} s")
