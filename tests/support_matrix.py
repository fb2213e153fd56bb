"""docs/support.md: every machine with every engine in every layout, as this program takes or rejects it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.engines import Engine, all_engines
from catalog.formats import FormatUse
from catalog.layouts import layouts_for, rules
from catalog.machines import GpuMachine, Gpus, gpu_machines
from catalog.models import Placement, card
from tests.stacks import ROOT, errors, on_machine

PAGE = ROOT / "docs/support.md"
# The smallest model, which every machine holds.
MODEL = "qwen3-0.6b"
LAYOUTS = tuple(name for name, rule in rules().layouts.items() if rule.placement is not Placement.CPU)
ENGINES = tuple(engine for engine in all_engines().values() if not engine.simulated)


@dataclass(frozen=True, kw_only=True)
class Cell:
    machine: GpuMachine
    engine: Engine
    layout: str

    @property
    def moves_kv(self) -> bool:
        return rules().layouts[self.layout].prefill is not None

    @property
    def stack(self) -> dict[str, Any]:
        """A stack of one deployment, by what the machine has: its first capacity mode, its first RDMA mode or TCP."""
        chat = {"model": MODEL, "layout": self.layout, "engine": {"name": self.engine.name}}
        if self.moves_kv and not self.machine.rdma:
            chat |= {"kvTransfer": "tcp"}
        return on_machine(self.machine, next(iter(self.machine.sold)), chat)

    @property
    def possible(self) -> bool:
        return self.layout in layouts_for(card(MODEL), self.machine, self.engine)

    @property
    def words(self) -> str:
        if not self.possible:
            return "rejected: " + _why_no_room(self.machine)
        if found := errors(self.stack):
            return "rejected: " + "; ".join(error.message for error in found)
        how = "rendered only" if self.machine.not_created else "verified by tests"
        if not self.moves_kv:
            return how
        return f"{how}, KV over {'RDMA' if self.machine.rdma else 'TCP'}"


def _why_no_room(machine: GpuMachine) -> str:
    """Why a layout whose roles share a node does not exist; other layouts fit every machine."""
    return "a worker takes a whole node" if machine.whole_node_workers else f"{machine.gpus.count} GPU a node"


def cells() -> Iterator[Cell]:
    for machine in gpu_machines():
        for engine in ENGINES:
            for layout in LAYOUTS:
                yield Cell(machine=machine, engine=engine, layout=layout)


def page() -> str:
    return _HEAD + "\n".join((*_layouts(), "", _FORMATS, "", *_formats(), ""))


_HEAD = f"""# What is supported

Which machine runs which engine in which layout, and in which number formats. Generated from the catalog by
`make goldens`; a test compares it. **Nobody has run any of this on GPUs.**

- *verified by tests*: a stack of this cell is planned, rendered and validated strictly against the schemas of
  Kubernetes and Dynamo, with {MODEL} and the first capacity mode and RDMA mode of the machine.
- *rendered only*: as above, but nodes of this machine also need what this program does not create
  ([machines](machines.md)).
- *rejected*: preview says why. A larger model can be rejected elsewhere, because it does not fit.

KV over TCP needs `kvTransfer: tcp`, which is slow ([RDMA](rdma.md)).

"""
_FORMATS = """## Number formats of weights

What is not listed is rejected. *weight-only*: loaded, but computed with in 16 bits. Where the limits are written:
`catalog/engines/*/formats.py`."""


def _layouts() -> Iterator[str]:
    yield f"| machine | engine | {' | '.join(LAYOUTS)} |"
    yield "|---" * (len(LAYOUTS) + 2) + "|"
    for machine in gpu_machines():
        rows = {engine.title: _row(machine, engine) for engine in ENGINES}
        yield from (f"| `{machine.name}` | {titles} | {row} |" for titles, row in _merged(rows))


def _row(machine: GpuMachine, engine: Engine) -> str:
    return " | ".join(Cell(machine=machine, engine=engine, layout=layout).words for layout in LAYOUTS)


def _formats() -> Iterator[str]:
    yield "| engine | GPU | native | weight-only |"
    yield "|---|---|---|---|"
    products = {machine.gpus.product: machine.gpus for machine in gpu_machines()}
    for engine in ENGINES:
        rows = {product: _uses(engine, gpus) for product, gpus in products.items()}
        yield from (f"| {engine.title} | {names} | {row} |" for names, row in _merged(rows))


def _uses(engine: Engine, gpus: Gpus) -> str:
    loads = engine.loads(gpus)
    return " | ".join(
        ", ".join(name for name, use in loads.items() if use is wanted) or "none"
        for wanted in (FormatUse.NATIVE, FormatUse.WEIGHT_ONLY)
    )


def _merged(rows: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Rows that say the same, each once with the names of all."""
    for row in dict.fromkeys(rows.values()):
        yield ", ".join(name for name, same in rows.items() if same == row), row
