"""The devices that GKE's network driver (DRANET) publishes: its classes, and the NICs of a node. Pure.

Classes and the driver's name are those of Google's documentation and of listings of real slices. Unverified: the exact
selectors of GKE's classes, of which only the meaning is documented (RDMA or not), and the names of the NICs on each
machine. Attributes are a few of the real ones; in particular there is none of the PCIe root, because the GPUs, with
which it would pair a NIC, are no DRA devices here.
"""

from collections.abc import Mapping
from typing import Any

from catalog.machines import GpuMachine
from catalog.rdma import MODES
from ops.rehearsal import nodes

DRIVER = "dra.net"
RDMA_CLASS, ORDINARY_CLASS = "mrdma.google.com", "netdev.google.com"
Object = dict[str, Any]


def classes() -> list[Object]:
    """The classes that GKE installs in every cluster."""
    return [_class(RDMA_CLASS, "true"), _class(ORDINARY_CLASS, "false")]


def slices(inputs: nodes.Inputs, node_name: str) -> list[Object]:
    """The ResourceSlice of one node of a pool; none without the node label by which GKE starts its driver.

    The node has the NICs that the pool's inputs connect to networks, not those that its machine could have.
    """
    published = _devices(inputs) if _has_driver(inputs) else []
    if not published:
        return []
    return [
        {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceSlice",
            "metadata": {"name": f"{node_name}-{DRIVER}"},
            "spec": {
                "driver": DRIVER,
                "nodeName": node_name,
                "pool": {"name": node_name, "generation": 1, "resourceSliceCount": 1},
                "devices": published,
            },
        }
    ]


def _has_driver(inputs: nodes.Inputs) -> bool:
    own = inputs["nodeConfig"].get("labels", {})
    wanted = [mode.node_labels for mode in MODES if mode.node_labels]
    return any(label.items() <= own.items() for label in wanted)


def _devices(inputs: nodes.Inputs) -> list[Object]:
    machine = nodes.machine_of(inputs)
    if not isinstance(machine, GpuMachine) or machine.rdma is None:
        return []
    network: Mapping[str, Any] = inputs.get("networkConfig", {})
    ordinary = 1 if machine.rdma.second_gvnic else 0
    if network.get("acceleratorNetworkProfile"):
        rdma = machine.rdma.count
    else:
        connected = len(network.get("additionalNodeNetworkConfigs", []))
        ordinary = min(ordinary, connected)
        rdma = min(machine.rdma.count, connected - ordinary)
    numa_halves = max(1, machine.rdma.count // 2)
    return [
        *(_device(f"eth{index + 1}", rdma=False, numa=0) for index in range(ordinary)),
        *(_device(f"gpu{index}rdma0", rdma=True, numa=index // numa_halves) for index in range(rdma)),
    ]


def _device(name: str, *, rdma: bool, numa: int) -> Object:
    return {
        "name": name,
        "attributes": {
            f"{DRIVER}/ifName": {"string": name},
            f"{DRIVER}/rdma": {"bool": rdma},
            f"{DRIVER}/numaNode": {"int": numa},
            f"{DRIVER}/state": {"string": "up"},
            f"{DRIVER}/type": {"string": "device"},
        },
    }


def _class(name: str, rdma: str) -> Object:
    selector = f'device.driver == "{DRIVER}" && device.attributes["{DRIVER}"].rdma == {rdma}'
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceClass",
        "metadata": {"name": name},
        "spec": {"selectors": [{"cel": {"expression": selector}}]},
    }
