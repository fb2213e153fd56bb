"""Plan → the GPU pools of a stack, created once the cluster exists."""

from collections.abc import Sequence

import pulumi

from infra.environment import Environment
from infra.node_pools import GpuPool, GpuPoolArgs
from infra.rdma_network import NodeNic, RdmaNetwork
from planning.types import Plan, WorkerPool


def build(plan: Plan, environment: Environment, first: Sequence[pulumi.Resource]) -> tuple[GpuPool, ...]:
    """Creates the stack's own GPU pools; none if graphs use existing nodes.

    Nodes wait for `first`, platform and weights, so that no paid GPU idles meanwhile. Capacity that is paid anyway
    does not wait: its nodes are created in parallel.
    """
    bought = [(pool, pool.purchase) for pool in plan.gpu_pools if pool.purchase]
    if not bought:
        return ()
    # Both are set if the stack creates pools. Without pools, a graph would wait forever.
    cluster_id, account = environment.cluster.id, environment.node_account_email
    assert cluster_id is not None
    assert account is not None
    return tuple(
        GpuPool(
            environment.scope.name(pool.key),
            GpuPoolArgs(
                project=plan.project,
                pool=pool,
                cluster_id=cluster_id,
                location=plan.cluster.location,
                zone=plan.zone,
                node_account_email=account,
                purchase=purchase,
                nics=_nics(pool, environment.nic_networks),
                labels=plan.labels,
                protect=plan.deletion_protection,
            ),
            environment.scope.options(
                [environment.provider], [*environment.nodes_need, *([] if purchase.paid_before_nodes else first)]
            ),
        )
        for pool, purchase in bought
    )


def _nics(pool: WorkerPool, networks: RdmaNetwork | None) -> tuple[NodeNic, ...]:
    """The networks of the additional NICs of a node."""
    rdma = pool.machine.rdma
    return networks.of_a_node(rdma.count, rdma.second_gvnic) if networks and rdma else ()
