"""A running sample graph, for scenarios inside a private network, and a client for it."""

import http.client
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from catalog.engines import engine
from ops.local.environment import DYNAMO, tiny_model_folder
from ops.local.processes import LocalGraph, Machine, local_graph
from ops.local.running import RunningGraph
from planning.pod_sizes import MIGRATION_LIMIT
from tests.local.sample_graph import MODEL, simulated_graph
from workloads.jobs.verify.chat import wait_until_servable
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.metrics import Series, counters
from workloads.jobs.verify.verification import Targets
from workloads.jobs.verify.web import fetch

WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    """A complete streamed answer: its pieces of text and the workers that took part, as ids of Dynamo."""

    pieces: tuple[str, ...]
    prefill_worker: int
    decode_worker: int


@dataclass(frozen=True)
class Deployed:
    """A graph that runs."""

    plan: LocalGraph
    running: RunningGraph

    @property
    def endpoint(self) -> str:
        return self.plan.endpoint

    def targets(self) -> Targets:
        return Targets(
            self.endpoint, self.plan.metrics("prefill"), self.plan.metrics("decode"), model=MODEL, timeout=WAIT_SECONDS
        )

    def metrics(self, name: str) -> str:
        process = next(process for process in self.plan.processes if process.name == name)
        return fetch(f"{process.address}/metrics", Deadline(WAIT_SECONDS))[1]

    def counter(self, name: str, series: Series) -> float:
        return counters(self.metrics(name).splitlines(), [series], Deadline(WAIT_SECONDS)).get(series, 0.0)

    def name_of(self, worker: int) -> str:
        """The process that has this id in Dynamo."""
        for process in self.plan.processes:
            if process.role != "frontend" and f'worker_id="{worker:x}"' in self.metrics(process.name):
                return process.name
        raise AssertionError(f"no worker has the id {worker:x}")

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.running.pid(name), number)


@contextmanager
def deployed(
    prefill: int = 1,
    decode: int = 1,
    worker_args: Sequence[str] = (),
    *,
    migration_limit: int = MIGRATION_LIMIT,
    admin_api: bool = False,
    wait: bool = True,
) -> Iterator[Deployed]:
    """The sample graph, running and, unless `wait` is off, servable."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(
            python=str(DYNAMO.python),
            model_dir=str(tiny_model_folder()),
            discovery_dir=f"{folder}/discovery",
            ports=count(8000),
            engine=engine("mocker"),
        )
        Path(machine.discovery_dir).mkdir()
        graph = simulated_graph(prefill, decode, worker_args, migration_limit, admin_api=admin_api)
        plan = local_graph(graph, machine)
        with RunningGraph(plan, Path(folder), SimpleQueue()) as running:
            up = Deployed(plan, running)
            if wait:
                wait_until_servable(up.endpoint, MODEL, Deadline(WAIT_SECONDS))
            yield up


def events(endpoint: str, prompt: str, max_tokens: int) -> Iterator[dict[str, Any]]:
    """The server-sent events of one streamed chat, which must end with [DONE]."""
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "stream": True,
        "nvext": {"extra_fields": ["worker_id"]},
    }
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=WAIT_SECONDS)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        for line in response:
            data = line.decode().strip().removeprefix("data: ")
            if data == "[DONE]":
                return
            if data.startswith("{"):
                event = json.loads(data)
                assert "choices" in event, data
                yield event
        raise AssertionError("the stream ended before [DONE]")
    finally:
        connection.close()


def piece(event: dict[str, Any]) -> str:
    return event["choices"][0]["delta"].get("content") or ""


def ask(endpoint: str, prompt: str, max_tokens: int = 8) -> Answer:
    """One answer, read to its end."""
    seen = list(events(endpoint, prompt, max_tokens))
    workers = seen[-1]["nvext"]["worker_id"]
    pieces = tuple(text for event in seen if (text := piece(event)))
    return Answer(pieces, workers["prefill_worker_id"], workers["decode_worker_id"])


def eventually(condition: Any, seconds: float = WAIT_SECONDS) -> None:
    """Waits until the condition holds, or until the timeout."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process exists and has not ended. Another process may be the one to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
