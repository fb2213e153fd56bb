"""Checks that the RDMA mode gives each deployment its NICs, and collects the mode's warnings."""

from collections.abc import Iterator

from catalog.contracts import KvMover
from catalog.models import Placement
from catalog.rdma import KvTransfer
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from planning.tcp_transfer import first_token_by_tcp
from reading.errors import Error


def deployment_errors(stack: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    roles = deployment.roles.values()
    has_nics = any(role.machine and role.machine.rdma for role in roles)
    if deployment.kv_transfer is not KvTransfer.RDMA or not has_nics:
        return
    yield from stack.rdma.errors(
        KvMover(
            path=deployment.path,
            by_tcp=first_token_by_tcp(deployment),
            gpus={role.role: role.tensor_parallel for role in roles},
            node_gpus={role.role: role.gpus.count for role in roles if role.gpus},
            layouts=tuple(
                name
                for name, other in deployment.layouts.items()
                if other.placement is Placement.PER_ROLE and other.prefill
            ),
        )
    )


def warnings(stack: ResolvedStack) -> Iterator[str]:
    if stack.own_gpu_pools:
        yield from (f"network.rdma: {message}" for message in stack.rdma.warnings())
