"""The engines that workers run: one module or package of this folder each, found by the `name` of its class."""

import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import ClassVar

from catalog.contracts import (
    EngineInput,
    EngineMetrics,
    EnvVar,
    KnownFailure,
    KvLease,
    LocalRun,
    MemoryInput,
    MemoryUse,
    Ports,
    RoleShape,
    TransferConnection,
    TransferEvidence,
    TransportEvidence,
)
from catalog.defaults import defaults
from catalog.flags import ArgumentError
from catalog.flags.frontend import frontend_flags
from catalog.flags.given import Given, Workers
from catalog.flags.table import Flag, Table, read
from catalog.formats import ARITHMETIC, BITS, FP8_ARITHMETIC, FormatFloors, FormatUse
from catalog.machines import Gpus
from catalog.models import Card

# A file an engine, which its parser wrote, and one beside it that says what a stack may do with each flag.
FLAGS = Path(__file__).with_name("flags")


class Engine(ABC):
    """An inference engine that Dynamo can run. One subclass a module of this folder; other rooms never name it.

    Workers of a graph reach each other on every TCP port, so a port that only they use needs no declaration.
    """

    name: ClassVar[str]
    """What a stack calls it: `models.X.engine.name`."""
    title: ClassVar[str]
    """What its makers call it, for messages and dashboards."""
    module: ClassVar[str]
    """Dynamo's Python module that runs it, such as `dynamo.vllm`."""
    image: ClassVar[str]
    """Without its tag, which is the version of Dynamo's runtime."""
    framework: ClassVar[str | None] = None
    """The operator's `backendFramework`; None for an engine that the operator need not know."""
    simulated: ClassVar[bool] = False
    """Whether it computes nothing: no GPUs, no weights, no KV cache."""
    block_size: ClassVar[int]
    """Tokens of a KV cache block, the same for all roles and for the router."""
    memory_share: ClassVar[float] = 0.9
    """What `share_of` says of every GPU, for an engine that chooses by none."""
    formats: ClassVar[Mapping[str, FormatFloors]] = ARITHMETIC
    """Number formats of weights that it loads, by GPU generation. One that is missing is refused on every GPU."""
    fp8_kv_cache_from: ClassVar[str] = FP8_ARITHMETIC
    """The first compute capability on which it keeps the KV cache in FP8."""
    kv_lease: ClassVar[KvLease | None] = None
    """None where prefill keeps KV cache for no set time."""

    removed_flags: ClassVar[Mapping[str, str]] = {}
    """Flags of older versions that samples on the net still show, each with what takes its place."""

    metrics: ClassVar[EngineMetrics] = EngineMetrics()
    ports: ClassVar[Ports] = Ports()
    transfer_evidence: ClassVar[TransferEvidence | None] = None
    """The counters that verify a transfer; None if the engine has none."""
    transport_evidence: ClassVar[TransportEvidence | None] = None
    """None where the engine moves KV cache by other means than UCX."""
    known_failures: ClassVar[tuple[KnownFailure, ...]] = ()
    """What `status` explains of the engine's last words and of the verification's."""
    no_usage_reports: ClassVar[Mapping[str, str]] = {}
    """Variables that keep the engine's code from reporting its use to its makers. Frontends get them too: they load
    parts of that code."""
    local: ClassVar[LocalRun | None] = None
    """None for an engine that needs a GPU."""

    @property
    def command(self) -> tuple[str, ...]:
        """What starts the module, before its arguments."""
        return ("python3", "-m", self.module)

    @abstractmethod
    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        """The module's arguments for one role, the stack's own at the end. Flag and value are two words."""

    @abstractmethod
    def memory(self, card: Card, asked: MemoryInput) -> MemoryUse:
        """What is left for the KV cache on each GPU, and what the engine takes for itself. Called for GPUs only."""

    def share_of(self, gpus: Gpus) -> float:
        """Share of these GPUs' memory that the engine gets unless the stack says otherwise, 0 to 1."""
        return self.memory_share

    def format_use(self, name: str, gpus: Gpus) -> FormatUse:
        """What it makes of weights in a number format on these GPUs."""
        floors = self.formats.get(name)
        return gpus.limited(name, floors.use(gpus.compute_capability)) if floors else FormatUse.REFUSED

    def loads(self, gpus: Gpus) -> Mapping[str, FormatUse]:
        """The number formats of weights that it loads on these GPUs."""
        uses = {name: self.format_use(name, gpus) for name in BITS}
        return {name: use for name, use in uses.items() if use is not FormatUse.REFUSED}

    def layout_errors(self, prefill: RoleShape, decode: RoleShape, card: Card) -> Iterator[str]:
        """Why KV cache does not move from prefill to decode engines of these sizes, as the end of a sentence."""
        yield from ()

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        """Variables of one role, whether KV cache moves between GPUs or not."""
        return ()

    def transfer_environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        """Variables of one role that the transfer of KV cache between GPUs needs, over RDMA as over TCP."""
        return ()

    @cached_property
    def flags(self) -> Table | None:
        """The flags that its module takes, out of `flags/<name>.json`; None without that file.

        Its command lines cannot be checked then, and a stack may give no extra arguments.
        """
        path = FLAGS / f"{self.name}.json"
        if not path.exists():
            return None
        table = read(path, self.removed_flags)
        return replace(table, flags={**table.flags, **self.unlisted_flags()})

    def unlisted_flags(self) -> Mapping[str, Flag]:
        """Flags that the module takes although its parser lists none of them, by name."""
        return {}

    def owned_flags(self, workers: Workers) -> Mapping[str, str]:
        """Flags that a stack may not give for these workers, each with the reason: more than its class can say."""
        return {}

    def usable_values(self, workers: Workers) -> Mapping[str, Sequence[str]]:
        """By flag: the values that these workers can use, where those are fewer than the engine knows."""
        return {}

    def argument_errors(self, given: Given, workers: Workers) -> Iterator[ArgumentError]:
        """What the engine refuses when it starts, or later, though its parser takes it. `given` are valid flags."""
        yield from ()

    def flags_for_equal_sides(self, given: Given, workers: Workers) -> Sequence[str]:
        """A flag and its value that engines on GPUs of several generations must be given for a KV transfer, because
        each would choose otherwise by itself; nothing by default."""
        return ()

    def argument_warnings(self, given: Given) -> Iterator[str]:
        """What a reader of the plan should know of valid extra arguments."""
        yield from ()

    def connection(self, argv: Sequence[str]) -> TransferConnection | None:
        """How a worker with these arguments takes part in a KV transfer; None where arguments do not tell."""
        return None


def engine_names() -> tuple[str, ...]:
    """What `models.X.engine.name` may be."""
    return tuple(all_engines())


def engine(name: str) -> Engine:
    """The engine of that name. Raises KeyError for one that is not in this folder."""
    return all_engines()[name]


def default_engine() -> Engine:
    """The engine of a deployment that names none."""
    return engine(defaults().engine)


def local_engines() -> tuple[Engine, ...]:
    """The engines that run on a machine without GPUs, simulated ones first."""
    found = (engine for engine in all_engines().values() if engine.local)
    return tuple(sorted(found, key=lambda engine: not engine.simulated))


def flag_tables() -> tuple[Table, ...]:
    """The flags of the frontend, and of every engine that has a table."""
    return (frontend_flags(), *(engine.flags for engine in all_engines().values() if engine.flags))


def engine_that_runs(words: Sequence[str]) -> Engine | None:
    """The engine whose module a container's command or arguments start; None where they start no engine."""
    started = {part for word in words for part in word.split()}
    return next((engine for engine in all_engines().values() if engine.module in started), None)


@cache
def all_engines() -> Mapping[str, Engine]:
    """Every engine of this folder by its name, sorted.

    Raises TypeError for a class that lacks a method or an attribute without a default, or a name that two classes have.
    """
    found: dict[str, Engine] = {}
    for kind in _classes():
        if missing := [name for name in ("name", "title", "module", "image", "block_size") if not hasattr(kind, name)]:
            raise TypeError(f"{kind.__module__}.{kind.__name__} lacks {', '.join(missing)}")
        if other := found.get(kind.name):
            raise TypeError(f"{kind.__module__} and {type(other).__module__} are both called {kind.name}")
        found[kind.name] = kind()
    return dict(sorted(found.items()))


def _classes() -> Iterator[type[Engine]]:
    """The subclasses of Engine in this folder's modules; a module may hold none."""
    for found in pkgutil.iter_modules(__path__):
        module = import_module(f"{__name__}.{found.name}")
        yield from (value for value in vars(module).values() if _is_engine_of(module, value))


def _is_engine_of(module: ModuleType, value: object) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, Engine)
        and not (inspect.isabstract(value) and not hasattr(value, "name"))  # a base of engines
        and f"{value.__module__}.".startswith(f"{module.__name__}.")
    )
