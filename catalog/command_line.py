"""Typed command lines of Dynamo's Python modules, with the frontend's arguments and shared helpers."""

from typing import Literal

from catalog.contracts import Role
from reading.frozen import Frozen

IMAGES = "nvcr.io/nvidia/ai-dynamo"

# Values of `--disaggregation-mode` in most of Dynamo's worker modules.
DisaggregationMode = Literal["agg", "prefill", "decode"]
DISAGGREGATION_MODES: dict[Role, DisaggregationMode] = {
    Role.PREFILL: "prefill",
    Role.DECODE: "decode",
    Role.WORKER: "agg",
}

# Flags of those modules that `--disaggregation-mode` replaced.
REMOVED_ROLE_FLAGS = {
    "--is-prefill-worker": "--disaggregation-mode prefill",
    "--is-decode-worker": "--disaggregation-mode decode",
}

# GKE mounts the driver's libraries here, outside the image's search path.
DRIVER_LIBRARIES = "/usr/local/nvidia/lib64"


def with_driver_libraries(module: str) -> tuple[str, ...]:
    """The command of a container that starts `module` with the driver's libraries first in the search path.

    A shell prepends them: LD_LIBRARY_PATH as an environment variable of the pod would replace the image's own, which
    holds NIXL and UCX, and the KV cache would go over TCP.
    """
    script = f'export LD_LIBRARY_PATH={DRIVER_LIBRARIES}:$LD_LIBRARY_PATH; exec python3 -m {module} "$@"'
    return ("/bin/bash", "-c", script, module.replace(".", "-"))


class CommandLine(Frozen):
    """Typed arguments of a module. Each field is the flag of its name; None and False omit the flag."""

    def argv(self) -> tuple[str, ...]:
        """Flags and values as separate words, because the operator reads `--flag value` but not `--flag=value`."""
        return tuple(word for name, value in self for word in _words(name, value))


def _words(name: str, value: object) -> tuple[str, ...]:
    """The words of one flag: none for None or False, the flag alone for True, a nested object as JSON."""
    flag = f"--{name.replace('_', '-')}"
    if value is None or value is False:
        return ()
    if value is True:
        return (flag,)
    return (flag, value.model_dump_json(exclude_none=True) if isinstance(value, Frozen) else str(value))


class FrontendArgs(CommandLine):
    """The flags of `dynamo.frontend` that this program sets, the same for every engine."""

    router_mode: Literal["kv"] = "kv"
    kv_cache_block_size: int
    migration_limit: int
    router_replica_sync: bool
