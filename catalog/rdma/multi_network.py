"""RDMA mode with networks of the stack: pods name them in annotations and get all NICs of their node."""

import json
from collections.abc import Iterator, Mapping

from catalog.contracts import KvMover, NicRequest
from catalog.gke_versions import Floor, GkeVersion
from catalog.rdma.dranet import MIN_GKE as DRANET
from catalog.rdma.mode import RdmaMode
from reading.errors import Error, Fix, join


class MultiNetwork(RdmaMode):
    """RDMA mode in which one pod gets all NICs of its node, so an engine needs a whole node."""

    name = "multiNetwork"
    min_gke = Floor(GkeVersion(1, 31, 4, 1183000), "multi-networking")
    own_networks = True
    network_objects = True
    multi_networking = True

    def worker(self, nics: int, interfaces: Mapping[str, str]) -> NicRequest:
        everything = {"eth0": "default", **interfaces}
        return NicRequest(
            annotations={
                "networking.gke.io/default-interface": "eth0",  # else the default route uses an RDMA NIC
                "networking.gke.io/interfaces": json.dumps(
                    [{"interfaceName": name, "network": network} for name, network in everything.items()]
                ),
            },
            # Unless a limit is set, GKE 1.36 adds a request for each network, under a name that its nodes do not offer.
            # We have not verified that a limit of zero is harmless before 1.36.
            limits={f"networking.gke.io.networks/{network}": "0" for network in interfaces.values()},
            capabilities=self.capabilities,
        )

    def errors(self, mover: KvMover) -> Iterator[Error]:
        small = {role: gpus for role, gpus in mover.gpus.items() if gpus < mover.node_gpus[role]}
        if not small:
            return
        parts = [f"{role} has tensorParallel {gpus}" for role, gpus in small.items()]
        whole = {join(mover.path, role, "tensorParallel"): mover.node_gpus[role] for role in small}
        count = " or ".join(map(str, sorted(set(whole.values()))))
        yield Error(
            "network.rdma",
            f"multiNetwork gives a pod all NICs of its node, so {mover.path} needs engines of all {count} GPUs, but "
            f"{' and '.join(parts)}",
            (
                Fix("use dranet", {"network.rdma": "dranet"}),
                Fix(f"set tensorParallel of {' and '.join(small)} to {count}", whole),
                *(Fix(f"use layout {name}", {join(mover.path, "layout"): name}) for name in mover.layouts),
            ),
        )

    def warnings(self) -> Iterator[str]:
        yield (
            f"multiNetwork is for clusters older than GKE {DRANET.version}; use dranet on newer ones, where the pods "
            "of a node can share its NICs"
        )
