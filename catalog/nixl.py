"""NIXL over UCX, which moves KV cache between pods: environment variables and known failures for all engines."""

from typing import Literal

from catalog.contracts import EnvVar, KnownFailure
from catalog.rdma import KvTransfer

# Port of NIXL's own counters.
TELEMETRY_PORT = 19090

# A pod's interface to the pod network, beside its RDMA NICs.
POD_INTERFACE = "eth0"

_OVER = {
    KvTransfer.RDMA: {
        # Each NIC is in its own subnet. Without this, UCX considers peers unreachable and silently uses TCP.
        "UCX_IB_ROCE_REACHABILITY_MODE": "all",
        # Fail the transfer if no transport supports reads. UCX would otherwise emulate them, even over TCP.
        "UCX_PROTO_EMULATION_ENABLE": "n",
        # NCCL stays inside the node and needs no tuner of the fabric. Its sockets use the pod network.
        "NCCL_TUNER_PLUGIN": "none",
        "NCCL_SOCKET_IFNAME": POD_INTERFACE,
        "GLOO_SOCKET_IFNAME": POD_INTERFACE,
        "TP_SOCKET_IFNAME": POD_INTERFACE,
    },
    # Only the pod network: between pods of one node UCX might otherwise choose cuda_ipc, which does not work there.
    KvTransfer.TCP: {"UCX_TLS": "cuda_copy,tcp"},
}


def over(transport: KvTransfer) -> tuple[EnvVar, ...]:
    """Variables that limit UCX to one transport, and PyTorch's own connections to the pod network."""
    return tuple(EnvVar(name=name, value=value) for name, value in _OVER[transport].items())


def environment(operation: Literal["read", "write"]) -> tuple[EnvVar, ...]:
    """Variables that make NIXL serve its counters and UCX log the chosen transport."""
    return (EnvVar(name="NIXL_TELEMETRY_ENABLE", value="y"), *transport_log(operation))


def transport_log(operation: Literal["read", "write"]) -> tuple[EnvVar, ...]:
    """Variables that make UCX log the transport that it chose for one operation on remote memory.

    Verification tells RDMA from TCP by that log. With UCX's default, a buffered stdout, the last table would appear
    only when the worker exits.
    """
    return (
        EnvVar(name="UCX_PROTO_INFO", value=f"remote memory {operation}*"),
        EnvVar(name="UCX_LOG_FILE", value="stderr"),
    )


# Failures that users of Dynamo's images reported, with texts of NIXL and SGLang.
KNOWN_FAILURES = (
    KnownFailure(
        pattern=r"(?i)NIXL agent creation failed|NIXL create_backend",
        remedy="NIXL could not start: check LD_LIBRARY_PATH, by which its libraries and UCX's are found, and the pod's "
        "NICs (docs/rdma.md)",
    ),
    KnownFailure(
        pattern=r"(?i)backend '?UCX'? not found",
        remedy="NIXL did not find its UCX plugin: LD_LIBRARY_PATH is in another order than the image's own, so leave "
        "the command and the variables of workers as the program writes them",
    ),
)
