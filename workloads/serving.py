"""Plan → the graphs of a stack, each verified before its endpoint is published."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from manifests import graph as graph_builder
from planning.surroundings import Gateway
from planning.types import Graph, Plan
from workloads.autoscaling import RoleAutoscaler, RoleAutoscalerArgs
from workloads.cluster_setup import ClusterSetup
from workloads.endpoint import Endpoint, EndpointArgs
from workloads.foundation import Foundation
from workloads.gateway import PublicGateway, PublicGatewayArgs
from workloads.runtime_identity import RuntimeIdentity, RuntimeIdentityArgs
from workloads.serving_graph import ServingGraph, ServingGraphArgs
from workloads.verification import Verification, VerificationArgs


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The outputs of a stack's serving side."""

    endpoints: dict[str, pulumi.Output[str]]
    """Graph → URL, which is known only once the graph is verified."""
    dns_records: pulumi.Output[list[dict[str, str]]] | None
    """The DNS records to create for a public gateway; None without one."""


def build(plan: Plan, foundation: Foundation, setup: ClusterSetup, gpu_nodes: Sequence[pulumi.Resource]) -> Serving:
    """Creates the gateway, if any, and every graph once its nodes exist."""
    gateway = _gateway(plan, setup)
    public = [gateway] if gateway else []
    return Serving(
        endpoints={graph.name: _serve(graph, plan, foundation, setup, gpu_nodes, public) for graph in plan.graphs},
        dns_records=gateway.dns_records if gateway else None,
    )


def _gateway(plan: Plan, setup: ClusterSetup) -> PublicGateway | None:
    if not isinstance(plan.endpoint, Gateway):
        return None
    args = PublicGatewayArgs(
        project=plan.project,
        namespace=plan.namespace,
        stack=plan.stack,
        region=plan.region,
        domain=plan.endpoint.domain,
        allowed_cidrs=plan.endpoint.allowed_cidrs,
        labels=plan.labels,
    )
    return PublicGateway(setup.scope.name("gateway"), args, setup.after(setup.namespace))


def _serve(
    graph: Graph,
    plan: Plan,
    foundation: Foundation,
    setup: ClusterSetup,
    gpu_nodes: Sequence[pulumi.Resource],
    public: Sequence[pulumi.Resource],
) -> pulumi.Output[str]:
    """Creates one graph and its components. Returns its URL, which is known only once the graph is verified."""
    deployment = graph_builder.build(graph, plan.labels)
    name = setup.scope.name(graph.name)
    identity = RuntimeIdentity(
        f"{name}-identity",
        RuntimeIdentityArgs(namespace=plan.namespace, graph=graph.name, labels=plan.labels),
        setup.after(setup.namespace),
    )
    needed = (
        *setup.platform,
        setup.namespace,
        setup.policies,
        identity,
        *setup.token,
        *setup.nics,
        *setup.weights,
        *gpu_nodes,
    )
    served = ServingGraph(
        name,
        ServingGraphArgs(graph=deployment, min_available_frontends=graph.frontend.min_available, waits=plan.waits),
        setup.after(*needed),
    )
    verification = Verification(
        f"{name}-proof",
        VerificationArgs(
            graph=graph, graph_manifest=deployment.to_wire(), wait=plan.waits.verification, labels=plan.labels
        ),
        setup.after(served),
    )
    endpoint = Endpoint(
        f"{name}-endpoint",
        EndpointArgs(
            project=plan.project,
            namespace=plan.namespace,
            graph=graph.name,
            endpoint=plan.endpoint,
            stack=plan.stack,
            region=plan.region,
            subnet_id=foundation.cluster.subnet_id,
            address_wait=plan.waits.address,
            labels=plan.labels,
        ),
        setup.after(verification, *public),
    )
    for worker in graph.workers:
        if worker.autoscaling:
            RoleAutoscaler(
                f"{name}-{worker.role}",
                RoleAutoscalerArgs(
                    namespace=plan.namespace,
                    graph=graph.name,
                    role=worker.role,
                    scaling=worker.autoscaling,
                    labels=plan.labels,
                ),
                setup.after(served),
            )
    return pulumi.Output.all(endpoint.url, verification.job.urn).apply(lambda known: known[0])
