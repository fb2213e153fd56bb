"""How the autoscaler of a role chooses between its fewest and its most engines."""

from catalog.engines import Engine
from planning.deployments import DeploymentRole
from planning.graph_parts import Autoscaling

# An engine takes minutes to load, so engines come one at a time, and none leaves for a short lull.
SECONDS_A_NEW_ENGINE = 300
SECONDS_AN_OLD_ENGINE = 600
LULL_SECONDS = 900


def autoscaling(role: DeploymentRole, engine: Engine) -> Autoscaling | None:
    """None for a role with a fixed number of engines."""
    if not role.autoscaled:
        return None
    return Autoscaling(
        min=role.replicas,
        max=role.max_replicas,
        signals=engine.metrics.scaling.get(role.role, ()),
        metrics_port=engine.ports.metrics,
        seconds_a_new_engine=SECONDS_A_NEW_ENGINE,
        seconds_an_old_engine=SECONDS_AN_OLD_ENGINE,
        lull_seconds=LULL_SECONDS,
    )
