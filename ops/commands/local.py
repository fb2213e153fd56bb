"""The `local` command: runs a stack's graph on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from catalog.engines import Engine, local_engines
from manifests.graph import build
from ops.commands.ending import print_errors
from ops.commands.options import Overrides, Stack
from ops.local.errors import ConfigurationError, LocalRunError, report_error
from ops.local.runner import DEFAULT_PORT, LocalOptions, run
from ops.local.timing import Timing, predicted
from ops.local.twin import simulated_twin
from ops.offline.dry_run import planned
from ops.report.plain import plain
from planning.types import Graph
from reading.errors import ConfigInvalid

app = typer.Typer(add_completion=False)


@app.command()
def local(
    stack: Stack = "dev",
    overrides: Overrides = [],  # noqa: B006 - typer reads the default, nobody changes it
    graph: Annotated[str | None, typer.Option(help="The graph, if the stack has several.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Answer one request, verify it, stop.")] = False,
    load: Annotated[bool, typer.Option("--bench", help="Run aiperf; TTFT and ITL as table and plot.")] = False,
    engine: Annotated[
        str,
        typer.Option(
            metavar="|".join(engine.name for engine in local_engines()),
            help="A simulated engine, or a real one on the CPU, compared with an aggregated worker.",
        ),
    ] = local_engines()[0].name,
    timing: Annotated[Timing, typer.Option(help="The mocker's own curve, or predicted times.")] = Timing.SIMULATOR,
    port: Annotated[
        int | None, typer.Option(help="Port on 127.0.0.1; 0 chooses a free one.", show_default=str(DEFAULT_PORT))
    ] = None,
    model_dir: Annotated[Path | None, typer.Option(help="Use this tokenizer and configuration.")] = None,
    no_isolation: Annotated[bool, typer.Option("--no-isolation", help="Run without a private network.")] = False,
    speedup: Annotated[float | None, typer.Option(min=0, help="Divide the simulated time; 0 is no delay.")] = None,
) -> None:
    """Run a stack's graph on this machine: real Dynamo, disaggregated, with a simulated engine."""
    try:
        if once and load:
            raise ConfigurationError("--once does not go together with --bench; give one of them")
        if port is not None and (once or load):
            only = "--once" if once else "--bench"
            raise ConfigurationError(f"--port does not go together with {only}, which serves no port; leave one out")
        chosen, labels = _graph_of(stack, overrides, graph)
        runs = _engine(engine)
        if not runs.simulated:
            if load or model_dir or port is not None or speedup is not None or timing is not Timing.SIMULATOR:
                raise ConfigurationError(
                    f"--engine {engine} does not support --bench, --timing, --port, --speedup or --model-dir"
                )
            from ops.local import real_engine

            *graphs, changes = real_engine.cpu_twins(chosen, runs)
            disaggregated, aggregated = (build(twin, labels).to_wire() for twin in graphs)
            raise typer.Exit(real_engine.compare(runs, disaggregated, aggregated, changes, isolated=not no_isolation))
        options = LocalOptions(
            runs=runs,
            once=once,
            bench=load,
            port=DEFAULT_PORT if port is None else port,
            model_dir=model_dir,
            isolated=not no_isolation,
            speedup=speedup,
            timing=predicted(timing, chosen),
        )
    except ConfigInvalid as invalid:
        print_errors(invalid.errors)
        raise typer.Exit(ConfigurationError.exit_code) from None
    except LocalRunError as error:
        raise typer.Exit(report_error(error)) from None
    twin, changes = simulated_twin(chosen, runs)
    raise typer.Exit(run(build(twin, labels).to_wire(), options, changes))


def _engine(name: str) -> Engine:
    """The engine of that name. Raises ConfigurationError if it is unknown or needs GPUs."""
    found = {engine.name: engine for engine in local_engines()}
    if name not in found:
        raise ConfigurationError(f"--engine {plain(name)} does not run on this machine; choose {' or '.join(found)}")
    return found[name]


def _graph_of(stack: str, overrides: list[str], name: str | None) -> tuple[Graph, dict[str, str]]:
    """The planned graph of that name, or the only one, and the stack's labels.

    Raises ConfigInvalid for an invalid stack, ConfigurationError for an unknown graph.
    """
    plan = planned(stack, overrides)
    names = [graph.name for graph in plan.graphs]
    if (name or names[0]) not in names or (name is None and len(names) > 1):
        raise ConfigurationError(f"stack {stack} has the graphs {', '.join(names)}; choose one of them with --graph")
    return plan.graphs[names.index(name or names[0])], plan.labels
