"""Sends one request to the local graph, counts each worker's requests, and verifies the graph."""

import time
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.local.chat import Streamed, stream_chat
from ops.local.errors import LocalRunError
from ops.local.processes import LocalGraph
from ops.local.readable import as_words
from ops.local.session import Session
from workloads.jobs.verify.chat import NotServableError
from workloads.jobs.verify.chat import wait_until_servable as servable_model
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.metrics import POLL_SECONDS, metrics_of, requests_of, requests_served
from workloads.jobs.verify.outcome import Report, Verdict
from workloads.jobs.verify.verification import Targets, verify

# Simulated graphs need about a second, or five with predicted times; real engines on two busy cores several minutes.
SERVABLE_SECONDS = 420.0
COUNTERS_SECONDS = 3.0
QUESTION = "In two sentences: why does it help to compute the prompt on one machine and the answer on another?"
ANSWER_TOKENS = 48


def wait_until_servable(session: Session) -> str:
    """The served model's name, once a completion was answered. Raises LocalRunError after SERVABLE_SECONDS."""
    started = time.monotonic()
    deadline = Deadline(SERVABLE_SECONDS)
    try:
        model = servable_model(
            session.graph.endpoint,
            None,
            deadline,
            lambda obstacle: session.say(f"waiting: {obstacle}"),
        )
    except NotServableError as error:
        raise LocalRunError(f"not servable after {SERVABLE_SECONDS:g} s: {error}") from None
    # One worker per role is enough to serve, but the others are counted too.
    workers = {process.name for process in session.graph.processes if process.role != "frontend"}
    while silent := workers - requests_by_worker(session.graph).keys():
        if deadline.left() == 0:
            raise LocalRunError(f"{', '.join(sorted(silent))} gave no metrics within {SERVABLE_SECONDS:g} s")
        time.sleep(POLL_SECONDS)
    session.say(f"servable after {time.monotonic() - started:.1f} s")
    return model


def requests_by_worker(graph: LocalGraph) -> dict[str, int]:
    """Worker name → requests served since its start. Workers without metrics are omitted."""
    workers = {f"{process.address}/metrics": process for process in graph.processes if process.role != "frontend"}
    counters_read = {requests_of(process.role) for process in workers.values()}
    found = metrics_of(list(workers), counters_read, Deadline(COUNTERS_SECONDS))
    return {workers[url].name: requests_served(counters, workers[url].role) for url, counters in found.items()}


def answer_once(session: Session, console: Console, engine: str) -> int:
    """Waits, chats, verifies, and prints the results. Returns 0 if everything is verified.

    `engine` describes the engine behind the text and the times.
    """
    graph = session.graph
    model = wait_until_servable(session)
    before = requests_by_worker(graph)
    streamed = stream_chat(graph.endpoint, model, QUESTION, max_tokens=ANSWER_TOKENS)
    after = _counters_after(graph, before)
    report = verify(
        Targets(
            endpoint=graph.endpoint,
            prefill=graph.metrics("prefill"),
            decode=graph.metrics("decode"),
            worker=graph.metrics("worker"),
            model=model,
        ),
        session.say,
    )
    _print_chat(console, model, streamed, engine)
    console.print(_table(graph, {name: after[name] - before[name] for name in before.keys() & after}, report))
    print_verdicts(console, report.verdicts)
    return 0 if report.verified else 1


def print_verdicts(console: Console, verdicts: Iterable[Verdict]) -> None:
    """Prints one line per verdict."""
    for verdict in verdicts:
        color = "green" if verdict.verified else "bold red"
        console.print(f"[{color}]{verdict.outcome}[/]  {verdict.check}: {escape(verdict.sentence)}", soft_wrap=True)


def _counters_after(graph: LocalGraph, before: Mapping[str, int]) -> dict[str, int]:
    """The counters, once they rose on a worker of every role, or after COUNTERS_SECONDS: they may lag the answer."""
    deadline = Deadline(COUNTERS_SECONDS)
    roles = {process.role for process in graph.processes if process.role != "frontend"}
    while True:
        after = requests_by_worker(graph)
        risen = {
            process.role
            for process in graph.processes
            if process.name in after and after[process.name] > before.get(process.name, 0)
        }
        if risen == roles or deadline.left() == 0:
            return after
        time.sleep(POLL_SECONDS)


def _print_chat(console: Console, model: str, streamed: Streamed, engine: str) -> None:
    console.print(f"\n[bold]{model}[/] was asked: {QUESTION}", soft_wrap=True)
    console.print(as_words(streamed.pieces), markup=False, style="cyan", soft_wrap=True)
    first, last = streamed.first_token_seconds * 1000, streamed.arrivals[-1]
    console.print(f"first token after {first:.0f} ms, {len(streamed.arrivals)} pieces of text in {last:.2f} s")
    console.print(f"{engine}; its tokens are random, each shown as a word\n", style="dim")


def _table(graph: LocalGraph, chat: Mapping[str, int], report: Report) -> Table:
    """Requests per worker for the chat and for the verification, from the workers' own metrics."""
    verification = {share.address: share.requests for share in report.workers}
    table = Table("worker", "role", "requests for the chat", "to verify")
    for process in graph.processes:
        if process.role == "frontend":
            continue
        counted = verification.get(f"{process.address}/metrics")
        table.add_row(
            process.name,
            process.role,
            str(chat.get(process.name, "?")),
            "?" if counted is None else str(counted),
        )
    return table
