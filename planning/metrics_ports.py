"""Ports on which the workers of an engine serve metrics."""

from catalog.contracts import Ports
from catalog.engines import Engine


def metrics_ports(engine: Engine) -> tuple[int, ...]:
    """Dynamo's own, the engine's, and NIXL's where the engine has them on."""
    ports = engine.ports
    return tuple(dict.fromkeys(port for port in (Ports().metrics, ports.metrics, ports.nixl_telemetry) if port))
