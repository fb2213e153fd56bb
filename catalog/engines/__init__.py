"""The engines that workers run. Each is one module here that offers an `ENGINE`; a new one is a new file."""

from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol, cast

from catalog.contracts import EngineInput, Role
from reading.frozen import Frozen

IMAGES = "nvcr.io/nvidia/ai-dynamo"

# What Dynamo's worker modules take as `--disaggregation-mode`.
DisaggregationMode = Literal["agg", "prefill", "decode"]
DISAGGREGATION_MODES: dict[Role, DisaggregationMode] = {
    Role.PREFILL: "prefill",
    Role.DECODE: "decode",
    Role.WORKER: "agg",
}


@dataclass(frozen=True, kw_only=True)
class Process:
    """What runs in a container: the command that starts the module, its arguments, plain environment variables."""

    module: str
    """The Python module that reads the arguments."""
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: dict[str, str]


class Engine(Protocol):
    """What the graph needs to know of an engine."""

    image: str
    """Without its tag, which is the version of the graph's runtime."""
    framework: Literal["vllm"] | None
    """The operator's `backendFramework`; None for an engine that it need not know."""
    block_size: int
    """Tokens of a KV cache block, the same for both roles and the router."""

    def process(self, worker: EngineInput) -> Process:
        """The command line of one role. Both roles get the same model string, dtype and block size."""
        ...


def engine(name: str) -> Engine:
    """The engine of that name. Raises ModuleNotFoundError for one that is not in this folder."""
    return cast(Engine, import_module(f"catalog.engines.{name}").ENGINE)


class CommandLine(Frozen):
    """Typed arguments of a module: each field is the flag of its name; one that is None or False is left out."""

    def argv(self) -> tuple[str, ...]:
        """Flags and values as separate words, since the operator reads `--flag value` but not `--flag=value`."""
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
    """`dynamo.frontend`, the same whatever the engine is."""

    router_mode: Literal["kv"] = "kv"
    kv_cache_block_size: int
    migration_limit: int
    router_replica_sync: bool
