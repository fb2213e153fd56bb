"""An engine's evidence of KV transfer as arguments of the verification program."""

from collections.abc import Mapping

from catalog.contracts import TransferEvidence, TransportEvidence
from catalog.engines import Engine
from workloads.jobs.verify.transfer import Transfer


def transfer(evidence: TransferEvidence) -> Transfer:
    """The counters of the KV transfer, in the program's type."""
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
    """The counters of the KV transfer, as command-line arguments."""
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
    """The role whose logs show the transport, and its UCX operation, as command-line arguments."""
    return _words({"--transport-role": evidence.role.value, "--operation": evidence.operation})


def port_arguments(engine: Engine) -> list[str]:
    """The port of the workers' metrics, as command-line arguments."""
    return _words({"--metrics-port": str(engine.ports.metrics)})


def _words(options: Mapping[str, str | None]) -> list[str]:
    return [word for option, value in options.items() if value is not None for word in (option, value)]
