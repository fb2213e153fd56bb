"""A plan as tables: each graph's workers, the cost, the time until the first token."""

from rich.console import Group, RenderableType
from rich.text import Text

from catalog import sizing
from catalog.rdma import KvTransfer
from ops.report import printing
from ops.report.printing import indented
from planning.first_token import FirstToken
from planning.surroundings import NOT_KNOWN
from planning.types import Graph, Plan

_TRANSPORTS = {KvTransfer.RDMA: "RDMA", KvTransfer.TCP: "TCP, which is slow"}


def graph(graph: Graph) -> RenderableType:
    served = f", served as {graph.served_name}" if graph.served_name != graph.card.name else ""
    head = Text.assemble(
        ("Graph ", "bold"),
        (graph.name, "bold"),
        f": {graph.card.repository}{served}, layout {graph.layout}, {graph.gpus} GPUs",
    )
    routing = "KV-aware router" + (
        f", KV cache transfer over {_TRANSPORTS[graph.kv_transfer]}" if graph.kv_transfer else ", no KV cache transfer"
    )
    counts = ("engines", "GPUs each", "weights GiB/GPU", "KV tokens", f"sequences of {graph.max_model_len}")
    table = printing.table("role", *counts[:2], "pool", *counts[2:], right=counts)
    for worker in graph.workers:
        memory = worker.memory
        table.add_row(
            worker.role,
            f"{worker.replicas} to {worker.max_replicas}" if worker.autoscaled else str(worker.replicas),
            str(worker.tensor_parallel) if memory else "none, simulated",
            graph.pool_of(worker) or "any",
            *(
                (f"{memory.weights / sizing.GIB:.1f}", f"{memory.kv_tokens:,}", str(memory.full_sequences))
                if memory
                else ("–", "–", "–")
            ),
        )
    why = graph.layout_why
    return Group(head, indented(Text(f"{routing}. {why[0].upper()}{why[1:]}.", "dim")), indented(table))


def cost(plan: Plan) -> RenderableType:
    nics = sum(pool.nics for pool in plan.gpu_pools) if plan.rdma.carries else 0
    head = f"[bold]Plan[/]: {plan.gpus} GPUs, {nics} RDMA NICs, {sum(p.nodes for p in plan.pools)} nodes"
    if not plan.costs:
        return Text.from_markup(
            f"{head}, all in the existing cluster: their cost is not part of this stack and {NOT_KNOWN}"
        )
    table = printing.table("what", "USD/hour", "USD/day", "price", right=("USD/hour", "USD/day"))
    for row in item_costs(plan):
        table.add_row(*row)
    table.add_section()
    total, *others = total_costs(plan)
    table.add_row(*(f"[bold]{cell}[/]" if cell else "" for cell in total))
    for row in others:
        table.add_row(*row)
    return Group(Text.from_markup(head), indented(table))


def first_token(first: FirstToken) -> RenderableType:
    table = printing.table("phase", "min", "GPUs paid", "assumed", right=("min", "GPUs paid"))
    for phase in first.phases:
        table.add_row(phase.name, f"{phase.minutes:.0f}", f"{phase.gpus}", phase.assumes)
    usd = "" if first.usd is None else f", {first.usd:,.{0 if first.usd >= 10 else 2}f} USD"
    head = (
        f"[bold]First token[/]: {first.minutes:.0f} min after a first `pulumi up`, {first.paid_gpu_minutes:,.0f} paid "
        f"GPU-minutes before it{usd}; an ESTIMATE, not measured"
    )
    return Group(Text.from_markup(head), indented(table))


CostRow = tuple[str, str, str, str]
"""What costs, USD an hour and a day, and where the price is from."""


def item_costs(plan: Plan) -> list[CostRow]:
    """The cost of each item of the plan."""
    return [_row(item.name, item.usd_per_hour, item.usd_bound, item.basis) for item in plan.costs]


def total_costs(plan: Plan) -> list[CostRow]:
    """The cost of the whole plan; then its known part, and the cost with all nodes of the autoscalers, if they differ.

    Where the total is only bounded, so is the cost with all nodes.
    """
    known, bound, most = plan.cost_per_hour, plan.cost_bound, plan.cost_max
    rows = [_row("total", known, bound)]
    if plan.costs and known is None:
        rows.append(_row("known part", plan.cost_known, None))
    if most != bound:
        rows.append(_row("all scaled up", most if known == bound else None, most))
    return rows


def _row(name: str, usd: float | None, bound: float | None, basis: str = "") -> CostRow:
    return name, bounded(usd, bound), bounded(usd, bound, 24), basis


def bounded(per_hour: float | None, bound: float | None, hours: int = 1) -> str:
    """A price, with its upper bound if that differs; the bound alone if the price is unknown."""
    if bound in (None, per_hour):
        return NOT_KNOWN if per_hour is None else f"{per_hour * hours:,.2f}"
    upper = f"≤ {bound * hours:,.2f}"
    return upper if per_hour is None else f"{per_hour * hours:,.2f} ({upper})"
