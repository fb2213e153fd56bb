"""Verdicts on the counters of a KV transfer: whether the cache moved, without failures, and was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .judging import named
from .metrics import Counters, Series, counted
from .outcome import Outcome, Verdict
from .web import UnreachableError


@dataclass(frozen=True)
class Transfer:
    """The counters with which an engine's workers show that KV cache moved, under the engine's own names."""

    role: str
    """The role whose counters are read: the receiving (decode) or the sending (prefill) workers."""
    moved: str
    """Counter of the amount, in `unit`."""
    unit: str
    """UCUM notation: `By` and its multiples for bytes."""
    transfers: str
    """Counter of transfers."""
    absent: str
    """What to check if a counter is missing, as the end of a sentence."""
    failed: str | None = None
    """Counter of failed transfers; None if the engine has none."""
    used: str | None = None
    """Counter of prompt tokens that decode workers received by a transfer; None if the engine has none."""
    carrier: str = ""
    """Name of the library that moves the cache, for the report."""


def asked_of(transfer: Transfer | None) -> set[Series]:
    """The series that the verdicts on a transfer need."""
    if transfer is None:
        return set()
    families = (transfer.moved, transfer.transfers, transfer.failed, transfer.used)
    return {Series(family) for family in families if family}


@dataclass(frozen=True)
class Readings:
    """The counters before and after the prompts, by address."""

    before: Mapping[str, Counters]
    after: Mapping[str, Counters]
    names: Mapping[str, str]
    """Address → pod, if the addresses belong to pods."""

    def rises(self, family: str, addresses: Sequence[str]) -> Rises:
        """The increase of a counter at each of these workers."""
        known: dict[str, float] = {}
        absent: list[str] = []
        for address in addresses:
            try:
                first, last = (counted(found[address], Series(family)) for found in (self.before, self.after))
            except (KeyError, UnreachableError):
                continue
            if last is None:
                absent.append(address)
            elif (rise := last - (first or 0.0)) >= 0:
                known[address] = rise
        unread = (address for address in addresses if address not in known and address not in absent)
        return Rises(family, known, tuple(absent), tuple(unread))


@dataclass(frozen=True)
class Rises:
    """The increase of one counter at each worker between two readings."""

    series: str
    known: Mapping[str, float]
    """By address."""
    absent: tuple[str, ...]
    """Addresses of workers whose metrics lack the counter, which shows nothing."""
    unread: tuple[str, ...]
    """Addresses of workers whose metrics cannot be read, or that were restarted in between."""

    @property
    def total(self) -> float:
        return sum(self.known.values())

    @property
    def stays_somewhere(self) -> bool:
        """Whether the counter did not increase, or must be assumed not to have, at some worker."""
        return bool(self.unread) or 0.0 in self.known.values()


def judge_transfer(
    transfer: Transfer, addresses: Mapping[str, Sequence[str]], readings: Readings, answered: int
) -> tuple[Verdict, ...]:
    """The verdicts on whether the KV cache of every answered prompt moved, at every worker of the transfer's role.

    A counter that does not increase shows that no cache moved. A missing counter shows nothing.
    """
    counting = addresses.get(transfer.role, ())
    transfers = readings.rises(transfer.transfers, counting)
    verdicts = [_moved(transfer, readings.rises(transfer.moved, counting), transfers, readings, answered)]
    if transfer.failed:
        verdicts.append(_none_failed(transfer, readings.rises(transfer.failed, counting), transfers, readings))
    if transfer.used:
        verdicts.append(_used(transfer, readings.rises(transfer.used, addresses.get("decode", ())), readings))
    return tuple(verdicts)


def _moved(transfer: Transfer, moved: Rises, transfers: Rises, readings: Readings, answered: int) -> Verdict:
    still = [*moved.absent, *moved.unread, *(address for address, rise in moved.known.items() if not rise)]
    much = amount(moved.total, transfer.unit)
    sentence = f"{much} in {transfers.total:.0f} {_what(transfer)} for {answered} answered prompts"
    if still and moved.total:
        sentence += f"; none counted at {named(still, readings.names)}"
    arrived = 0 < answered <= transfers.total and moved.total > 0 and not still
    against = moved.stays_somewhere or transfers.stays_somewhere
    return _verdict(
        "KV cache moved", arrived, f"{sentence}.", _missing((moved, transfers), transfer, readings), against
    )


def _none_failed(transfer: Transfer, failed: Rises, transfers: Rises, readings: Readings) -> Verdict:
    known = not (failed.absent or failed.unread)
    none = transfers.total > 0 and failed.total == 0 and known
    sentence = f"{failed.total:.0f} of {transfers.total:.0f} {_what(transfer)} failed."
    against = transfers.stays_somewhere or bool(failed.total or failed.unread)
    return _verdict("no transfer failed", none, sentence, _missing((transfers, failed), transfer, readings), against)


def _used(transfer: Transfer, used: Rises, readings: Readings) -> Verdict:
    sentence = f"decode workers reused {used.total:.0f} prompt tokens received from prefill."
    missing = _missing((used,), transfer, readings)
    return _verdict("moved KV cache used", used.total > 0, sentence, missing, used.stays_somewhere)


def _what(transfer: Transfer) -> str:
    return f"{transfer.carrier} transfers".strip()


def _missing(counters: Sequence[Rises], transfer: Transfer, readings: Readings) -> str | None:
    """The sentence on the first counter that some workers lack; None if no counter is missing."""
    for counter in counters:
        if counter.absent:
            return f"{named(counter.absent, readings.names)} has no counter {counter.series}; {transfer.absent}."
    return None


def _verdict(check: str, holds: bool, sentence: str, missing: str | None, against: bool) -> Verdict:
    """The verdict; unknown if missing counters are the only evidence against the check."""
    if holds or missing is None or against:
        return Verdict.of(check, holds, sentence)
    return Verdict(check, Outcome.UNKNOWN, missing)


_BYTES = {"By": 1, "kBy": 1e3, "MBy": 1e6, "GBy": 1e9, "KiBy": 2**10, "MiBy": 2**20, "GiBy": 2**30}


def amount(value: float, unit: str) -> str:
    """A quantity for readers: bytes in MiB, other amounts in their own unit."""
    if unit in _BYTES:
        return f"{value * _BYTES[unit] / 2**20:.2f} MiB"
    return f"a count of {value:g}" if unit == "1" else f"{value:g} {unit}"
