"""NIXL over UCX, which moves KV cache between pods whatever the engine is: what its variables say."""

from typing import Literal

from catalog.contracts import EnvVar, KnownFailure

# Where NIXL serves its own counters.
TELEMETRY_PORT = 19090


def environment(operation: Literal["read", "write"]) -> tuple[EnvVar, ...]:
    """Variables by which NIXL counts, and UCX logs the transport it chose."""
    return (EnvVar(name="NIXL_TELEMETRY_ENABLE", value="y"), *transport_log(operation))


def transport_log(operation: Literal["read", "write"]) -> tuple[EnvVar, ...]:
    """Variables by which UCX logs the transport it chose for one operation on remote memory.

    By that log verification knows RDMA from TCP. UCX's default, a buffered stdout, would keep the last table back as
    long as the worker lives.
    """
    return (
        EnvVar(name="UCX_PROTO_INFO", value=f"remote memory {operation}*"),
        EnvVar(name="UCX_LOG_FILE", value="stderr"),
    )


# Reported by users of Dynamo's images; the texts are NIXL's and SGLang's.
KNOWN_FAILURES = (
    KnownFailure(
        says=r"(?i)NIXL agent creation failed|NIXL create_backend",
        remedy="NIXL could not start: check LD_LIBRARY_PATH, by which its libraries and UCX's are found, and the pod's "
        "NICs (docs/rdma.md)",
    ),
    KnownFailure(
        says=r"(?i)backend '?UCX'? not found",
        remedy="NIXL did not find its UCX plugin: LD_LIBRARY_PATH is in another order than the image's own, so leave "
        "the command and the variables of workers as the program writes them",
    ),
)
