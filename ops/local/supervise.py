"""Holds a graph up while a client uses it, and ends both together."""

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

# For a client to notice the end. One that waits for an answer lost its connection with the graph.
CLIENT_SECONDS = 5.0


@dataclass(frozen=True)
class Finished:
    """The client that used the graph is done, with this exit code."""

    code: int


@dataclass(frozen=True)
class Failed:
    """The client that used the graph could not go on."""

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
    """Run the graph until the client is done, a process dies, or somebody asks to stop: whatever comes first.

    `folder`, which must be empty, takes discovery and logs. `listener`, if any, leads to the frontend. Being asked to
    stop gives `stopped_code`. Raises LocalRunError for a death, and whatever the client raised.
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
    # What followed the first event is its consequence, but for a request to stop.
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
