"""The engines that workers run. Each is one module here that offers an `ENGINE`; a new one is a new file."""

from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol, cast

from spec.models import Role
from spec.plan import Graph, Worker

DYNAMO_VERSION = "1.6.1"
IMAGES = "nvcr.io/nvidia/ai-dynamo"

# What Dynamo's worker modules take as `--disaggregation-mode`.
DISAGGREGATION_MODES = {Role.PREFILL: "prefill", Role.DECODE: "decode", Role.WORKER: "agg"}


@dataclass(frozen=True, kw_only=True)
class Process:
    """What runs in a container: the command that starts the module, its arguments, plain environment variables."""

    command: tuple[str, ...]
    args: tuple[str, ...]
    env: dict[str, str]


class Engine(Protocol):
    """What the graph needs to know of an engine."""

    image: str
    framework: Literal["vllm"] | None
    """The operator's `backendFramework`; None for an engine that it need not know."""
    block_size: int
    """Tokens of a KV cache block, the same for both roles and the router."""

    def process(self, graph: Graph, worker: Worker) -> Process:
        """The command line of one role. Both roles get the same model string, dtype and block size."""
        ...


def engine(name: str) -> Engine:
    """The engine of that name. Raises ModuleNotFoundError for one that is not in this folder."""
    return cast(Engine, import_module(f"spec.engines.{name}").ENGINE)


def argv(flags: dict[str, str | int | float | None]) -> tuple[str, ...]:
    """Long flags and values as separate words, since the operator reads `--flag value` but not `--flag=value`."""
    return tuple(word for flag, value in flags.items() if value is not None for word in (f"--{flag}", str(value)))
