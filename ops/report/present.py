"""The preview as text: resources, plan, cost, warnings, policy violations and outputs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.offline.recorded import Recording
from ops.offline.verdicts import Verdict
from ops.report import plan_tables, printing
from ops.report.printing import indented
from ops.report.resource_tree import tree
from planning import preflight
from planning.types import Plan


def show(plan: Plan, recording: Recording, verdicts: Sequence[Verdict], restarts: Sequence[str] = ()) -> None:
    """Prints the preview on stdout. `restarts` names what the overrides restart in the deployed stack."""
    printing.show(lambda console: preview(console, plan, recording, verdicts, restarts))


def preview(
    console: Console, plan: Plan, recording: Recording, verdicts: Sequence[Verdict], restarts: Sequence[str]
) -> None:
    """Prints the whole preview."""
    console.print(_heading(plan))
    console.print()
    console.print(tree(recording, _count(recording)))
    for graph in plan.graphs:
        console.print()
        console.print(plan_tables.graph(graph))
    console.print()
    console.print(plan_tables.cost(plan))
    if plan.first_token:
        console.print()
        console.print(plan_tables.first_token(plan.first_token))
    _list(console, "Warnings", (escape(w) for w in plan.warnings), "yellow")
    _list(console, "What the overrides restart", (escape(restart) for restart in restarts), "yellow")
    _list(console, "Policy violations", _violations(verdicts), "red")
    _list(console, "Remedies", (escape(f"{policy}: {remedy}") for policy, remedy in _remedies(verdicts).items()), "red")
    _preflight(console, plan)
    console.print("\n[bold]Outputs[/]")
    console.print(indented(_outputs(recording.outputs)))
    console.print(
        "\n[dim]Computed from the configuration alone: Google Cloud was not called, nothing was created. Values that "
        "only the cloud knows are \\[unknown]. Costs are predictions.[/]"
    )


def beginning(console: Console, plan: Plan, recording: Recording) -> None:
    """Prints what a stack is, how many resources it has, and what it costs."""
    console.print(_heading(plan))
    console.print()
    console.print(_count(recording))
    console.print()
    console.print(plan_tables.cost(plan))


def _heading(plan: Plan) -> str:
    return (
        f"[bold]dynamo-gke[/] · stack [bold]{plan.stack}[/] · project {plan.project} · {plan.region}, "
        f"GPU zone {plan.zone}" + _capacity(plan)
    )


def _count(recording: Recording) -> str:
    return f"[bold]{len(recording.created)} resources to create[/]"


def _capacity(plan: Plan) -> str:
    bought = (f"{p.mode} {p.reservation}" if p.reservation else p.mode for p in plan.purchases)
    return "".join(f" · {each}" for each in dict.fromkeys(bought))


def _list(console: Console, title: str, lines: Iterable[str], style: str) -> None:
    found = list(lines)
    if found:
        console.print(f"\n[bold {style}]{title}[/]")
        _bullets(console, found)


def _bullets(console: Console, lines: Iterable[str]) -> None:
    """Prints a bulleted list. A long line wraps under its own text, not under the bullet."""
    grid = Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row("•", line)
    console.print(indented(grid))


def _preflight(console: Console, plan: Plan) -> None:
    if not plan.preflight:
        console.print("\n[bold]Preflight[/]: off")
        return
    checks = preflight.checks(plan)
    if not checks:
        console.print("\n[bold]Preflight[/]: no checks for a cluster that only its context identifies")
        return
    console.print("\n[bold]Preflight[/]: not run here; `pulumi preview` checks whether")
    _bullets(console, (escape(check.condition) for check in checks))


# A violation names this many resources and counts the others.
_MAX_NAMED = 3


def _violations(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """One line for each violation, with the resources that have it."""
    where: dict[tuple[str, str, str], list[str]] = {}
    for verdict in verdicts:
        resource = verdict.urn.rpartition("::")[2] or "the whole stack"
        where.setdefault((verdict.level, verdict.policy, verdict.message), []).append(resource)
    for (level, policy, message), resources in where.items():
        more = f" and {len(resources) - _MAX_NAMED} more" if len(resources) > _MAX_NAMED else ""
        yield escape(f"{level} {policy}: {message} ({', '.join(resources[:_MAX_NAMED])}{more})")


def _remedies(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Rule → how to fix a violation, once for each violated rule."""
    return {verdict.policy: verdict.remedy for verdict in verdicts if verdict.remedy}


def _outputs(outputs: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in outputs.items():
        if name == "graphs":
            value = {graph: f"{g['model']}, {g['layout']}, {g['gpus']} GPUs" for graph, g in value.items()}
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for key, inner in rows:
            table.add_row(f"{name}.{key}" if key else name, escape(str(inner)))
    return table
