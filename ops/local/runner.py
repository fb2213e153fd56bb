"""`ops local`: a stack's graph on this machine, from checking it to stopping the last process."""

import errno
import random
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from rich.console import Console

from ops.local import bridge
from ops.local.bench import BENCH, bench
from ops.local.environment import DYNAMO, DYNAMO_H200, Environment, Say, ensure_tiny_model, tiny_model_folder
from ops.local.faults import ConfigurationError, LocalRunError, told
from ops.local.guard import StopAsked, run_guarded
from ops.local.once import answer_once, wait_until_servable
from ops.local.processes import WORKER_ROLES, LocalGraph, Machine, local_graph
from ops.local.running import Died, RunningGraph
from ops.local.session import Client, Session
from ops.local.timing import H200Timing, shaped_model_dir

# In a private network every port is free: the frontend gets Dynamo's usual one, and the workers those after it.
FIRST_PORT = 8000
# Below the ports that Linux takes for connections; and Dynamo reads the system port as a signed 16-bit number.
UNISOLATED_PORTS = range(20000, 32768)
CLIENT_SECONDS = 5.0
MODEL_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True, kw_only=True)
class LocalOptions:
    """How to run. Without `once` or `bench` the graph serves until it is stopped.

    `port` 0 takes a free one; `speedup` divides the simulated time, and 0 leaves no delays at all; `timing` replaces
    the simulator's own curve.
    """

    once: bool = False
    bench: bool = False
    port: int = 8000
    model_dir: Path | None = None
    isolated: bool = True
    speedup: float | None = None
    timing: H200Timing | None = None

    @property
    def environment(self) -> Environment:
        return DYNAMO_H200 if self.timing else DYNAMO

    @property
    def engine(self) -> str:
        """What makes the times, in words that keep anybody from taking them for measurements."""
        speed = "" if self.speedup is None else f", sped up {self.speedup:g} times" if self.speedup else ", no delays"
        if self.timing:
            return f"simulated engine, times predicted for H200{speed}"
        return f"simulated engine, not a GPU's times{speed}"


@dataclass(frozen=True)
class Finished:
    """The client that used the graph is done, with this exit code."""

    code: int


@dataclass(frozen=True)
class Failed:
    """The client that used the graph could not go on."""

    fault: Exception


def run(graph: Mapping[str, Any], options: LocalOptions, changed_before: Sequence[str] = ()) -> int:
    """Run a rendered DynamoGraphDeployment of the simulated layout until it is done or asked to stop.

    `changed_before` says how the graph already differs from the stack's own, one sentence each. Returns the exit code:
    0 served (and proven, with `once`), 1 something failed, 2 the graph or an option is at fault. Faults are one
    sentence on stderr. Nothing that was started is left.
    """
    try:
        return _run(graph, options, changed_before)
    except LocalRunError as fault:
        return told(fault)


def _run(graph: Mapping[str, Any], options: LocalOptions, changed_before: Sequence[str]) -> int:
    notes = Console(stderr=True, highlight=False)
    say: Say = partial(notes.print, style="dim", markup=False, soft_wrap=True)
    with (
        tempfile.TemporaryDirectory(prefix="dynamo-gke-", ignore_cleanup_errors=True) as folder,
        _listener(options.port) as listener,
    ):
        source = _model_dir(options.model_dir)
        model_dir = Path(folder, "model") if options.timing else source
        plan = local_graph(graph, _machine(options, Path(folder), model_dir), changed_before)
        options.environment.ensure(say)
        if options.bench:
            BENCH.ensure(say)
        if options.model_dir is None:
            ensure_tiny_model(options.environment, say)
        if options.timing:
            shaped_model_dir(source, options.timing.shape, model_dir)
        _announce(plan, say)
        supervise = partial(
            _supervise,
            plan,
            Path(folder),
            listener,
            _client(options, model_dir, f"http://127.0.0.1:{listener.getsockname()[1]}"),
            say=say,
            # Stopping is how a run that serves ends, but a proof that was stopped proved nothing.
            stopped_code=1 if options.once or options.bench else 0,
        )
        return run_guarded(supervise, Path(folder), isolated=options.isolated)


def _client(options: LocalOptions, model_dir: Path, address: str) -> Client:
    console = Console(highlight=False)
    if options.bench:
        return partial(bench, console=console, model_dir=model_dir, engine=options.engine)
    if options.once:
        return partial(answer_once, console=console, engine=options.engine)
    return partial(_invite, address=address)


def _machine(options: LocalOptions, folder: Path, model_dir: Path) -> Machine:
    speed = () if options.speedup is None else ("--speedup-ratio", f"{options.speedup:g}")
    roles = options.timing.tensor_parallel if options.timing else WORKER_ROLES
    return Machine(
        python=str(options.environment.python),
        model_dir=str(model_dir),
        discovery_dir=str(folder / "discovery"),
        ports=count(FIRST_PORT) if options.isolated else _free_ports(),
        flags={role: (*(options.timing.flags(role) if options.timing else ()), *speed) for role in roles},
    )


def _model_dir(given: Path | None) -> Path:
    if given is None:
        return tiny_model_folder()
    missing = [name for name in MODEL_FILES if not (given / name).is_file()]
    if missing:
        raise ConfigurationError(f"--model-dir {given} has no {', '.join(missing)}")
    return given.resolve()


def _listener(port: int) -> socket.socket:
    try:
        return bridge.listen(port)
    except (OSError, OverflowError) as fault:
        if isinstance(fault, OSError) and fault.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {port} is in use; choose another with --port, or a free one with --port 0"
            ) from None
        raise ConfigurationError(f"port {port} cannot be opened: {fault}") from None


def _free_ports() -> Iterator[int]:
    """Ports on which nobody listened a moment ago, in an order that two runs hardly share."""
    for port in random.sample(UNISOLATED_PORTS, len(UNISOLATED_PORTS)):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        yield port


def _announce(plan: LocalGraph, say: Say) -> None:
    say(f"starting {plan.name}: {', '.join(process.name for process in plan.processes)}; unlike in the cluster,")
    for change in plan.changes:
        say(f"  · {change}")


def _invite(session: Session, address: str) -> None:
    """Say how to send a request from another shell; the graph then runs on."""
    model = wait_until_servable(session)
    body = f'{{"model": "{model}", "stream": true, "messages": [{{"role": "user", "content": "Hello!"}}]}}'
    print(f"curl -N {address}/v1/chat/completions -H 'Content-Type: application/json' -d '{body}'", flush=True)
    session.say("running until Ctrl-C")


def _supervise(
    plan: LocalGraph,
    folder: Path,
    listener: socket.socket,
    client: Client,
    events: "SimpleQueue[Any]",
    *,
    say: Say,
    stopped_code: int,
) -> int:
    """Run the graph until the client is done, a process dies, or somebody asks to stop: whatever comes first.

    Being asked to stop gives `stopped_code`.
    """

    ended = threading.Event()
    session = Session(plan, folder, lambda text: None if ended.is_set() else say(text), ended)

    def use() -> None:
        try:
            code = client(session)
        except Exception as fault:
            events.put(Failed(fault))
        else:
            if code is not None:
                events.put(Finished(code))

    (folder / "discovery").mkdir()
    with RunningGraph(plan, folder, events):
        bridge.start(listener, plan.of_role("frontend")[0].port)
        using = threading.Thread(target=use, name="client", daemon=True)
        using.start()
        event = events.get()
        ended.set()
        say("stopping")
    # A client in the middle of a program ends it now; one in the middle of a request has lost its graph.
    using.join(CLIENT_SECONDS)
    match event:
        case StopAsked():
            return stopped_code
        case Died(name, code, last_words):
            raise LocalRunError(
                f"{name} ended with code {code} and took the graph with it; its last words: {last_words}"
            )
        case Finished(code):
            return code
        case Failed(fault):
            raise fault
        case _:
            raise AssertionError(f"no such event: {event}")
