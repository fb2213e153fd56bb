"""One model's DynamoGraphDeployment."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from manifests import dgd
from manifests.placement import frontend_labels
from workloads.custom_object import custom_object

# Image, weights and compiling take about 15 minutes. Longer waits, such as for flex-start capacity, continue after
# Pulumi stops waiting (the operator gives a worker two hours), and the next `pulumi up` waits again.
READY_MINUTES = 70


@dataclass(frozen=True, kw_only=True)
class ServingGraphArgs:
    graph: dgd.DynamoGraphDeployment


def manifest(graph: dgd.DynamoGraphDeployment) -> dict[str, Any]:
    """The manifest with the annotation that makes Pulumi wait, because it does not wait for custom resources."""
    wire = graph.to_wire()
    wire["metadata"]["annotations"] |= {
        "pulumi.com/waitFor": "condition=Ready",
        "pulumi.com/timeoutSeconds": str(READY_MINUTES * 60),
    }
    return wire


class ServingGraph(pulumi.ComponentResource):
    """The graph: frontend with KV-aware router, prefill and decode workers, as one object that the operator expands.

    Pass in `depends_on` everything that must outlive the graph, above all the operator, which removes its finalizer.
    """

    resource: k8s.apiextensions.CustomResource

    def __init__(self, name: str, args: ServingGraphArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:ServingGraph", name, None, opts)
        timeout = f"{READY_MINUTES}m"
        self.resource = custom_object(
            f"{name}-graph",
            manifest(args.graph),
            pulumi.ResourceOptions(
                parent=self,
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete="30m"),
            ),
        )
        frontend = args.graph.spec.components[0]
        if (frontend.replicas or 1) > 1:
            k8s.policy.v1.PodDisruptionBudget(
                f"{name}-frontends",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=f"{args.graph.metadata.name}-frontends",
                    namespace=args.graph.metadata.namespace,
                    labels=args.graph.metadata.labels,
                ),
                spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
                    min_available=1,
                    selector=k8s.meta.v1.LabelSelectorArgs(match_labels=frontend_labels(args.graph.metadata.name)),
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
