"""`status`: why a graph of a stack is not Ready."""

import sys
from typing import Annotated

import typer

from ops.commands.ending import Exit, errors_printed
from ops.commands.options import AsJson, Stack
from ops.offline.dry_run import planned
from ops.report import printing
from reading.tokens import masked

app = typer.Typer(add_completion=False)


@app.command()
def status(
    stack: Stack = "dev",
    graph: Annotated[str | None, typer.Option(help="Show this graph only.")] = None,
    context: Annotated[
        str | None, typer.Option(help="The kubeconfig context; by default the one that `kubeconfigCommand` creates.")
    ] = None,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Repeat until all are Ready, for up to two hours.")] = False,
) -> None:
    """Show why each graph is not Ready: one sentence per cause, sorted by what to fix first."""
    from ops.diagnosis import watching
    from ops.diagnosis.read_cluster import Cluster, ClusterUnreadable
    from ops.report import findings

    with errors_printed(stack):
        plan = planned(stack)
        graphs = watching.chosen(plan, graph)
    found, error = (), None
    where = context or plan.cluster.context  # never the current context, which may belong to another cluster
    try:
        for found in watching.looks(plan, graphs, Cluster(plan, where), watch=watch):
            if not as_json:
                findings.show(plan, where, found)
    except ClusterUnreadable as unreadable:
        found, error = (), str(unreadable)
    if as_json:
        printing.show_json(findings.as_json(plan, where, found, error))
    if error:
        print(f"error: {masked(error)}", file=sys.stderr)
        raise typer.Exit(Exit.FAILED)
    if not watching.ready(found):
        raise typer.Exit(Exit.FAILED)
