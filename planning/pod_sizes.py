"""Sizes of a graph's pods, and the settings of its frontends."""

from catalog.machines import CpuMachine
from planning.deployments import Deployment, DeploymentRole
from planning.graph_parts import Frontend, PodSize

SIMULATED = PodSize(cpu="1", memory="2Gi")
FRONTEND_CPU = 4
FRONTEND_MEMORY_GIB = 16
MIGRATION_LIMIT = 3


def frontend(deployment: Deployment, node: CpuMachine | None) -> Frontend:
    """`node` is the machine of the stack's own CPU nodes; None in an existing cluster."""
    replicas = deployment.settings.frontend.replicas or (1 if deployment.simulated else 2)
    return Frontend(
        replicas=replicas,
        size=SIMULATED if deployment.simulated else _frontend_size(node),
        min_available=1 if replicas > 1 else None,
        migration_limit=MIGRATION_LIMIT,
    )


def _frontend_size(node: CpuMachine | None) -> PodSize:
    """At most half of a CPU node, so that one frontend leaves room for GKE's pods, the operator and a Job."""
    cpu, memory = (node.vcpus // 2, int(node.memory_gb) // 2) if node else (FRONTEND_CPU, FRONTEND_MEMORY_GIB)
    return PodSize(cpu=str(min(FRONTEND_CPU, cpu)), memory=f"{min(FRONTEND_MEMORY_GIB, memory)}Gi")


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
