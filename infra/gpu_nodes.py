"""Plan → the GPU pools of a stack, once there is a cluster to put them into."""

from collections.abc import Sequence

import pulumi

from infra.environment import Environment
from infra.node_pools import GpuPool, GpuPoolArgs
from infra.rdma_network import NodeNic, RdmaNetwork
from planning.types import Plan, WorkerPool


def build(plan: Plan, environment: Environment, first: Sequence[pulumi.Resource]) -> tuple[GpuPool, ...]:
    """The pools that are the stack's to make; none where graphs find their nodes in the cluster.

    What is `first` is there before a node is paid for: platform and weights, so that no GPU idles while they come.
    Capacity that is paid all the while is not left waiting: there the nodes come at once, beside them.
    """
    bought = [(pool, pool.purchase) for pool in plan.gpu_pools if pool.purchase]
    if not bought:
        return ()
    # Both are there where pools are made: asserted, since without pools a graph would only wait for ever.
    cluster_id, account = environment.cluster.id, environment.node_account_email
    assert cluster_id is not None
    assert account is not None
    return tuple(
        GpuPool(
            pool.key,
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
            pulumi.ResourceOptions(
                providers=[environment.provider],
                depends_on=[*environment.nodes_need, *([] if purchase.paid_before_nodes else first)],
            ),
        )
        for pool, purchase in bought
    )


def _nics(pool: WorkerPool, networks: RdmaNetwork | None) -> tuple[NodeNic, ...]:
    """The networks of the additional NICs of a node."""
    rdma = pool.machine.rdma
    return networks.of_a_node(rdma.count, rdma.second_gvnic) if networks and rdma else ()
