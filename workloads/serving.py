"""Plan → what runs in the cluster: set-up that is done once, then one graph a model on top of it."""

import pulumi

from infra.environment import Environment
from spec import graph as graph_builder
from spec import names
from spec.plan import Plan
from workloads.endpoint import Endpoint, EndpointArgs
from workloads.namespace import WorkloadNamespace, WorkloadNamespaceArgs
from workloads.platform import DynamoPlatform, DynamoPlatformArgs
from workloads.provider import ClusterAccess, ClusterAccessArgs
from workloads.rdma_claims import RdmaClaims, RdmaClaimsArgs
from workloads.serving_graph import ServingGraph, ServingGraphArgs
from workloads.weights import Weights, WeightsArgs


def build(plan: Plan, environment: Environment, hf_token: pulumi.Output[str] | None) -> dict[str, pulumi.Output[str]]:
    """Creates the components; returns the URL of each graph, known when the graph is Ready."""
    access = ClusterAccess(
        "access",
        ClusterAccessArgs(
            cluster_identifier=names.cluster_identifier(plan.project, plan.region, plan.stack),
            dns_endpoint=environment.cluster.dns_endpoint,
        ),
    )

    def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(providers=[access.provider, environment.provider], depends_on=list(resources))

    platform = DynamoPlatform(
        "platform",
        DynamoPlatformArgs(system_pool=plan.system_pool.name, labels=plan.labels),
        after(environment.system_pool),
    )
    gated = any(graph.card.gated for graph in plan.graphs)
    namespace = WorkloadNamespace(
        "workloads",
        WorkloadNamespaceArgs(hf_token=hf_token if gated else None, labels=plan.labels),
        after(environment.cluster),
    )
    claims: list[pulumi.Resource] = []
    sizes = sorted({worker.tensor_parallel for graph in plan.graphs if graph.rdma for worker in graph.workers})
    if sizes:
        claims.append(RdmaClaims("claims", RdmaClaimsArgs(nics=sizes, labels=plan.labels), after(namespace)))

    fetched: list[pulumi.Resource] = []
    if plan.fetched:
        weights = WeightsArgs(
            project=plan.project,
            bucket=names.weights_bucket(plan.project, plan.stack),
            cards=plan.fetched,
            graphs=[graph.name for graph in plan.graphs if graph.reads_bucket],
            system_pool=plan.system_pool.name,
            labels=plan.labels,
        )
        fetched.append(
            Weights("model-weights", weights, after(namespace, environment.weights, environment.system_pool))
        )

    endpoints: dict[str, pulumi.Output[str]] = {}
    for graph in plan.graphs:
        served = ServingGraph(
            graph.name,
            ServingGraphArgs(graph=graph_builder.build(graph, plan.labels)),
            after(platform, namespace, *claims, *fetched, *environment.gpu_pools),
        )
        endpoint = Endpoint(
            f"{graph.name}-endpoint",
            EndpointArgs(
                graph=graph.name,
                exposure=plan.exposure,
                stack=plan.stack,
                region=plan.region,
                subnet_id=environment.subnet_id,
                labels=plan.labels,
            ),
            after(served),
        )
        endpoints[graph.name] = pulumi.Output.all(endpoint.url, served.resource.urn).apply(lambda known: known[0])
    return endpoints
