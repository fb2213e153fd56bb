"""`ops local`: runs a stack's graph on this machine, from validation to the end of the last process."""

import errno
import random
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from rich.console import Console

from catalog.engines import Engine, local_engines
from ops.local import bridge
from ops.local.bench import BENCH, bench
from ops.local.environment import DYNAMO, DYNAMO_H200, Environment, Say, ensure_tiny_model, tiny_model_folder
from ops.local.errors import ConfigurationError, LocalRunError, report_error
from ops.local.guard import run_guarded
from ops.local.once import answer_once, wait_until_servable
from ops.local.processes import WORKER_ROLES, LocalGraph, Machine, local_graph
from ops.local.session import Client, Session
from ops.local.supervise import supervise
from ops.local.timing import H200Timing, shaped_model_dir

# In a private network every port is free: the frontend gets Dynamo's default, and the workers the ports after it.
FIRST_PORT = 8000
# Below Linux's ephemeral ports, and Dynamo reads the system port as a signed 16-bit number.
UNISOLATED_PORTS = range(20000, 32768)
TEMPORARY = "dynamo-gke-"
# Of the endpoint, on this machine.
DEFAULT_PORT = 8000
MODEL_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True, kw_only=True)
class LocalOptions:
    """Options of a run. Without `once` or `bench` the graph serves until it is stopped.

    `port` 0 chooses a free one; `speedup` divides the simulated time, and 0 removes all delays; `timing` replaces
    the simulator's own curve.
    """

    runs: Engine = field(default_factory=lambda: local_engines()[0])
    """A simulated engine."""
    once: bool = False
    bench: bool = False
    port: int = DEFAULT_PORT
    model_dir: Path | None = None
    isolated: bool = True
    speedup: float | None = None
    timing: H200Timing | None = None

    @property
    def environment(self) -> Environment:
        return DYNAMO_H200 if self.timing else DYNAMO

    @property
    def engine(self) -> str:
        """Source of the times, worded so that nobody takes them for measurements."""
        speed = "" if self.speedup is None else f", sped up {self.speedup:g} times" if self.speedup else ", no delays"
        if self.timing:
            return f"simulated engine, times predicted for H200{speed}"
        return f"simulated engine, not a GPU's times{speed}"


def run(graph: Mapping[str, Any], options: LocalOptions, changed_before: Sequence[str] = ()) -> int:
    """Runs a rendered DynamoGraphDeployment of the simulated layout until it is done or a stop is requested.

    `changed_before` says how the graph already differs from the stack's own, one sentence each. Returns the exit code:
    0 served (and verified, with `once`), 1 something failed, 2 the graph or an option is invalid. Errors are one
    sentence on stderr. No process is left running.
    """
    try:
        return _run(graph, options, changed_before)
    except LocalRunError as error:
        return report_error(error)


def _run(graph: Mapping[str, Any], options: LocalOptions, changed_before: Sequence[str]) -> int:
    say = progress()
    serving = not (options.once or options.bench)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, ignore_cleanup_errors=True) as name, ExitStack() as stack:
        folder = Path(name)
        listener = stack.enter_context(_listener(options.port)) if serving else None
        source = _model_dir(options.model_dir)
        model_dir = folder / "model" if options.timing else source
        plan = local_graph(graph, _machine(options, folder, model_dir), changed_before)
        options.environment.ensure(say)
        if options.bench:
            BENCH.ensure(say)
        if options.model_dir is None:
            ensure_tiny_model(options.environment, say)
        if options.timing:
            shaped_model_dir(source, options.timing.shape, model_dir)
        announce(plan, say)
        body = partial(
            supervise,
            plan,
            partial(_invite, port=listener.getsockname()[1]) if listener else _client(options, model_dir),
            folder=folder / "run",
            listener=listener,
            say=say,
            # A serving run ends by being stopped, but a stopped verification verified nothing.
            stopped_code=0 if serving else 1,
        )
        return run_guarded(body, folder, isolated=options.isolated)


def _client(options: LocalOptions, model_dir: Path) -> Client:
    console = Console(highlight=False)
    if options.bench:
        return partial(bench, console=console, model_dir=model_dir, engine=options.engine)
    return partial(answer_once, console=console, engine=options.engine)


def _machine(options: LocalOptions, folder: Path, model_dir: Path) -> Machine:
    speed = () if options.speedup is None else ("--speedup-ratio", f"{options.speedup:g}")
    roles = options.timing.tensor_parallel if options.timing else WORKER_ROLES
    flags = {role: (*(options.timing.flags(role) if options.timing else ()), *speed) for role in roles}
    return Machine(
        python=str(options.environment.python),
        model_dir=str(model_dir),
        discovery_dir=str(folder / "run" / "discovery"),
        ports=ports(options.isolated),
        engine=options.runs,
        flags=flags,
    )


def _model_dir(given: Path | None) -> Path:
    if given is None:
        return tiny_model_folder()
    missing = [name for name in MODEL_FILES if not (given / name).is_file()]
    if missing:
        raise ConfigurationError(f"--model-dir {given} has no {', '.join(missing)}")
    return given.resolve()


def _listener(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise ConfigurationError(f"port {port} is not between 0 and 65535")
    try:
        return bridge.listen(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {port} is in use; choose another with --port, or a free one with --port 0"
            ) from None
        raise ConfigurationError(f"port {port} cannot be opened: {error}") from None


def ports(isolated: bool) -> Iterator[int]:
    """Free ports, each only once. In a private network all are free; elsewhere the order is random for each run."""
    if isolated:
        yield from count(FIRST_PORT)
    for port in random.sample(UNISOLATED_PORTS, len(UNISOLATED_PORTS)):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        yield port


def progress() -> Say:
    """Prints progress to stderr, so that stdout has only results."""
    return partial(Console(stderr=True, highlight=False).print, style="dim", markup=False, soft_wrap=True)


def announce(plan: LocalGraph, say: Say) -> None:
    """Prints which processes start, and how they differ from the cluster."""
    say(f"starting {plan.name}: {', '.join(process.name for process in plan.processes)}; unlike in the cluster,")
    for change in plan.changes:
        say(f"  · {change}")


def _invite(session: Session, port: int) -> None:
    """Prints how to send a request from another shell; the graph keeps running."""
    model = wait_until_servable(session)
    body = f'{{"model": "{model}", "stream": true, "messages": [{{"role": "user", "content": "Hello!"}}]}}'
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    print(f"curl -N {url} -H 'Content-Type: application/json' -d '{body}'", flush=True)
    session.say("running until Ctrl-C")
