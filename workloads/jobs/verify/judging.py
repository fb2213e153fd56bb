"""Verdicts on answers and counters: whether each answer has text, and which workers served the prompts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .chat import PROMPT_WORDS, Reasoning, is_sane, is_visible
from .metrics import Counters, requests_served
from .outcome import Verdict, WorkerShare
from .untrusted import plain
from .web import UnreachableError

_CHECKS = {"prefill": "prefill worker served", "decode": "decode worker received", "worker": "worker served"}
# The roles of which every worker must serve a prompt: the workers that answer.
RECEIVERS = frozenset(("decode", "worker"))


def judge_answers(answers: Sequence[str], error: str | None, wanted: int) -> Verdict:
    """The verdict on whether every fresh prompt was answered with text."""
    check = "answer sane"
    if error is not None:
        return Verdict.of(check, False, f"prompt {len(answers) + 1} of {wanted} got no answer: {error}.")
    for answer in answers:
        if not is_sane(answer):
            seen = f"one token repeated: {plain(answer, 40)!r}" if is_visible(answer) else "empty"
            return Verdict.of(check, False, f"an answer was {seen}; the KV cache or the tokenizer is wrong.")
    said = f"{len(answers)} fresh prompts of {PROMPT_WORDS} words were answered with text"
    thought = sum(isinstance(answer, Reasoning) for answer in answers)
    return Verdict.of(check, True, f"{said}{f', {thought} of them with reasoning only' if thought else ''}.")


def shares(
    addresses: Mapping[str, Sequence[str]], before: Mapping[str, Counters], after: Mapping[str, Counters]
) -> tuple[WorkerShare, ...]:
    """The number of requests of each worker between two readings of its metrics."""

    def share(role: str, address: str) -> int | None:
        if address not in before or address not in after:
            return None
        try:
            served = requests_served(after[address], role) - requests_served(before[address], role)
        except UnreachableError:
            return None
        return served if served >= 0 else None  # the worker was restarted in between

    return tuple(WorkerShare(role, address, share(role, address)) for role in addresses for address in addresses[role])


def unreached(found: Sequence[WorkerShare], roles: Collection[str]) -> list[str]:
    """Addresses of the workers of these roles that served no prompt."""
    return [share.address for share in found if share.role in roles and not share.requests]


def judge_role(
    role: str,
    addresses: Sequence[str],
    found: Sequence[WorkerShare],
    answered: int,
    names: Mapping[str, str],
    every: Collection[str] = RECEIVERS,
) -> Verdict:
    """The verdict on whether workers of the role served every answered prompt, and every worker of roles in `every`.

    `names`: address → pod, if the addresses belong to pods.
    """
    check = _CHECKS[role]
    kind = "aggregated" if role == "worker" else role
    if not addresses:
        return Verdict.of(check, False, f"there is no {kind} worker: no metrics address was given.")
    of_role = [share for share in found if share.role == role]
    counts = [share.requests for share in of_role if share.requests is not None]
    if not counts:
        return Verdict.of(check, False, f"no {kind} worker returns its metrics, at {', '.join(addresses)}.")
    served, busy = sum(counts), sum(1 for count in counts if count)
    left_out = unreached(of_role, every) if answered else []
    parts = [f"{served} requests for {answered} answered prompts, on {busy} of {len(addresses)} {kind} workers"]
    if silent := len(addresses) - len(counts):
        parts.append(f"{silent} returned no metrics")
    if left_out:
        parts.append(f"not reached: {named(left_out, names)}")
    return Verdict.of(check, 0 < answered <= served and not left_out, f"{'; '.join(parts)}.")


def named(addresses: Sequence[str], names: Mapping[str, str]) -> str:
    """The addresses for a reader, by pod name where it is known."""
    return ", ".join(names.get(address, address) for address in addresses)
