"""How RDMA NICs reach pods, and what keeps a deployment that moves KV cache over them from getting its own."""

from collections.abc import Iterator

from catalog import gke_versions
from catalog.models import Placement
from catalog.rdma import KvTransfer, RdmaMode
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Fault, Way

_BY_MODE = {
    RdmaMode.DRANET_AUTO: "network.rdma: with dranetAuto GKE makes and owns the networks of the NICs: their ranges "
    "cannot be chosen, and deleting them was reported stuck (GKE 1.36, August 2026)",
    RdmaMode.MULTI_NETWORK: f"network.rdma: multiNetwork is for clusters older than GKE {gke_versions.DRANET.version}; "
    "from there on prefer dranet, where the pods of a node can share its NICs",
}


def deployment_errors(stack: ResolvedStack, deployment: Deployment) -> Iterator[Fault]:
    """Why the pods of a deployment that moves KV cache by RDMA would get no NICs, or not their own."""
    if deployment.kv_transfer is not KvTransfer.RDMA:
        return
    mode = stack.settings.network.rdma
    if mode is RdmaMode.NONE:
        yield Fault(
            "network.rdma",
            f"none, but {deployment.path} moves its KV cache between prefill and decode pods. Without RDMA it goes "
            "over TCP, on one node too, since NVLink does not work between pods: the first token takes 200 to 500 "
            "times as long",
            (
                Way("use dranet", {"network.rdma": "dranet"}),
                Way(f"accept TCP with {deployment.at('kvTransfer')}: tcp", {deployment.at("kvTransfer"): "tcp"}),
            ),
        )
    elif mode is RdmaMode.MULTI_NETWORK:
        yield from _smaller_than_a_node(deployment)


def warnings(stack: ResolvedStack) -> Iterator[str]:
    if stack.own_gpu_pools and (warning := _BY_MODE.get(stack.settings.network.rdma)):
        yield warning


def _smaller_than_a_node(deployment: Deployment) -> Iterator[Fault]:
    """The error of engines that are smaller than a node, where a pod gets all NICs of its node."""
    smaller = [
        (role, role.gpus.count)
        for role in deployment.roles.values()
        if role.gpus and role.tensor_parallel < role.gpus.count
    ]
    if not smaller:
        return
    count = smaller[0][1]
    parts = " and ".join(f"{role.role} has tensorParallel {role.tensor_parallel}" for role, _ in smaller)
    whole = {deployment.at(role.role, "tensorParallel"): gpus for role, gpus in smaller}
    yield Fault(
        "network.rdma",
        f"multiNetwork hands a pod all NICs of its node, so {deployment.path} needs engines over all {count} GPUs, but "
        f"{parts}",
        (
            Way("use dranet", {"network.rdma": "dranet"}),
            Way(f"set tensorParallel of {' and '.join(role.role for role, _ in smaller)} to {count}", whole),
            *(
                Way(f"use layout {name}", {deployment.at("layout"): name})
                for name, other in deployment.layouts.items()
                if other.placement is Placement.PER_ROLE and other.prefill
            ),
        ),
    )
