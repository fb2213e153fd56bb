"""Plan → what runs in the cluster: set-up that is done once, then one graph a model on top of it."""

from dataclasses import dataclass

import pulumi

from infra import gpu_nodes
from infra.environment import Environment
from manifests import graph as graph_builder
from manifests import pod_security
from planning import names
from planning.types import Plan
from settings.endpoint import Exposure
from workloads.autoscaling import RoleAutoscaler, RoleAutoscalerArgs
from workloads.device_networks import DeviceNetworks, DeviceNetworksArgs
from workloads.endpoint import Endpoint, EndpointArgs
from workloads.gateway import PublicGateway, PublicGatewayArgs
from workloads.monitoring import Monitoring, MonitoringArgs
from workloads.namespace import WorkloadNamespace, WorkloadNamespaceArgs
from workloads.network_policies import NetworkPolicies, NetworkPoliciesArgs, client_ranges, metrics_ports
from workloads.platform import DynamoPlatform, DynamoPlatformArgs
from workloads.pod_rules import PodRules, PodRulesArgs
from workloads.provider import ClusterAccess, ClusterAccessArgs
from workloads.rdma_claims import RdmaClaims, RdmaClaimsArgs
from workloads.runtime_identity import RuntimeIdentity, RuntimeIdentityArgs
from workloads.serving_graph import ServingGraph, ServingGraphArgs
from workloads.synced_token import SyncedToken, SyncedTokenArgs
from workloads.verification import Verification, VerificationArgs
from workloads.weights import Weights, WeightsArgs


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What a stack hands out."""

    endpoints: dict[str, pulumi.Output[str]]
    """Graph → URL, known when the graph is verified."""
    dns_records: pulumi.Output[list[dict[str, str]]] | None
    """What to enter for a public gateway; None without one."""


def build(plan: Plan, environment: Environment, hf_token: pulumi.Output[str] | None) -> Serving:
    """Creates the components in the order in which they need each other."""
    access = ClusterAccess(
        "access",
        ClusterAccessArgs(
            cluster_identifier=plan.cluster.identifier,
            dns_endpoint=environment.cluster.dns_endpoint,
            context=plan.cluster.given_context,
        ),
    )

    def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(providers=[access.provider, environment.provider], depends_on=list(resources))

    system_pool = plan.system_pool.name if plan.system_pool else None
    # Empty where the cluster's own operator is used: it is there before the stack and stays after it.
    platform: list[pulumi.Resource] = []
    if plan.platform_namespace:
        operator = DynamoPlatformArgs(
            namespace=plan.platform_namespace, version=plan.platform, system_pool=system_pool, labels=plan.labels
        )
        platform.append(DynamoPlatform("platform", operator, after(*environment.cluster.ready)))
    workers = pod_security.workers_of(plan.graphs)
    pod_rules = PodRules(
        "pod-rules",
        PodRulesArgs(namespace=plan.namespace, workers=workers, labels=plan.labels),
        after(*environment.cluster.ready),
    )
    gated = any(graph.card.gated for graph in plan.graphs)
    namespace = WorkloadNamespace(
        "workloads",
        WorkloadNamespaceArgs(
            namespace=plan.namespace,
            hf_token=hf_token if gated and not plan.token_secret else None,
            pod_security=pod_security.level(workers),
            labels=plan.labels,
        ),
        after(*environment.cluster.ready, pod_rules),
    )
    policies = NetworkPolicies(
        "policies",
        NetworkPoliciesArgs(
            namespace=plan.namespace,
            graphs={graph.name: metrics_ports(graph.runs) for graph in plan.graphs},
            client_ranges=client_ranges(plan.endpoint.exposure, plan.addresses),
            labels=plan.labels,
        ),
        after(namespace),
    )
    token: list[pulumi.Resource] = []
    if plan.token_secret:
        synced = SyncedTokenArgs(
            namespace=plan.namespace,
            project=plan.project,
            services=environment.services,
            secret=plan.token_secret,
            hf_token=hf_token,
            labels=plan.labels,
        )
        token.append(SyncedToken("token", synced, after(namespace)))
    Monitoring(
        "monitoring",
        MonitoringArgs(namespace=plan.namespace, graphs=plan.graphs, labels=plan.labels),
        after(namespace),
    )
    claims: list[pulumi.Resource] = []
    if plan.nic_claims:
        templates = RdmaClaimsArgs(namespace=plan.namespace, claims=plan.nic_claims, labels=plan.labels)
        claims.append(RdmaClaims("claims", templates, after(namespace)))
    nics = environment.nic_networks
    if nics and plan.rdma.network_objects and any(graph.rdma for graph in plan.graphs):
        networks = DeviceNetworksArgs(
            namespace=plan.namespace, second_gvnic=nics.second_gvnic, rails=nics.rails, labels=plan.labels
        )
        claims.append(DeviceNetworks("device-networks", networks, after(*environment.cluster.ready)))

    fetched: list[pulumi.Resource] = []
    if plan.fetched:
        weights = WeightsArgs(
            namespace=plan.namespace,
            project=plan.project,
            services=environment.services,
            bucket=names.weights_bucket(plan.project, plan.stack),
            cards=plan.fetched,
            graphs=[graph.name for graph in plan.graphs if graph.reads_bucket],
            token_secret=plan.graphs[0].hf_token_secret,
            system_pool=system_pool,
            labels=plan.labels,
        )
        fetched.append(Weights("model-weights", weights, after(namespace, *token, environment.weights)))
    pools = gpu_nodes.build(plan, environment, (*platform, *fetched))

    public: list[PublicGateway] = []
    if plan.endpoint.exposure is Exposure.GATEWAY and plan.endpoint.domain:
        public.append(
            PublicGateway(
                "gateway",
                PublicGatewayArgs(
                    project=plan.project,
                    namespace=plan.namespace,
                    stack=plan.stack,
                    region=plan.region,
                    domain=plan.endpoint.domain,
                    allowed_cidrs=plan.endpoint.allowed_cidrs,
                    labels=plan.labels,
                ),
                after(namespace),
            )
        )

    endpoints: dict[str, pulumi.Output[str]] = {}
    for graph in plan.graphs:
        deployment = graph_builder.build(graph, plan.labels)
        identity = RuntimeIdentity(
            f"{graph.name}-identity",
            RuntimeIdentityArgs(namespace=plan.namespace, graph=graph.name, labels=plan.labels),
            after(namespace),
        )
        served = ServingGraph(
            graph.name,
            ServingGraphArgs(graph=deployment),
            after(*platform, namespace, policies, identity, *token, *claims, *fetched, *pools),
        )
        verification = Verification(
            f"{graph.name}-proof",
            VerificationArgs(graph=graph, graph_manifest=deployment.to_wire(), labels=plan.labels),
            after(served),
        )
        endpoint = Endpoint(
            f"{graph.name}-endpoint",
            EndpointArgs(
                project=plan.project,
                namespace=plan.namespace,
                graph=graph.name,
                settings=plan.endpoint,
                stack=plan.stack,
                region=plan.region,
                subnet_id=environment.cluster.subnet_id,
                labels=plan.labels,
            ),
            after(verification, *public),
        )
        for worker in graph.workers:
            if worker.autoscaled:
                RoleAutoscaler(
                    f"{graph.name}-{worker.role}",
                    RoleAutoscalerArgs(
                        namespace=plan.namespace,
                        graph=graph.name,
                        role=worker.role,
                        least=worker.replicas,
                        most=worker.most_replicas,
                        signals=graph.runs.metrics.scaling[worker.role],
                        metrics_port=graph.runs.ports.metrics,
                        labels=plan.labels,
                    ),
                    after(served),
                )
        endpoints[graph.name] = pulumi.Output.all(endpoint.url, verification.job.urn).apply(lambda known: known[0])
    return Serving(endpoints=endpoints, dns_records=public[0].dns_records if public else None)
