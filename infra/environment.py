"""Plan → the Google Cloud side of an environment: which components there are, and what waits for what."""

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.budget import Budget, BudgetArgs
from infra.cluster import Cluster, ClusterArgs
from infra.gke_agent import GkeAgent, GkeAgentArgs
from infra.network import Network, NetworkArgs
from infra.node_identity import NodeIdentity, NodeIdentityArgs
from infra.node_pools import GpuPool, GpuPoolArgs, SystemPool, SystemPoolArgs
from infra.observability import Observability, ObservabilityArgs
from infra.rdma_network import NodeNic, RdmaNetwork, RdmaNetworkArgs
from infra.services import ProjectServices, ProjectServicesArgs
from infra.weights_bucket import WeightsBucket, WeightsBucketArgs
from spec import alerts, dashboard, names
from spec.plan import Plan
from spec.settings import RdmaMode


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What the serving side needs of the infrastructure."""

    provider: gcp.Provider
    cluster: Cluster
    subnet_id: pulumi.Output[str]
    system_pool: SystemPool
    gpu_pools: tuple[GpuPool, ...]
    weights: WeightsBucket


def build(plan: Plan) -> Environment:
    """Creates the components in the order in which they need each other."""
    provider = gcp.Provider(
        "google", project=plan.project, region=plan.region, zone=plan.zone, default_labels=plan.labels
    )

    def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(providers=[provider], depends_on=list(resources))

    prefix = names.cluster(plan.stack)
    services = ProjectServices("services", ProjectServicesArgs(project=plan.project), after())
    identity = NodeIdentity(
        "nodes",
        NodeIdentityArgs(project=plan.project, account_id=names.node_account(plan.stack)),
        after(services),
    )
    weights = WeightsBucket(
        "weights",
        WeightsBucketArgs(bucket=names.weights_bucket(plan.project, plan.stack), region=plan.region),
        after(services),
    )
    Observability(
        "observability",
        ObservabilityArgs(
            cluster=names.cluster(plan.stack),
            dashboard=dashboard.build(plan),
            alerts=alerts.alerts(plan),
            emails=plan.alert_emails,
            labels=plan.labels,
        ),
        after(services),
    )
    if plan.budget:
        Budget(
            "budget",
            BudgetArgs(
                project=plan.project,
                cluster=names.cluster(plan.stack),
                stack=plan.stack,
                monthly_usd=plan.budget.monthly_usd,
                emails=plan.budget.emails,
                services=services,
                labels=plan.labels,
            ),
            after(services),
        )
    network = Network(
        "network", NetworkArgs(prefix=prefix, region=plan.region, addresses=plan.addresses), after(services)
    )
    agent: list[pulumi.Resource] = []
    if plan.secrets_key:
        may_use = GkeAgentArgs(project=plan.project, services=services, secrets_key=plan.secrets_key)
        agent.append(GkeAgent("gke-agent", may_use, after(services)))
    cluster = Cluster(
        "cluster",
        ClusterArgs(
            cluster=names.cluster(plan.stack),
            services=services,
            project=plan.project,
            region=plan.region,
            network_id=network.network_id,
            subnet_id=network.subnet_id,
            node_account_email=identity.email,
            release_channel=plan.release_channel,
            deletion_protection=plan.deletion_protection,
            multi_networking=plan.rdma is RdmaMode.DRANET,
            labels=plan.labels,
            secret_sync=plan.token_secret is not None,
            binary_authorization=plan.binary_authorization,
            secrets_key=plan.secrets_key,
        ),
        after(identity, network, *agent),
    )
    system_pool = SystemPool(
        "system",
        SystemPoolArgs(
            pool=plan.system_pool,
            cluster_id=cluster.cluster_id,
            region=plan.region,
            node_account_email=identity.email,
            labels=plan.labels,
        ),
        after(network.nat, identity),
    )
    nics: list[NodeNic] = []
    if plan.rdma is RdmaMode.DRANET:
        rdma_network = RdmaNetwork(
            "rdma",
            RdmaNetworkArgs(
                prefix=prefix,
                project=plan.project,
                region=plan.region,
                zone=plan.zone,
                nics=plan.gpu_pools[0].machine.rdma_nics,
                addresses=plan.addresses,
            ),
            after(services),
        )
        nics = rdma_network.nics
    gpu_pools = tuple(
        GpuPool(
            pool.name,
            GpuPoolArgs(
                pool=pool,
                cluster_id=cluster.cluster_id,
                region=plan.region,
                zone=plan.zone,
                node_account_email=identity.email,
                capacity_mode=plan.capacity_mode,
                reservation=plan.reservation,
                nics=nics,
                labels=plan.labels,
                protect=plan.deletion_protection,
            ),
            after(network.nat, identity, system_pool),
        )
        for pool in plan.gpu_pools
        if plan.capacity_mode  # GPU pools are planned only with one
    )
    return Environment(
        provider=provider,
        cluster=cluster,
        subnet_id=network.subnet_id,
        system_pool=system_pool,
        gpu_pools=gpu_pools,
        weights=weights,
    )
