"""NIXL over UCX, which moves KV cache between pods whatever the engine is: what its variables say."""

from typing import Literal

from catalog.contracts import EnvVar

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
