"""Sizes of a graph's pods, and the settings of its frontends."""

from planning.deployments import Deployment, DeploymentRole
from planning.graph_parts import Frontend, PodSize

SIMULATED = PodSize(cpu="1", memory="2Gi")
FRONTEND = PodSize(cpu="4", memory="16Gi")
MIGRATION_LIMIT = 3


def frontend(deployment: Deployment) -> Frontend:
    replicas = deployment.settings.frontend.replicas or (1 if deployment.simulated else 2)
    return Frontend(
        replicas=replicas,
        size=SIMULATED if deployment.simulated else FRONTEND,
        min_available=1 if replicas > 1 else None,
        migration_limit=MIGRATION_LIMIT,
    )


def worker_size(role: DeploymentRole) -> PodSize:
    """An engine's share of its node. Its processes and NCCL use the shared memory; samples use 16 to 80 Gi."""
    if role.machine is None:
        return SIMULATED
    share = role.machine.worker_share
    return PodSize(
        cpu=str(share.cpu * role.tensor_parallel),
        memory=f"{share.memory_gib * role.tensor_parallel}Gi",
        shared_memory=f"{max(16, 10 * role.tensor_parallel)}Gi",
    )
