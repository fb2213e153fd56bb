"""Plan → the Google Cloud side of an environment: its components and their dependencies."""

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from catalog import gke_versions
from infra import preflight
from infra.budget import Budget, BudgetArgs, billing_provider
from infra.cluster import Cluster, ClusterArgs
from infra.existing_cluster import ExistingCluster, ExistingClusterArgs
from infra.existing_network import ExistingNetwork, ExistingNetworkArgs
from infra.gke_agent import GkeAgentRole, GkeAgentRoleArgs
from infra.network import PODS_RANGE, SERVICES_RANGE, Network, NetworkArgs
from infra.node_identity import NodeIdentity, NodeIdentityArgs
from infra.node_pools import SystemPool, SystemPoolArgs
from infra.observability import Observability, ObservabilityArgs
from infra.rdma_network import RdmaNetwork, RdmaNetworkArgs
from infra.scope import Scope
from infra.secrets_key import SecretsKeyGrant, SecretsKeyGrantArgs
from infra.services import ProjectServices, ProjectServicesArgs, project_of
from infra.weights_bucket import WeightsBucket, WeightsBucketArgs
from manifests import alerts, dashboard
from planning import names
from planning.gke_floor import gke_floor
from planning.types import Plan


@dataclass(frozen=True, kw_only=True)
class RunningCluster:
    """A cluster with CPU nodes, created or existing. Fields are None if unknown for a cluster named by its context."""

    name: pulumi.Input[str] | None
    id: pulumi.Input[str] | None
    dns_endpoint: pulumi.Output[str] | None
    subnet_id: pulumi.Input[str] | None
    """The subnet of load balancers' addresses."""
    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before anything is created in the cluster."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The parts of the infrastructure that GPU pools and the serving side need."""

    scope: Scope
    project: str
    provider: gcp.Provider
    services: ProjectServices
    cluster: RunningCluster
    node_account_email: pulumi.Output[str] | None
    """None if the stack creates no nodes."""
    nic_networks: RdmaNetwork | None
    """The networks of GPU nodes' additional NICs; None if the stack creates none."""
    nodes_need: tuple[pulumi.Resource, ...]
    """Resources that must exist before a GPU node starts."""
    weights: WeightsBucket

    @property
    def project_number(self) -> pulumi.Output[str]:
        """The project's number, part of the names of Google's accounts and Workload Identity's principals."""
        return project_of(self.project, self.services, self.services).number


@dataclass(frozen=True, kw_only=True)
class _Subnet:
    """The subnet of the nodes, created or existing."""

    network_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    pods_range: str
    services_range: str
    component: pulumi.Resource
    egress: pulumi.Resource
    """The NAT that nodes reach registries through. Without it they cannot pull images."""


def build(plan: Plan, scope: Scope, provider: gcp.Provider | None = None) -> Environment:
    """Creates the components in the order of their dependencies; `infra.gpu_nodes` creates the GPU pools.

    `provider` replaces the one that is otherwise created, and must have its `default_labels`.
    """
    provider = provider or gcp.Provider(
        scope.name("google"),
        project=plan.project,
        region=plan.region,
        zone=plan.zone,
        default_labels=plan.labels,
        opts=pulumi.ResourceOptions(parent=scope.parent),
    )
    billing = billing_provider(plan.project, plan.labels, scope) if plan.budget else None
    preflight.run(plan, provider, billing)
    services = ProjectServices(
        scope.name("services"),
        ProjectServicesArgs(project=plan.project, wait=plan.waits.service),
        scope.options([provider]),
    )
    after_services = scope.options([provider], [services])
    weights = WeightsBucket(
        scope.name("weights"),
        WeightsBucketArgs(
            project=plan.project,
            bucket=names.weights_bucket(plan.project, plan.stack),
            region=plan.region,
            keep=plan.keeps_weights,
            kept_after_deletion_seconds=plan.delivery.kept_after_deletion_seconds,
        ),
        after_services,
    )
    _watched(plan, scope, services, billing, after_services)
    identity = None
    if plan.creates_nodes:
        identity = NodeIdentity(
            scope.name("nodes"),
            NodeIdentityArgs(project=plan.project, account_id=names.node_account(plan.stack)),
            after_services,
        )
    if identity and not plan.cluster.existing:
        cluster = _new_cluster(plan, scope, provider, services, identity)
    else:
        cluster = _existing_cluster(plan, scope, services, after_services)
    nodes_need: list[pulumi.Resource] = [*([identity] if identity else []), *cluster.ready]
    if plan.creates_gpu_pools and plan.rdma.agent_roles:
        role = GkeAgentRoleArgs(project=plan.project, services=services, roles=plan.rdma.agent_roles)
        nodes_need.append(GkeAgentRole(scope.name("gke-agent"), role, scope.options([provider], cluster.ready)))
    return Environment(
        scope=scope,
        project=plan.project,
        provider=provider,
        services=services,
        cluster=cluster,
        node_account_email=identity.email if identity else None,
        nic_networks=_nic_networks(plan, scope, after_services),
        nodes_need=tuple(nodes_need),
        weights=weights,
    )


def _watched(
    plan: Plan,
    scope: Scope,
    services: ProjectServices,
    billing: gcp.Provider | None,
    opts: pulumi.ResourceOptions,
) -> None:
    """Creates the budget, and dashboard and alerts, which need the cluster's name."""
    if plan.cluster.name:
        Observability(
            scope.name("observability"),
            ObservabilityArgs(
                project=plan.project,
                title=plan.title,
                dashboard=dashboard.build(plan),
                alerts=alerts.alerts(plan),
                alerting=plan.alerting,
                emails=plan.alert_emails,
                labels=plan.labels,
            ),
            opts,
        )
    if plan.budget and billing:
        Budget(
            scope.name("budget"),
            BudgetArgs(
                project=plan.project,
                cluster=names.cluster(plan.stack),
                stack=plan.stack,
                budget=plan.budget,
                services=services,
                labels=plan.labels,
                provider=billing,
            ),
            opts,
        )


def _new_cluster(
    plan: Plan, scope: Scope, provider: gcp.Provider, services: ProjectServices, identity: NodeIdentity
) -> RunningCluster:
    assert plan.system_pool is not None  # every cluster of ours has one
    subnet = _subnet(plan, scope, services, scope.options([provider], [services]))
    needed: list[pulumi.Resource] = [identity, subnet.component]
    if plan.secrets_key:
        may_use = SecretsKeyGrantArgs(project=plan.project, services=services, key=plan.secrets_key)
        needed.append(SecretsKeyGrant(scope.name("secrets-key"), may_use, scope.options([provider], [services])))
    cluster = Cluster(
        scope.name("cluster"),
        ClusterArgs(
            cluster=names.cluster(plan.stack),
            services=services,
            project=plan.project,
            region=plan.region,
            network_id=subnet.network_id,
            subnet_id=subnet.subnet_id,
            pods_range=subnet.pods_range,
            services_range=subnet.services_range,
            node_account_email=identity.email,
            release_channel=plan.release_channel,
            version_prefix=gke_versions.prefix(gke_floor(plan)),
            maintenance=plan.maintenance,
            deletion_protection=plan.deletion_protection,
            multi_networking=plan.multi_networking,
            default_node=plan.default_node,
            wait=plan.waits.cluster,
            labels=plan.labels,
            secret_sync=plan.token_secret is not None,
            binary_authorization=plan.binary_authorization,
            secrets_key=plan.secrets_key,
        ),
        scope.options([provider], needed),
    )
    pool = SystemPool(
        scope.name("system"),
        SystemPoolArgs(
            project=plan.project,
            pool=plan.system_pool,
            cluster_id=cluster.cluster_id,
            region=plan.region,
            node_account_email=identity.email,
            wait=plan.waits.system_pool,
            labels=plan.labels,
        ),
        scope.options([provider], [subnet.egress, identity]),
    )
    return RunningCluster(
        name=cluster.cluster_name,
        id=cluster.cluster_id,
        dns_endpoint=cluster.dns_endpoint,
        subnet_id=subnet.subnet_id,
        ready=(subnet.egress, pool),
    )


def _subnet(plan: Plan, scope: Scope, services: ProjectServices, opts: pulumi.ResourceOptions) -> _Subnet:
    prefix = names.cluster(plan.stack)
    if plan.network:
        found = ExistingNetwork(
            scope.name("network"),
            ExistingNetworkArgs(
                prefix=prefix,
                project=plan.project,
                host_project=plan.network.project,
                region=plan.region,
                vpc=plan.network.vpc,
                subnet=plan.network.subnet,
                services=services,
                wait=plan.waits.network,
            ),
            opts,
        )
        return _Subnet(
            network_id=found.network_id,
            subnet_id=found.subnet_id,
            pods_range=plan.network.pods_range,
            services_range=plan.network.services_range,
            component=found,
            egress=found,
        )
    made = Network(
        scope.name("network"),
        NetworkArgs(
            project=plan.project,
            prefix=prefix,
            region=plan.region,
            ranges=plan.ranges,
            vpc=plan.vpc,
            wait=plan.waits.network,
        ),
        opts,
    )
    return _Subnet(
        network_id=made.network_id,
        subnet_id=made.subnet_id,
        pods_range=PODS_RANGE,
        services_range=SERVICES_RANGE,
        component=made,
        egress=made.nat,
    )


def _existing_cluster(
    plan: Plan, scope: Scope, services: ProjectServices, opts: pulumi.ResourceOptions
) -> RunningCluster:
    """Looks the cluster up, and enables APIs that the stack's objects in it may need."""
    if plan.cluster.name is None:
        return RunningCluster(name=None, id=None, dns_endpoint=None, subnet_id=None, ready=(services,))
    found = ExistingCluster(
        scope.name("cluster"),
        ExistingClusterArgs(project=plan.cluster.project, location=plan.cluster.location, cluster=plan.cluster.name),
        opts,
    )
    return RunningCluster(
        name=plan.cluster.name,
        id=found.cluster_id,
        dns_endpoint=found.dns_endpoint,
        subnet_id=found.subnet_id,
        ready=(services,),
    )


def _nic_networks(plan: Plan, scope: Scope, opts: pulumi.ResourceOptions) -> RdmaNetwork | None:
    if not plan.creates_nic_networks:
        return None
    wired = [pool.machine.rdma for pool in plan.gpu_pools if pool.machine.rdma]
    return RdmaNetwork(
        scope.name("rdma"),
        RdmaNetworkArgs(
            prefix=names.cluster(plan.stack),
            project=plan.project,
            region=plan.region,
            profile=plan.network_profiles[0],  # the same for all pools: planning rejects a second one
            mtu=wired[0].mtu,
            gvnic_mtu=plan.vpc.mtu,
            second_gvnic=plan.second_gvnic,
            ranges=plan.ranges,
            wait=plan.waits.network,
        ),
        opts,
    )
