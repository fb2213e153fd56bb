"""The inference engines that workers run. Each is one module or package of this folder, found by its class's `name`."""

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
    Compared,
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
from catalog.rdma import KvTransfer

# Per engine, a table of its flags that its own parser wrote, and a YAML file that classifies each flag.
FLAGS = Path(__file__).with_name("flags")


class Engine(ABC):
    """An inference engine that Dynamo can run. Each module of this folder has one subclass; other rooms never name it.

    The network policy opens every TCP port between the workers of a graph, so `ports` omits ports that only they use.
    """

    name: ClassVar[str]
    """Name in stack files: `models.X.engine.name`."""
    title: ClassVar[str]
    """Product name, for messages and dashboards."""
    module: ClassVar[str]
    """Dynamo's Python module that runs the engine, such as `dynamo.vllm`."""
    image: ClassVar[str]
    """Container image without its tag. The tag is the version of Dynamo's runtime."""
    framework: ClassVar[str | None] = None
    """The operator's `backendFramework`; None for an engine that needs no special treatment by the operator."""
    simulated: ClassVar[bool] = False
    """Whether the engine only simulates: no GPUs, no weights, no KV cache."""
    block_size: ClassVar[int]
    """Tokens per KV cache block, the same for all roles and for the router."""
    memory_share: ClassVar[float] = 0.9
    """Default share of a GPU's memory, for an engine whose default is the same on every GPU."""
    formats: ClassVar[Mapping[str, FormatFloors]] = ARITHMETIC
    """Number formats of weights that the engine loads, by GPU generation. A missing format is refused on every GPU."""
    fp8_kv_cache_from: ClassVar[str] = FP8_ARITHMETIC
    """Min compute capability for an FP8 KV cache."""
    kv_lease: ClassVar[KvLease | None] = None
    """Lease on unfetched KV cache; None where prefill keeps it for no fixed time."""

    removed_flags: ClassVar[Mapping[str, str]] = {}
    """Removed flag that published samples still show → what replaced it."""

    metrics: ClassVar[EngineMetrics] = EngineMetrics()
    ports: ClassVar[Ports] = Ports()
    transfer_evidence: ClassVar[TransferEvidence | None] = None
    """The counters that verify a transfer; None if the engine has none."""
    transport_evidence: ClassVar[TransportEvidence | None] = None
    """Log that names the transport of KV cache; None where the engine does not move KV cache over UCX."""
    known_failures: ClassVar[tuple[KnownFailure, ...]] = ()
    """Failures that `status` recognizes and explains in the logs of the engine and of the verification Job."""
    no_usage_reports: ClassVar[Mapping[str, str]] = {}
    """Variables that switch off the engine's usage reports to its makers. Frontends get them too, because they load
    parts of the engine's code."""
    local: ClassVar[LocalRun | None] = None
    """Changes for a run without GPUs; None for an engine that needs a GPU."""

    @property
    def command(self) -> tuple[str, ...]:
        """The command that starts the module, without the module's arguments."""
        return ("python3", "-m", self.module)

    @abstractmethod
    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        """The module's arguments for one role, the stack's own at the end. Flag and value are separate words."""

    @abstractmethod
    def memory(self, card: Card, inputs: MemoryInput) -> MemoryUse:
        """Bytes per GPU left for the KV cache, and the engine's own overhead. Called for GPU workers only."""

    def share_of(self, gpus: Gpus, arguments: Sequence[str] = ()) -> float:
        """Default share of these GPUs' memory that the engine gets, 0 to 1. `arguments`: the stack's own, valid or
        not."""
        return self.memory_share

    def format_use(self, name: str, gpus: Gpus) -> FormatUse:
        """How the engine handles weights in a number format on these GPUs."""
        floors = self.formats.get(name)
        return gpus.limited(name, floors.use(gpus.compute_capability)) if floors else FormatUse.REFUSED

    def format_condition(self, name: str, gpus: Gpus) -> str | None:
        """A limit of a format on these GPUs, as a clause: what a checkpoint needs to load that its card does not show,
        or what is not computed in the format."""
        match self.format_use(name, gpus):
            case FormatUse.NATIVE:
                return self.formats[name].native_limit
            case FormatUse.WEIGHT_ONLY:
                return self.formats[name].weight_only_if
            case FormatUse.REFUSED:
                return None

    def loads(self, gpus: Gpus) -> Mapping[str, FormatUse]:
        """The number formats of weights that the engine loads on these GPUs."""
        uses = {name: self.format_use(name, gpus) for name in BITS}
        return {name: use for name, use in uses.items() if use is not FormatUse.REFUSED}

    def layout_errors(self, prefill: RoleShape, decode: RoleShape, card: Card) -> Iterator[str]:
        """Reasons why KV cache cannot move between engines of these sizes, each as the end of a sentence."""
        yield from ()

    def attention_size(self, role: RoleShape) -> tuple[int, str | None]:
        """The number of GPUs that one request's attention is divided over, and the flag that makes it differ from the
        role's tensor-parallel size; None where it does not."""
        return role.tensor_parallel, None

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        """Environment variables of one role, set whether or not KV cache moves between GPUs."""
        return ()

    def transfer_environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        """Additional environment variables of one role for KV transfer between GPUs, over RDMA or TCP."""
        return ()

    def transport_environment(self, transport: KvTransfer) -> tuple[EnvVar, ...]:
        """Additional environment variables for KV transfer over one transport, the same for every role.

        Policies recognize workers that use TCP on purpose by the variables for TCP. The default is a variable that
        only policies read, for an engine that needs none.
        """
        return (EnvVar(name="DYNAMO_GKE_KV_TRANSFER", value=transport.value),) if transport is KvTransfer.TCP else ()

    @cached_property
    def flags(self) -> Table | None:
        """The flags that the engine's module takes, from `flags/<name>.json`; None without that file.

        Without it, command lines cannot be checked and a stack may give no extra arguments.
        """
        path = FLAGS / f"{self.name}.json"
        if not path.exists():
            return None
        table = read(path, self.removed_flags)
        return replace(table, flags={**table.flags, **self.unlisted_flags()})

    def given(self, arguments: Sequence[str]) -> Given:
        """The flags of these arguments. Only for an engine that has a table."""
        assert self.flags is not None
        return Given(self.flags, arguments)

    def unlisted_flags(self) -> Mapping[str, Flag]:
        """Flags that the module takes but its parser does not list, by name."""
        return {}

    def owned_flags(self, workers: Workers) -> Mapping[str, str]:
        """Flag → reason why a stack may not set it for these workers, where the flag's class does not say so."""
        return {}

    def usable_values(self, workers: Workers) -> Mapping[str, Sequence[str]]:
        """Flag → the values that these workers can use, where they are fewer than the engine knows."""
        return {}

    def argument_errors(self, given: Given, workers: Workers) -> Iterator[ArgumentError]:
        """Arguments that the parser accepts but the engine refuses at start or later. `given` are valid flags."""
        yield from ()

    def compared(self, given: Given, workers: Workers) -> Mapping[str, Compared]:
        """Flag → setting of one role's workers that the other role's engines compare before KV cache moves. The keys
        are the same for every role. Empty by default."""
        return {}

    def argument_warnings(self, given: Given) -> Iterator[str]:
        """Warnings about valid extra arguments, for the plan."""
        yield from ()

    def connection(self, argv: Sequence[str]) -> TransferConnection | None:
        """The part of a worker with these arguments in a KV transfer; None where arguments do not show it."""
        return None


def engine_names() -> tuple[str, ...]:
    """Allowed values of `models.X.engine.name`."""
    return tuple(all_engines())


def engine(name: str) -> Engine:
    """The engine of that name. Raises KeyError for a name without a module in this folder."""
    return all_engines()[name]


def default_engine() -> Engine:
    """The engine of a deployment that does not set `engine.name`."""
    return engine(defaults().engine)


def real_engines() -> tuple[Engine, ...]:
    """The engines that are not simulated, the catalog's default first."""
    found = (engine for engine in all_engines().values() if not engine.simulated)
    return tuple(sorted(found, key=lambda engine: engine.name != defaults().engine))


def local_engines() -> tuple[Engine, ...]:
    """The engines that run on a machine without GPUs, simulated ones first."""
    found = (engine for engine in all_engines().values() if engine.local)
    return tuple(sorted(found, key=lambda engine: not engine.simulated))


def flag_tables() -> tuple[Table, ...]:
    """The flag tables of the frontend and of every engine that has one."""
    return (frontend_flags(), *(engine.flags for engine in all_engines().values() if engine.flags))


def engine_that_runs(words: Sequence[str]) -> Engine | None:
    """The engine whose module a container's command line starts; None where it starts no engine."""
    started = {part for word in words for part in word.split()}
    return next((engine for engine in all_engines().values() if engine.module in started), None)


@cache
def all_engines() -> Mapping[str, Engine]:
    """Every engine of this folder by its name, sorted.

    Raises TypeError for a class that lacks a required method or attribute, and for a name that two classes share.
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
    """The subclasses of Engine in this folder's modules. A module may have none."""
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
