"""Runs a graph while a client uses it, and ends both together."""

import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ops.local import bridge
from ops.local.environment import Say
from ops.local.errors import LocalRunError
from ops.local.guard import StopRequested
from ops.local.processes import LocalGraph
from ops.local.running import Died, RunningGraph
from ops.local.session import Client, Session

# Time for a client to notice the end. A client that waits for an answer loses its connection with the graph.
CLIENT_SECONDS = 5.0


@dataclass(frozen=True)
class Finished:
    """The client that used the graph is done, with this exit code."""

    code: int


@dataclass(frozen=True)
class Failed:
    """The client that used the graph failed."""

    error: Exception


def supervise(
    plan: LocalGraph,
    client: Client,
    events: "SimpleQueue[Any]",
    *,
    folder: Path,
    listener: socket.socket | None,
    say: Say,
    stopped_code: int,
) -> int:
    """Runs the graph until the client is done, a process dies, or a stop is requested, whichever comes first.

    `folder`, which must be empty, holds discovery and logs. `listener`, if any, leads to the frontend. A requested stop
    returns `stopped_code`. Raises LocalRunError for a death, and any error of the client.
    """
    ended = threading.Event()
    session = Session(plan, folder, lambda text: None if ended.is_set() else say(text), ended)

    def use() -> None:
        try:
            code = client(session)
        except Exception as error:
            events.put(Failed(error))
        else:
            if code is not None:
                events.put(Finished(code))

    (folder / "discovery").mkdir(parents=True)
    with RunningGraph(plan, folder, events):
        if listener:
            bridge.start(listener, plan.of_role("frontend")[0].port)
        using = threading.Thread(target=use, name="client", daemon=True)
        using.start()
        event = events.get()
        ended.set()
        say("stopping")
    using.join(CLIENT_SECONDS)
    # Events after the first are its consequences, except a request to stop.
    while not events.empty():
        if isinstance(late := events.get(), StopRequested):
            event = late
    match event:
        case StopRequested():
            return stopped_code
        case Died(name, code, last_log_line):
            raise LocalRunError(
                f"{name} ended with code {code}, which stopped the graph; its last log line: {last_log_line}"
            )
        case Finished(code):
            return code
        case Failed(error):
            raise error
        case _:
            raise AssertionError(f"no such event: {event}")
