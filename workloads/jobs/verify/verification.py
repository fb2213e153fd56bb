"""The steps of a verification: wait, send prompts until every worker has served one, read counters and logs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeVar

from . import metrics
from .chat import NotServableError, ask, wait_until_servable
from .clock import Deadline
from .cluster import LIST_SECONDS, READ_SECONDS, Pod, Pods, rotated
from .judging import RECEIVERS, judge_answers, judge_role, shares, unreached
from .metrics import Counters, requests_of
from .outcome import Outcome, Report, Verdict
from .transfer import Readings, Transfer, asked_of, judge_transfer
from .transport import Finding, Transport, judge_log
from .untrusted import plain
from .web import UnreachableError

PROMPTS = 4
# The router chooses by load, so a round sends its prompts together: two per worker, up to ROUND_PROMPTS.
ROUNDS = 8
ROUND_PROMPTS = 16
# Counters may lag behind the answer, because an engine publishes them with its next step.
SETTLE_SECONDS = 10.0
# Time for the last reading of counters, which begins before they have settled.
LAST_SECONDS = 5.0
ROUND_SETTLE_SECONDS = 2.0
# Time limit for all logs together.
LOG_SECONDS = 120.0

Progress = Callable[[str], None]
_T = TypeVar("_T")


def _silent(_: str) -> None:
    """Discards the progress message."""


@dataclass(frozen=True)
class Expected:
    """The transport that the logs of a role's workers must show."""

    transport: Transport
    role: str = "decode"
    operation: str = "read"
    """How these workers access the memory of their peers."""
    ranks: int | None = None
    """Number of processes per pod that must have a table; None if not given."""


@dataclass(frozen=True)
class Targets:
    """The endpoint to verify, and the metrics address of each worker by role.

    If `worker` has addresses, the graph is aggregated and has no other roles.
    """

    endpoint: str
    prefill: tuple[str, ...] = ()
    decode: tuple[str, ...] = ()
    worker: tuple[str, ...] = ()
    model: str | None = None
    timeout: float = 120.0
    transfer: Transfer | None = None
    """The counters of the KV transfer; None if the transfer is not verified."""
    transport: Expected | None = None
    """The transport that the logs must show; None if the transport is not verified."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Address → pod, if the addresses belong to pods."""

    @property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """Role → metrics addresses, for the roles of the graph."""
        if self.worker:
            return {"worker": self.worker}
        return {"prefill": self.prefill, "decode": self.decode}

    @property
    def every(self) -> frozenset[str]:
        """The roles of which every worker must serve a prompt."""
        return RECEIVERS | {evidence.role for evidence in (self.transfer, self.transport) if evidence}


def verify(targets: Targets, progress: Progress = _silent) -> Report:
    """Verifies a graph that is serving or starting.

    Returns within the sum of `targets.timeout`, SETTLE_SECONDS and LAST_SECONDS, whatever the servers answer.
    """
    deadline = Deadline(targets.timeout)
    model: str | None = None
    error: str | None = "the endpoint is not servable"
    try:
        model = wait_until_servable(
            targets.endpoint, targets.model, deadline, lambda obstacle: progress(f"waiting: {plain(obstacle, 400)}")
        )
        listed = Verdict.of("model listed", True, f"{plain(model)} is listed and answers at {targets.endpoint}.")
    except NotServableError as last:
        listed = Verdict.of("model listed", False, f"not servable after {targets.timeout:g} s: {last}.")

    prompts = _Prompts(targets, {} if model is None else _metrics(targets, deadline))
    if model is not None:
        progress(f"sending {PROMPTS} fresh prompts")
        error = prompts.send(model, deadline, progress)

    settled, end = Deadline(SETTLE_SECONDS), Deadline(SETTLE_SECONDS + LAST_SECONDS)
    if model is None:  # after the time limit, the report still says which workers return metrics
        prompts.before = _metrics(targets, end)
    while True:
        report = _judged(targets, model, listed, prompts, _metrics(targets, end), error)
        if report.verified or not prompts.answers or settled.left() == 0:
            return report
        time.sleep(metrics.POLL_SECONDS)


def _metrics(targets: Targets, deadline: Deadline) -> dict[str, Counters]:
    addresses = list(chain.from_iterable(targets.addresses.values()))
    asked = {requests_of(role) for role in targets.addresses} | asked_of(targets.transfer)
    return metrics.metrics_of(addresses, asked, deadline.within(READ_SECONDS))


@dataclass
class _Prompts:
    """The fresh prompts of one verification, and the counters read before them."""

    targets: Targets
    before: dict[str, Counters]
    answers: list[str] = field(default_factory=list[str])
    sent: int = PROMPTS

    def send(self, model: str, deadline: Deadline, progress: Progress) -> str | None:
        """The error of the first prompt without an answer; None if all are answered.

        Sends the first prompts one by one, then rounds of several until every answering worker has served one.
        """
        every = self.targets.every
        for _ in range(PROMPTS):
            if error := self._round(model, 1, deadline):
                return error
        for _ in range(ROUNDS):
            if not (missing := self._unreached(deadline)) or deadline.left() == 0:
                break
            progress(f"{len(missing)} workers have not answered yet: sending more prompts")
            workers = max(len(addresses) for role, addresses in self.targets.addresses.items() if role in every)
            count = min(2 * workers, ROUND_PROMPTS)
            self.sent += count
            if error := self._round(model, count, deadline):
                return error
        return None

    def _round(self, model: str, count: int, deadline: Deadline) -> str | None:
        def answer() -> str | UnreachableError:
            try:
                return ask(self.targets.endpoint, model, deadline)
            except UnreachableError as error:
                return error

        found = _together(answer, count)
        self.answers += [text for text in found if isinstance(text, str)]
        return next((str(error) for error in found if isinstance(error, UnreachableError)), None)

    def _unreached(self, deadline: Deadline) -> Sequence[str]:
        """The workers that have served no prompt. Waits a moment for their counters."""
        settled = deadline.within(ROUND_SETTLE_SECONDS)
        while True:
            after = _metrics(self.targets, deadline)
            # More prompts do not help for a worker without metrics.
            known = [s for s in shares(self.targets.addresses, self.before, after) if s.requests is not None]
            missing = unreached(known, self.targets.every)
            if not missing or settled.left() == 0:
                return missing
            time.sleep(metrics.POLL_SECONDS)


def _together(call: Callable[[], _T], count: int) -> list[_T]:
    """The results of `count` concurrent calls, in daemon threads, so that an interrupt need not wait for them."""
    if count == 1:
        return [call()]
    results: list[_T] = []
    threads = [threading.Thread(target=lambda: results.append(call()), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _judged(
    targets: Targets,
    model: str | None,
    listed: Verdict,
    prompts: _Prompts,
    after: Mapping[str, Counters],
    error: str | None,
) -> Report:
    addresses, answered = targets.addresses, len(prompts.answers)
    found = shares(addresses, prompts.before, after)
    roles = (judge_role(role, addresses[role], found, answered, targets.names, targets.every) for role in addresses)
    moved: tuple[Verdict, ...] = ()
    if targets.transfer:
        moved = judge_transfer(targets.transfer, addresses, Readings(prompts.before, after, targets.names), answered)
    verdicts = (listed, judge_answers(prompts.answers, error, prompts.sent), *roles, *moved)
    return Report(model, verdicts, found, answered)


def verify_pods(targets: Targets, pods: Pods, roles: Sequence[str], progress: Progress = _silent) -> Report:
    """Verifies the graph with these pods, and the transport by the logs of the pods that move KV cache.

    Raises UnreachableError if the pods cannot be listed.
    """
    deadline = Deadline(LIST_SECONDS)
    of_role = {role: pods.running(role, deadline) for role in roles}
    report = verify(
        replace(
            targets,
            **{role: tuple(pod.metrics for pod in found) for role, found in of_role.items()},
            names={pod.metrics: pod.name for found in of_role.values() for pod in found},
        ),
        progress,
    )
    expected = targets.transport
    if expected is None:
        return report
    progress(f"reading the logs of the {expected.role} workers")
    verdicts = _transports(pods, of_role.get(expected.role, ()), report, expected)
    return replace(report, verdicts=(*report.verdicts, *verdicts))


def _transports(pods: Pods, known: Sequence[Pod], report: Report, expected: Expected) -> tuple[Verdict, ...]:
    """One verdict for each pod of the role that ran before the prompts or runs now."""
    deadline = Deadline(LOG_SECONDS)
    role, check = expected.role, f"KV cache over {expected.transport.upper()}"
    try:
        now = pods.running(role, deadline)
    except UnreachableError as error:
        return (Verdict(check, Outcome.UNKNOWN, f"the {role} workers cannot be listed: {error}."),)
    served = {share.address: share.requests for share in report.workers if share.role == role}
    verdicts: list[Verdict] = []
    for pod in {pod.name: pod for pod in (*known, *now)}.values():
        if not served.get(pod.metrics):
            reason = f"not reached: no prompt was counted there, so its log shows no {expected.operation}"
            found = Finding(Outcome.NOT_VERIFIED, reason)
        else:
            found = _of_log(pods, pod, expected, deadline)
        verdicts.append(Verdict(check, found.outcome, f"{pod.name}: {found.reason}."))
    return tuple(verdicts) or (Verdict(check, Outcome.UNKNOWN, f"there is no {role} worker."),)


def _of_log(pods: Pods, pod: Pod, expected: Expected, deadline: Deadline) -> Finding:
    try:
        with pods.log(pod, deadline) as lines:
            first = next(lines, "")
            found = judge_log(chain([first], lines), expected.transport, expected.ranks, expected.operation)
    except UnreachableError as error:
        return Finding(Outcome.UNKNOWN, f"its log cannot be read: {error}")
    if found.outcome is Outcome.VERIFIED and rotated(pod, first):
        return Finding(Outcome.UNKNOWN, "its log was rotated and begins long after the container's start")
    return found
