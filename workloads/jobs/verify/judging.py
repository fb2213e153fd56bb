"""Verdicts over answers and counters: which worker served, and whether KV cache moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .chat import PROMPT_WORDS, Reasoning, is_sane, is_visible
from .metrics import counted, requests_served
from .outcome import Outcome, Verdict, WorkerShare
from .untrusted import plain
from .web import UnreachableError

_CHECKS = {"prefill": "prefill worker served", "decode": "decode worker received", "worker": "worker served"}
# The roles whose every worker a prompt must reach: those that answer, and those that are to show a transfer.
RECEIVERS = frozenset(("decode", "worker"))


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


def unreached(found: Sequence[WorkerShare], roles: Collection[str]) -> list[str]:
    """Addresses of the workers of these roles that a prompt should have reached, and none did."""
    return [share.address for share in found if share.role in roles and not share.requests]


def judge_role(
    role: str,
    addresses: Sequence[str],
    found: Sequence[WorkerShare],
    answered: int,
    names: Mapping[str, str],
    every: Collection[str] = RECEIVERS,
) -> Verdict:
    """Every answered prompt went through a worker of the role, and of roles in `every` no worker was left out.

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
    left_out = unreached([share for share in found if share.role == role], every) if answered else []
    if left_out:
        sentence += f"; not reached: {_named(left_out, names)}"
    return Verdict.of(check, 0 < answered <= served and not left_out, f"{sentence}.")


@dataclass(frozen=True)
class Transfer:
    """Counters by which the workers of an engine show that KV cache moved, under the engine's own names."""

    role: str
    """Whose workers count: those that receive (decode) or those that send (prefill)."""
    moved: str
    """Counter of the amount, in `unit`."""
    unit: str
    """In the notation of UCUM: `By` and its multiples for bytes."""
    transfers: str
    """Counter of transfers."""
    absent: str
    """What to look at where a counter is missing, as the end of a sentence."""
    failed: str | None = None
    """Counter of failed transfers; None where the engine has none."""
    used: str | None = None
    """Counter of prompt tokens that decode workers took from a transfer; None where the engine has none."""
    carrier: str = ""
    """What moves the cache, for the reader."""


@dataclass(frozen=True)
class _Rises:
    """What one counter gained at each of some workers between two readings."""

    series: str
    known: Mapping[str, float]
    """By address."""
    absent: tuple[str, ...]
    """Addresses of workers whose metrics lack the counter: they tell nothing."""
    unread: tuple[str, ...]
    """Addresses of workers whose metrics cannot be read, or that were restarted in between."""

    @property
    def total(self) -> float:
        return sum(self.known.values())


def _rises(series: str, addresses: Sequence[str], before: Mapping[str, str], after: Mapping[str, str]) -> _Rises:
    known: dict[str, float] = {}
    absent: list[str] = []
    for address in addresses:
        if address not in before or address not in after:
            continue
        try:
            first, last = counted(before[address], series), counted(after[address], series)
        except UnreachableError:
            continue
        if last is None:
            absent.append(address)
        elif (rise := last - (first or 0.0)) >= 0:
            known[address] = rise
    unread = (address for address in addresses if address not in known and address not in absent)
    return _Rises(series, known, tuple(absent), tuple(unread))


def judge_transfer(
    transfer: Transfer,
    addresses: Mapping[str, Sequence[str]],
    before: Mapping[str, str],
    after: Mapping[str, str],
    answered: int,
    names: Mapping[str, str],
) -> tuple[Verdict, ...]:
    """Whether the KV cache of every answered prompt moved, at every worker of the role that counts.

    A counter that is there and does not rise shows that it did not. A counter that is missing shows nothing.
    """
    counting = addresses.get(transfer.role, ())
    moved, transfers = (_rises(series, counting, before, after) for series in (transfer.moved, transfer.transfers))
    what = f"{transfer.carrier} transfers".strip()
    still = [address for address in counting if not moved.known.get(address)]
    sentence = f"{amount(moved.total, transfer.unit)} in {transfers.total:.0f} {what} for {answered} answered prompts"
    if still and moved.total:
        sentence += f"; none counted at {_named(still, names)}"
    arrived = 0 < answered <= transfers.total and moved.total > 0 and not still
    verdicts = [_verdict("KV cache moved", arrived, f"{sentence}.", (moved, transfers), transfer, names)]
    if transfer.failed:
        failed = _rises(transfer.failed, counting, before, after)
        none = transfers.total > 0 and failed.total == 0 and len(failed.known) == len(counting)
        told = f"{failed.total:.0f} of {transfers.total:.0f} {what} failed."
        verdicts.append(_verdict("no transfer failed", none, told, (transfers,), transfer, names, zero=failed))
    if transfer.used:
        used = _rises(transfer.used, addresses.get("decode", ()), before, after)
        told = f"decode workers took {used.total:.0f} prompt tokens from elsewhere."
        verdicts.append(_verdict("moved KV cache used", used.total > 0, told, (used,), transfer, names))
    return tuple(verdicts)


def _verdict(
    check: str,
    holds: bool,
    sentence: str,
    rising: Sequence[_Rises],
    transfer: Transfer,
    names: Mapping[str, str],
    zero: _Rises | None = None,
) -> Verdict:
    """Unknown where nothing but missing counters speaks against the check. `zero` is to stay as it is."""
    counters = (*rising, *([zero] if zero else []))
    missing = next((counter for counter in counters if counter.absent), None)
    against = any(counter.unread or 0.0 in counter.known.values() for counter in rising)
    against = against or bool(zero and (zero.total or zero.unread))
    if holds or missing is None or against:
        return Verdict.of(check, holds, sentence)
    reason = f"{_named(missing.absent, names)} has no counter {missing.series}; {transfer.absent}."
    return Verdict(check, Outcome.UNKNOWN, reason)


def _named(addresses: Sequence[str], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(address, address) for address in addresses)


_BYTES = {"By": 1, "kBy": 1e3, "MBy": 1e6, "GBy": 1e9, "KiBy": 2**10, "MiBy": 2**20, "GiBy": 2**30}


def amount(value: float, unit: str) -> str:
    """A quantity for readers: bytes in MiB, anything else in its own unit."""
    if unit in _BYTES:
        return f"{value * _BYTES[unit] / 2**20:.2f} MiB"
    return f"a count of {value:g}" if unit == "1" else f"{value:g} {unit}"
