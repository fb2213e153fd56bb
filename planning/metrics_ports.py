"""Ports on which the workers of an engine serve metrics."""

from catalog.contracts import Ports
from catalog.engines import Engine


def metrics_ports(engine: Engine) -> tuple[int, ...]:
    """Ports of Dynamo, of the engine, and of NIXL where the engine enables its metrics."""
    ports = engine.ports
    return tuple(dict.fromkeys(port for port in (Ports().metrics, ports.metrics, ports.nixl_telemetry) if port))
