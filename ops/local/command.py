"""`python -m ops local`: the options, and the way from a stack file to a run."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ops import stackfile
from ops.local.faults import ConfigurationError, LocalRunError, told
from ops.local.runner import LocalOptions, run
from ops.local.twin import simulated_twin
from spec.faults import ConfigInvalid
from spec.graph import build
from spec.load import load
from spec.plan import plan


def local(
    stack: Annotated[
        str, typer.Option("--stack", "-s", help="The stack, that is the file Pulumi.<stack>.yaml.")
    ] = "dev",
    overrides: Annotated[
        list[str], typer.Option("--set", metavar="PATH=VALUE", help="Lay a value over the stack file.")
    ] = [],  # noqa: B006 - typer reads the default, nobody changes it
    graph: Annotated[str | None, typer.Option(help="The graph, if the stack has several.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Answer one request, prove it, stop.")] = False,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8000,
    model_dir: Annotated[
        Path | None, typer.Option(help="Take this tokenizer and configuration, not tiny ones.")
    ] = None,
    no_isolation: Annotated[bool, typer.Option("--no-isolation", help="Run without a private network.")] = False,
    speedup: Annotated[float | None, typer.Option(min=0, help="Divide the simulated time; 0 is no delay.")] = None,
) -> None:
    """Run a stack's graph on this machine: real Dynamo, disaggregated, with a simulated engine."""
    options = LocalOptions(once=once, port=port, model_dir=model_dir, isolated=not no_isolation, speedup=speedup)
    try:
        manifest, changes = _simulated_manifest(stack, overrides, graph)
    except ConfigInvalid as invalid:
        for fault in invalid.faults:
            print(f"error: {fault}", file=sys.stderr)
        raise typer.Exit(ConfigurationError.exit_code) from None
    except LocalRunError as fault:
        raise typer.Exit(told(fault)) from None
    raise typer.Exit(run(manifest, options, changes))


def _simulated_manifest(stack: str, overrides: list[str], name: str | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The graph's DynamoGraphDeployment as it would be sent, on the simulated engine, and what that changes.

    Raises ConfigInvalid for a faulty stack, ConfigurationError for a graph that it does not have.
    """
    planned = plan(load(stackfile.read(stackfile.project_root(), stack, overrides)))
    names = [graph.name for graph in planned.graphs]
    if (name or names[0]) not in names or (name is None and len(names) > 1):
        raise ConfigurationError(f"stack {stack} has the graphs {', '.join(names)}; choose one of them with --graph")
    twin, changes = simulated_twin(planned.graphs[names.index(name or names[0])])
    return build(twin, planned.labels).to_wire(), changes
