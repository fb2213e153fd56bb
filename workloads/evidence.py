"""What the verification asks of an engine, as arguments of its program: the engine's own series, roles and words."""

from collections.abc import Mapping

from catalog.contracts import TransferEvidence, TransportEvidence
from catalog.engines import Engine
from workloads.jobs.verify.transfer import Transfer


def transfer(evidence: TransferEvidence) -> Transfer:
    """By which counters KV cache is seen to move, as the program takes it."""
    return Transfer(
        role=evidence.role.value,
        moved=evidence.moved.name,
        unit=evidence.moved.unit,
        transfers=evidence.transfers,
        absent=evidence.absent,
        failed=evidence.failed,
        used=evidence.used,
        carrier=evidence.carrier,
    )


def transfer_arguments(evidence: TransferEvidence) -> list[str]:
    """The same on its command line."""
    asked = transfer(evidence)
    return _words(
        {
            "--transfer-role": asked.role,
            "--moved": asked.moved,
            "--unit": asked.unit,
            "--transfers": asked.transfers,
            "--failed": asked.failed,
            "--used": asked.used,
            "--absent": asked.absent,
            "--carrier": asked.carrier or None,
        }
    )


def transport_arguments(evidence: TransportEvidence) -> list[str]:
    """By whose logs, and by which operation of UCX, the transport is judged."""
    return _words({"--transport-role": evidence.role.value, "--operation": evidence.operation})


def port_arguments(engine: Engine) -> list[str]:
    """Where workers serve their metrics."""
    return _words({"--metrics-port": str(engine.ports.metrics)})


def _words(options: Mapping[str, str | None]) -> list[str]:
    return [word for option, value in options.items() if value is not None for word in (option, value)]
