"""Layouts of a card on a machine: derived from the rules of layouts.yaml, or the card's own."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from catalog import sizing
from catalog.contracts import KvCacheDtype, Role
from catalog.engines import Engine
from catalog.machines import GpuMachine, Gpus
from catalog.models import Card, Layout, Placement, RoleLayout
from reading import entries
from reading.frozen import Frozen

RULES = Path(__file__).parent / "layouts.yaml"


class RoleRule(Frozen):
    """The sizing rule of one role of a layout. layouts.yaml explains the keys."""

    nodes: Annotated[float, Field(ge=0, strict=False)]
    size: Literal["smallest", "wide"]
    widest: Annotated[float, Field(gt=0, le=1, strict=False)] | None = None


class LayoutRule(Frozen):
    placement: Placement
    engine: str | None = None
    why: str
    prefill: RoleRule | None = None
    decode: RoleRule | None = None
    worker: RoleRule | None = None

    @property
    def roles(self) -> dict[Role, RoleRule]:
        pairs = ((Role.PREFILL, self.prefill), (Role.DECODE, self.decode), (Role.WORKER, self.worker))
        return {role: rule for role, rule in pairs if rule}


class LayoutRules(Frozen):
    name: str
    heavy: Annotated[float, Field(gt=0, strict=False)]
    layouts: dict[str, LayoutRule]


class _NotPossible(Exception):
    """A layout that a machine cannot hold; the message says why."""


@cache
def rules() -> LayoutRules:
    """The rules of layouts.yaml. Raises ConfigInvalid with every error in it."""
    return entries.entry(LayoutRules, RULES.parent, RULES.stem)


def layout_names() -> tuple[str, ...]:
    """Names of the layouts that every card has, if the machine can hold them."""
    return tuple(rules().layouts)


def layouts_for(
    card: Card, machine: GpuMachine, engine: Engine, max_model_len: int | None = None
) -> Mapping[str, Layout]:
    """Every layout in which `machine` can serve the card with an engine: the card's own, or one derived from a rule.

    `max_model_len`: the stack's own limit, used where the GPUs cannot hold a sequence of the card's default length.
    """
    own = {name: layout for name, layout in card.layouts.items() if layout.applies_to(machine.name)}
    derived: dict[str, Layout] = {}
    for name in rules().layouts:
        try:
            derived[name] = own.get(name) or _derived(card, machine, engine, name, max_model_len)
        except _NotPossible:
            continue
    return derived | own


def why_not(card: Card, machine: GpuMachine, engine: Engine, name: str, max_model_len: int | None = None) -> str | None:
    """Why `layouts_for` this card and machine lacks a layout of layouts.yaml; None for a name without a rule."""
    if name not in rules().layouts:
        return None
    try:
        _derived(card, machine, engine, name, max_model_len)
    except _NotPossible as reason:
        return str(reason)
    return None


def _derived(card: Card, machine: GpuMachine, engine: Engine, name: str, max_model_len: int | None) -> Layout:
    """The layout derived from a rule. Raises _NotPossible."""
    rule = rules().layouts[name]
    if rule.placement is Placement.CPU:
        roles = dict.fromkeys(rule.roles, RoleLayout(replicas=1, tensor_parallel=1))
        return _layout(rule, rule.why, roles)
    sizes = _sizes(card, machine)
    if rule.prefill and machine.rdma:
        # KV cache moves over RDMA NICs, so each engine needs GPUs enough for one.
        sizes = [size for size in sizes if machine.nics_for(size)]
    smallest = _smallest(card, machine, engine, sizes, max_model_len)
    roles = {role: _sized(card, machine, name, part, smallest) for role, part in rule.roles.items()}
    return _layout(rule, f"{rule.why}; derived from card and machine, not predicted", roles)


def _layout(rule: LayoutRule, why: str, roles: Mapping[Role, RoleLayout]) -> Layout:
    return Layout(
        placement=rule.placement,
        engine=rule.engine,
        why=why,
        prefill=roles.get(Role.PREFILL),
        decode=roles.get(Role.DECODE),
        worker=roles.get(Role.WORKER),
    )


def _sizes(card: Card, machine: GpuMachine) -> list[int]:
    """The tensor-parallel sizes that divide both the model and a node, and that the machine allows for a worker."""
    count = machine.gpus.count
    smallest = count if machine.whole_node_workers else 1
    return [n for n in range(smallest, count + 1) if count % n == 0 and card.attention.divides(n)]


def _smallest(card: Card, machine: GpuMachine, engine: Engine, sizes: Sequence[int], max_model_len: int | None) -> int:
    """The min GPUs that hold the model and one sequence of the card's default length, else of the stack's limit."""
    usual = card.default_max_model_len
    for length in (usual, *([max_model_len] if max_model_len and max_model_len < usual else [])):
        for size in sizes:
            if _memory(card, machine, engine, size, length).fits:
                return size
    length, gpus = min(usual, max_model_len or usual), machine.gpus
    weights, together = sizing.weights_bytes(card) / sizing.GIB, gpus.count * gpus.memory_mib / 1024
    tokens = max((_memory(card, machine, engine, size, length).kv_tokens for size in sizes), default=0)
    raise _NotPossible(
        f"{card.name} does not fit one {machine.name}: weights of {weights:.1f} GiB and one sequence of {length} "
        f"tokens, over {gpus.count} GPUs of {together:.1f} GiB together"
        + (
            f"; it fits with engine.maxModelLen {tokens} or less"
            if tokens
            else "; use a machine with more memory, which `./dynamo-gke machines` lists, or a smaller model"
        )
    )


def _memory(card: Card, machine: GpuMachine, engine: Engine, size: int, max_model_len: int) -> sizing.EngineMemory:
    return sizing.engine_memory(
        engine,
        card,
        machine.gpus,
        tensor_parallel=size,
        max_model_len=max_model_len,
        kv_cache_dtype=KvCacheDtype.AUTO,
        share=engine.share_of(machine.gpus),
    )


def _sized(card: Card, machine: GpuMachine, layout: str, rule: RoleRule, smallest: int) -> RoleLayout:
    gpus = machine.gpus
    share = int(rule.nodes * gpus.count)
    if share < smallest:
        part = f"{share} of the {gpus.count} GPUs of {machine.name}"
        if not share:
            part = f"no whole GPU of {machine.name}, which has {gpus.count}"
        raise _NotPossible(f"{layout} gives a role {part}, and an engine of {card.name} needs {smallest}")
    size = smallest
    if rule.size == "wide" and _is_heavy(card, gpus, smallest):
        widest = int((rule.widest or min(rule.nodes, 1)) * gpus.count)
        # A multiple of the smallest size, which prefill has: KV cache can move only between such sizes.
        size = max((n for n in _sizes(card, machine) if n <= widest and n % smallest == 0), default=smallest)
    return RoleLayout(replicas=share // size, tensor_parallel=size)


def _is_heavy(card: Card, gpus: Gpus, size: int) -> bool:
    """Whether the weights that one token passes through fill a large part of a GPU."""
    experts = card.architecture.experts
    read = sizing.weights_bytes(card) * (experts.active / experts.count if experts else 1)
    return read / size > rules().heavy * gpus.memory_mib * sizing.MIB
