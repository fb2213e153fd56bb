"""The layouts of `catalog/layouts.yaml` as a decision tree, and which of them each model has on each machine.

The tree asks one question after the other; a layout's rule answers each. A question that all remaining layouts answer
alike is left out, so a new layout finds its place, and two layouts with the same answers share a leaf.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from catalog.contracts import Role
from catalog.layouts import LayoutRule, RoleRule, rules
from catalog.machines import GpuMachine, gpu_machine, gpu_machine_names
from catalog.models import Placement, card_names
from ops.offline.dry_run import planned
from ops.report.page.placement import Nodes, arranged
from planning.candidates import candidates


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One layout."""

    number: int
    """Position in layouts.yaml, from 1."""
    name: str
    why: str
    sizes: str
    own: bool
    """Whether the card of the example has sizes of its own."""
    nodes: tuple[Nodes, ...]
    """Its engines on the GPU nodes of the example; empty without GPUs."""


@dataclass(frozen=True, kw_only=True)
class Question:
    text: str
    answers: Sequence[tuple[str, "Tree"]]


Tree = Question | Sequence[Leaf]


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Machines on which the same layouts are possible."""

    names: tuple[str, ...]
    gpus: str
    transfer: str
    possible: Sequence[Sequence[int]]
    """By model: numbers of the possible layouts."""


@dataclass(frozen=True, kw_only=True)
class Layouts:
    tree: Tree
    model: str
    machine: str
    """Model and machine of the example."""
    models: tuple[str, ...]
    machines: Sequence[Machines]


def _gpus(rule: LayoutRule) -> str:
    return "no: try it without" if rule.placement is Placement.CPU else "yes"


def _split(rule: LayoutRule) -> str:
    return "yes: disaggregated" if Role.PREFILL in rule.roles else "no: aggregated"


def _nodes(rule: LayoutRule) -> str:
    count = sum(part.nodes for part in rule.roles.values())
    return "one" if count <= 1 else f"{count:g}, or more"


_QUESTIONS: Sequence[tuple[str, Callable[[LayoutRule], str]]] = (
    ("Does it run on GPUs?", _gpus),
    ("Do prefill and decode get GPUs of their own?", _split),
    ("How many nodes?", _nodes),
)


def layouts(stack: str) -> Layouts:
    """The picture's content, with the model and machine of a stack as the example."""
    leaves = {name: _leaf(number, name, rule, stack) for number, (name, rule) in enumerate(rules().layouts.items(), 1)}
    (graph,) = planned(stack).graphs
    machine = next(worker.machine for worker in graph.workers if worker.machine)
    return Layouts(
        tree=tree(rules().layouts, leaves),
        model=graph.card.name,
        machine=machine.name,
        models=card_names(),
        machines=_machines({leaf.name: leaf.number for leaf in leaves.values() if leaf.nodes}),
    )


def tree(remaining: Mapping[str, LayoutRule], leaves: Mapping[str, Leaf], asked: int = 0) -> Tree:
    """The tree of these layouts, from the question at position `asked` on."""
    if len(remaining) == 1 or asked == len(_QUESTIONS):
        return [leaves[name] for name in remaining]
    text, answer = _QUESTIONS[asked]
    by_answer: dict[str, dict[str, LayoutRule]] = {}
    for name, rule in remaining.items():
        by_answer.setdefault(answer(rule), {})[name] = rule
    if len(by_answer) == 1:
        return tree(remaining, leaves, asked + 1)
    return Question(text=text, answers=[(word, tree(part, leaves, asked + 1)) for word, part in by_answer.items()])


def _leaf(number: int, name: str, rule: LayoutRule, stack: str) -> Leaf:
    plan = planned(stack, [f"models.chat.layout={name}"])
    (graph,) = plan.graphs
    nodes = (nodes for pool in plan.gpu_pools for nodes in arranged(pool, plan.graphs))
    return Leaf(
        number=number,
        name=name,
        why=rule.why,
        sizes="; ".join(f"{role}: {_size(part)}" for role, part in rule.roles.items()),
        own=name in graph.card.layouts,
        nodes=tuple(sorted(nodes, key=_order)),
    )


def _order(nodes: Nodes) -> list[int]:
    """In the order of a request: prefill before decode."""
    return [list(Role).index(engine.role) for engine in nodes.engines]


def _size(rule: RoleRule) -> str:
    if not rule.nodes:
        return "one engine"
    nodes = f"{rule.nodes:.0%} of a node" if rule.nodes < 1 else f"{rule.nodes:g} node{'s' if rule.nodes > 1 else ''}"
    return f"{nodes}, {'wide engines for a large model' if rule.size == 'wide' else 'the smallest engines that fit'}"


def _machines(numbers: Mapping[str, int]) -> Sequence[Machines]:
    alike: dict[tuple[tuple[tuple[int, ...], ...], str], list[GpuMachine]] = {}
    for machine in map(gpu_machine, gpu_machine_names()):
        possible = tuple(
            tuple(number for name, number in numbers.items() if name in candidates(model, machine).deployments)
            for model in card_names()
        )
        alike.setdefault((possible, "RDMA" if machine.rdma_nics else "TCP, slow"), []).append(machine)
    return [
        Machines(
            names=tuple(machine.name for machine in machines),
            gpus=", ".join(dict.fromkeys(f"{machine.gpus.count} × {machine.gpus.product}" for machine in machines)),
            transfer=transfer,
            possible=possible,
        )
        for (possible, transfer), machines in alike.items()
    ]
