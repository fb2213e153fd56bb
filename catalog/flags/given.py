"""The flags that a stack sets, as rules read them, and the workers that get them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.contracts import KvCacheDtype
from catalog.flags import ArgumentError, json_object
from catalog.flags.argv import Use, number, uses
from catalog.flags.table import Table
from catalog.machines import Gpus
from catalog.models import Card


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The facts about workers with the same flags that flags depend on."""

    card: Card
    tensor_parallel: tuple[int, ...]
    """GPUs of an engine, one entry per role."""
    disaggregated: bool
    max_model_len: int
    kv_cache_dtype: KvCacheDtype
    block_size: int
    gpus: tuple[Gpus, ...]
    """The kinds of GPUs that the roles run on; empty on CPU nodes."""
    reads_bucket: bool
    """Whether workers read weights from the mounted bucket; else from the model hub."""

    @property
    def generation(self) -> str:
        """The generation of their GPUs, which engines choose kernels by."""
        return " and ".join(sorted({gpus.generation for gpus in self.gpus}))

    @property
    def products(self) -> str:
        """Their GPUs, for errors."""
        return " and ".join(gpus.product for gpus in self.gpus)

    @property
    def no_experts(self) -> str | None:
        """The error of a flag for experts; None where the model has some."""
        dense = self.card.architecture.kind == "dense"
        return f"{self.card.name} is a dense model and has no experts; remove it" if dense else None


class Given:
    """The valid flags of a command line, by name. `skip`: indexes of words already known to be invalid."""

    def __init__(self, table: Table, argv: Sequence[str], skip: Collection[int] = ()) -> None:
        self.table = table
        self._uses: dict[str, Use] = {}
        self._off: set[str] = set()
        for use in uses(argv):
            flag = table.spellings.get(use.name)
            if flag and not {use.index, *(index for index, _ in use.values)} & set(skip):
                self._uses[flag.name] = use
                if use.name in flag.negative:
                    self._off.add(flag.name)

    def __contains__(self, name: str) -> bool:
        return name in self._uses

    def on(self, name: str) -> bool:
        return name in self._uses and name not in self._off

    def off(self, name: str) -> bool:
        return name in self._off

    def spelling(self, name: str) -> str:
        """The flag as the stack wrote it."""
        return self._uses[name].name

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(value for _, value in self._uses[name].values) if name in self._uses else ()

    def text(self, name: str) -> str | None:
        """The flag's value; None where the flag is missing or has no value."""
        return next(iter(self.texts(name)), None)

    def number(self, name: str) -> int | None:
        """The value of a whole-number flag; None also for the words that mean none, and for a value that is no number
        or too large for one, which has an error of its own."""
        value = self.text(name)
        if value is None or self.means_none(name, value):
            return None
        try:
            return int(number(value))
        except (ValueError, OverflowError):
            return None

    def means_none(self, name: str, value: str) -> bool:
        """Whether the flag reads the value as none, not as a number."""
        flag = self.table.flags.get(name)
        return value in ("", "None") or bool(flag and flag.nullable and value in flag.nulls)

    def keys(self, name: str) -> Mapping[str, Any]:
        """The JSON object of a flag; empty where the flag is missing or its value is no object."""
        found = json_object(self.text(name) or "{}")
        return {} if isinstance(found, str) else found

    def names(self) -> Iterator[str]:
        yield from self._uses

    def error(self, name: str, message: str) -> ArgumentError:
        """An error of a flag, positioned at its value if it has one."""
        use = self._uses[name]
        at = use.values[0][0] if use.values else use.index
        return ArgumentError(at, f"{use.name}: {message}")
