"""Verdicts over answers and counters: which worker served, and whether KV cache moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .chat import PROMPT_WORDS, Reasoning, is_sane, is_visible
from .metrics import requests_served, total
from .outcome import Verdict, WorkerShare
from .untrusted import plain
from .web import UnreachableError

_CHECKS = {"prefill": "prefill worker served", "decode": "decode worker received", "worker": "worker served"}
# The roles whose every worker a prompt must reach: the ones that answer.
RECEIVERS = ("decode", "worker")


def judge_answers(answers: Sequence[str], error: str | None, wanted: int) -> Verdict:
    """Every fresh prompt was answered with text."""
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
    addresses: Mapping[str, Sequence[str]], before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[WorkerShare, ...]:
    """Requests of each worker between two readings of its metrics."""

    def share(role: str, address: str) -> int | None:
        if address not in before or address not in after:
            return None
        try:
            served = requests_served(after[address], role) - requests_served(before[address], role)
        except UnreachableError:
            return None
        return served if served >= 0 else None  # it was restarted in between

    return tuple(WorkerShare(role, address, share(role, address)) for role in addresses for address in addresses[role])


def unreached(found: Sequence[WorkerShare]) -> list[str]:
    """Addresses of the workers that should have answered a prompt, and answered none."""
    return [share.address for share in found if share.role in RECEIVERS and not share.requests]


def judge_role(
    role: str, addresses: Sequence[str], found: Sequence[WorkerShare], answered: int, names: Mapping[str, str]
) -> Verdict:
    """Every answered prompt went through a worker of the role, and no worker that answers was left out.

    `names`: address → pod, where the addresses are pods'.
    """
    check = _CHECKS[role]
    kind = "aggregated" if role == "worker" else role
    if not addresses:
        return Verdict.of(check, False, f"there is no {kind} worker: no metrics address was given.")
    counted = [share for share in found if share.role == role and share.requests is not None]
    silent = len(addresses) - len(counted)
    if not counted:
        return Verdict.of(check, False, f"no {kind} worker gives its metrics, at {', '.join(addresses)}.")
    served = sum(share.requests or 0 for share in counted)
    busy = sum(1 for share in counted if share.requests)
    sentence = f"{served} requests for {answered} answered prompts, on {busy} of {len(addresses)} {kind} workers"
    if silent:
        sentence += f"; {silent} gave no metrics"
    left_out = unreached([share for share in found if share.role == role]) if answered else []
    if left_out:
        sentence += f"; not reached: {', '.join(names.get(address, address) for address in left_out)}"
    return Verdict.of(check, 0 < answered <= served and not left_out, f"{sentence}.")


def judge_nixl(
    decode: Sequence[str], before: Mapping[str, str], after: Mapping[str, str], answered: int, names: Mapping[str, str]
) -> tuple[Verdict, ...]:
    """The KV cache of every answered prompt moved over NIXL, into every decode worker."""
    families = (
        "vllm:nixl_bytes_transferred_sum",
        "vllm:nixl_xfer_time_seconds_count",
        "vllm:nixl_num_failed_transfers_total",
        "vllm:external_prefix_cache_hits_total",
    )

    def rises(address: str) -> tuple[float, ...] | None:
        if address not in before or address not in after:
            return None
        try:
            found = tuple(total(after[address], family) - total(before[address], family) for family in families)
        except UnreachableError:
            return None
        return found if min(found) >= 0 else None

    of_each = {address: rises(address) for address in decode}
    known = [rise for rise in of_each.values() if rise]
    moved, transfers, failed, hits = (sum(column) for column in zip(*known, strict=True)) if known else (0.0,) * 4
    still = [names.get(address, address) for address, rise in of_each.items() if not rise or not rise[0]]
    sentence = f"{moved / 2**20:.2f} MiB in {transfers:.0f} NIXL transfers for {answered} answered prompts"
    if still and moved:
        sentence += f"; none counted at {', '.join(still)}"
    failures = f"{failed:.0f} of {transfers:.0f} NIXL transfers failed."
    return (
        Verdict.of("KV cache moved", 0 < answered <= transfers and moved > 0 and not still, f"{sentence}."),
        Verdict.of("no transfer failed", transfers > 0 and failed == 0 and len(known) == len(of_each), failures),
        Verdict.of("moved KV cache used", hits > 0, f"decode workers took {hits:.0f} prompt tokens from elsewhere."),
    )
