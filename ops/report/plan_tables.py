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
    for item in plan.costs:
        known, bound = item.usd_per_hour, item.usd_bound
        table.add_row(item.name, bounded(known, bound), bounded(known, bound, 24), item.basis)
    table.add_section()
    known, bound = plan.cost_per_hour, plan.cost_bound
    table.add_row("[bold]total[/]", f"[bold]{bounded(known, bound)}[/]", f"[bold]{bounded(known, bound, 24)}[/]", "")
    if known is None:
        table.add_row("known part", _usd(plan.cost_known), _usd(plan.cost_known, 24), "")
    if plan.cost_max != bound:
        max_cost = (_usd(plan.cost_max), _usd(plan.cost_max, 24))
        table.add_row("all scaled up", *max_cost if known == bound else (f"≤ {usd}" for usd in max_cost), "")
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


def bounded(per_hour: float | None, bound: float | None, hours: int = 1) -> str:
    """A price, with its upper bound if that differs; the bound alone if the price is unknown."""
    if bound in (None, per_hour):
        return _usd(per_hour, hours)
    return f"≤ {_usd(bound, hours)}" if per_hour is None else f"{_usd(per_hour, hours)} (≤ {_usd(bound, hours)})"


def _usd(per_hour: float | None, hours: int = 1) -> str:
    return NOT_KNOWN if per_hour is None else f"{per_hour * hours:,.2f}"
