"""Plan → the components that a cluster needs once, before its GPU nodes and its graphs."""

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s

from planning import names
from planning.types import Plan
from workloads.device_networks import DeviceNetworks, DeviceNetworksArgs
from workloads.foundation import Foundation, Scope
from workloads.monitoring import Monitoring, MonitoringArgs
from workloads.namespace import WorkloadNamespace, WorkloadNamespaceArgs
from workloads.network_policies import NetworkPolicies, NetworkPoliciesArgs
from workloads.platform import DynamoPlatform, DynamoPlatformArgs
from workloads.pod_rules import PodRules, PodRulesArgs
from workloads.provider import ClusterAccess, ClusterAccessArgs
from workloads.rdma_claims import RdmaClaims, RdmaClaimsArgs
from workloads.synced_token import SyncedToken, SyncedTokenArgs
from workloads.weights import Weights, WeightsArgs


@dataclass(frozen=True, kw_only=True)
class ClusterSetup:
    """The components that a cluster's graphs depend on."""

    scope: Scope
    kubernetes: k8s.Provider
    google: gcp.Provider
    namespace: WorkloadNamespace
    policies: NetworkPolicies
    platform: tuple[pulumi.Resource, ...]
    """Empty if the stack uses the operator of an existing cluster."""
    token: tuple[pulumi.Resource, ...]
    nics: tuple[pulumi.Resource, ...]
    """The objects through which worker pods get their RDMA NICs."""
    weights: tuple[pulumi.Resource, ...]

    @property
    def before_gpu_nodes(self) -> tuple[pulumi.Resource, ...]:
        """Components to finish before pay-as-you-go GPU nodes start, so that no GPU idles meanwhile."""
        return (*self.platform, *self.weights)

    def after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return self.scope.options([self.kubernetes, self.google], resources)


def build(plan: Plan, foundation: Foundation, hf_token: pulumi.Output[str] | None) -> ClusterSetup:
    """Creates the components in the order of their dependencies."""
    scope = foundation.scope
    access = ClusterAccess(
        scope.name("access"),
        ClusterAccessArgs(
            cluster_identifier=plan.cluster.identifier,
            dns_endpoint=foundation.cluster.dns_endpoint,
            context=plan.cluster.given_context,
        ),
        scope.options([]),
    )

    def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return scope.options([access.provider, foundation.provider], resources)

    ready = foundation.cluster.ready
    platform = _platform(plan, scope, after(*ready))
    pod_rules = PodRules(
        scope.name("pod-rules"),
        PodRulesArgs(namespace=plan.namespace, workers=plan.pod_security.workers, labels=plan.labels),
        after(*ready),
    )
    gated = any(graph.card.gated for graph in plan.graphs)
    namespace = WorkloadNamespace(
        scope.name("workloads"),
        WorkloadNamespaceArgs(
            namespace=plan.namespace,
            hf_token=hf_token if gated and not plan.token_secret else None,
            pod_security=plan.pod_security.level,
            labels=plan.labels,
        ),
        after(*ready, pod_rules),
    )
    policies = NetworkPolicies(
        scope.name("policies"),
        NetworkPoliciesArgs(
            namespace=plan.namespace,
            metrics_ports={graph.name: graph.metrics_ports for graph in plan.graphs},
            client_ranges=plan.client_ranges,
            labels=plan.labels,
        ),
        after(namespace),
    )
    token = _token(plan, foundation, hf_token, after(namespace))
    Monitoring(
        scope.name("monitoring"),
        MonitoringArgs(
            namespace=plan.namespace,
            graphs=plan.graphs,
            collection=plan.collection,
            labels=plan.labels,
        ),
        after(namespace),
    )
    return ClusterSetup(
        scope=scope,
        kubernetes=access.provider,
        google=foundation.provider,
        namespace=namespace,
        policies=policies,
        platform=platform,
        token=token,
        nics=(*_claims(plan, scope, after(namespace)), *_device_networks(plan, foundation, after(*ready))),
        weights=_weights(plan, foundation, after(namespace, *token, foundation.weights)),
    )


def _platform(plan: Plan, scope: Scope, opts: pulumi.ResourceOptions) -> tuple[pulumi.Resource, ...]:
    if not plan.platform_namespace:
        return ()
    args = DynamoPlatformArgs(
        namespace=plan.platform_namespace,
        chart=plan.platform_chart,
        version=plan.platform,
        install=plan.operator,
        system_pool=_system_pool(plan),
        client_ranges=plan.control_plane_ranges,
        labels=plan.labels,
    )
    return (DynamoPlatform(scope.name("platform"), args, opts),)


def _system_pool(plan: Plan) -> str | None:
    return plan.system_pool.name if plan.system_pool else None


def _token(
    plan: Plan, foundation: Foundation, hf_token: pulumi.Output[str] | None, opts: pulumi.ResourceOptions
) -> tuple[pulumi.Resource, ...]:
    if not plan.token_secret:
        return ()
    args = SyncedTokenArgs(
        namespace=plan.namespace,
        project=plan.project,
        project_number=foundation.project_number,
        secret=plan.token_secret,
        hf_token=hf_token,
        labels=plan.labels,
    )
    return (SyncedToken(foundation.scope.name("token"), args, opts),)


def _claims(plan: Plan, scope: Scope, opts: pulumi.ResourceOptions) -> tuple[pulumi.Resource, ...]:
    if not plan.nic_claims:
        return ()
    args = RdmaClaimsArgs(namespace=plan.namespace, claims=plan.nic_claims, labels=plan.labels)
    return (RdmaClaims(scope.name("claims"), args, opts),)


def _device_networks(plan: Plan, foundation: Foundation, opts: pulumi.ResourceOptions) -> tuple[pulumi.Resource, ...]:
    nics = foundation.nic_networks
    if not (plan.network_objects and nics):
        return ()
    args = DeviceNetworksArgs(
        namespace=plan.namespace, second_gvnic=nics.second_gvnic, rails=nics.rails, labels=plan.labels
    )
    return (DeviceNetworks(foundation.scope.name("device-networks"), args, opts),)


def _weights(plan: Plan, foundation: Foundation, opts: pulumi.ResourceOptions) -> tuple[pulumi.Resource, ...]:
    if not plan.fetched:
        return ()
    args = WeightsArgs(
        namespace=plan.namespace,
        project=plan.project,
        project_number=foundation.project_number,
        bucket=names.weights_bucket(plan.project, plan.stack),
        cards=plan.fetched,
        graphs=[graph.name for graph in plan.graphs if graph.reads_bucket],
        token_secret=plan.graphs[0].hf_token_secret,
        system_pool=_system_pool(plan),
        delivery=plan.delivery,
        labels=plan.labels,
    )
    return (Weights(foundation.scope.name("model-weights"), args, opts),)
