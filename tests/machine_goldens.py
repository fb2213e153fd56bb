"""What a machine changes in stack prod, small enough to be read by hand: its pools, networks, claims and pods."""

from typing import Any

import yaml

from catalog.machines import gpu_machine
from ops.offline import stackfile
from ops.offline.recorded import Recording
from ops.offline.recording import record
from tests.stacks import ROOT, place

# One of each kind of GPU besides those of the shipped stacks.
MACHINES = (
    "a4-highgpu-8g",
    "a4x-highgpu-4g",
    "a4x-maxgpu-4g-metal",
    "a3-highgpu-8g",
    "a2-ultragpu-8g",
    "g4-standard-384",
)


def render(name: str) -> str:
    return yaml.safe_dump(_shown(_recorded(name)), sort_keys=True, allow_unicode=True, width=120)


def _recorded(name: str) -> Recording:
    machine = gpu_machine(name)
    at = place(machine)
    overrides = [
        f"capacity.machine={name}",
        f"network.rdma={machine.rdma.modes[0]}" if machine.rdma else "models.chat.kvTransfer=tcp",
        f"location={{region: {at['region']}, zone: {at['zone']}}}",
    ]
    return record(ROOT, stackfile.read(ROOT, "prod", overrides))


def _shown(recording: Recording) -> dict[str, Any]:
    def inputs(suffix: str) -> list[dict[str, Any]]:
        return [resource.inputs for resource in recording.resources if resource.type.endswith(suffix)]

    (cluster,) = inputs("container/cluster:Cluster")
    (graph,) = inputs(":DynamoGraphDeployment")
    return {
        "clusterDatapathProvider": cluster["datapathProvider"],
        "gpuPools": [pool for pool in inputs(":NodePool") if "guestAccelerators" in pool["nodeConfig"]],
        "networks": inputs("compute/network:Network"),
        "subnetworks": [each for each in inputs(":Subnetwork") if "rdma" in each["name"] or "gvnic" in each["name"]],
        "claimTemplates": [template["spec"] for template in inputs(":ResourceClaimTemplate")],
        "pods": {each["name"]: each["podTemplate"] for each in graph["spec"]["components"]},
    }
