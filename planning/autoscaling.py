"""Autoscaling of a role between its minimum and maximum number of engines."""

from catalog.engines import Engine
from planning.deployments import DeploymentRole
from planning.graph_parts import Autoscaling

# An engine takes minutes to load, so the autoscaler adds one at a time and removes none in a short lull.
SECONDS_PER_ADDED_ENGINE = 300
SECONDS_PER_REMOVED_ENGINE = 600
STABILIZATION_SECONDS = 900


def autoscaling(role: DeploymentRole, engine: Engine) -> Autoscaling | None:
    """The autoscaling of a role; None for a fixed number of engines."""
    if not role.autoscaled:
        return None
    return Autoscaling(
        min=role.replicas,
        max=role.max_replicas,
        signals=engine.metrics.scaling.get(role.role, ()),
        metrics_port=engine.ports.metrics,
        seconds_per_added_engine=SECONDS_PER_ADDED_ENGINE,
        seconds_per_removed_engine=SECONDS_PER_REMOVED_ENGINE,
        stabilization_seconds=STABILIZATION_SECONDS,
    )
