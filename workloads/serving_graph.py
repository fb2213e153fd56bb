"""One model's DynamoGraphDeployment."""

from dataclasses import asdict, dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from manifests import dgd
from manifests.placement import frontend_labels
from planning.waits import Waits
from workloads.custom_object import custom_object


@dataclass(frozen=True, kw_only=True)
class ServingGraphArgs:
    graph: dgd.DynamoGraphDeployment
    min_available_frontends: int | None
    """What a node drain must leave; None for no PodDisruptionBudget."""
    waits: Waits


def manifest(graph: dgd.DynamoGraphDeployment, ready_seconds: int) -> dict[str, Any]:
    """The manifest with the annotation that makes Pulumi wait, because it does not wait for custom resources."""
    wire = graph.to_wire()
    wire["metadata"]["annotations"] |= {
        "pulumi.com/waitFor": "condition=Ready",
        "pulumi.com/timeoutSeconds": str(ready_seconds),
    }
    return wire


class ServingGraph(pulumi.ComponentResource):
    """The graph: frontend with KV-aware router, prefill and decode workers, as one object that the operator expands.

    Pass in `depends_on` everything that must outlive the graph, above all the operator, which removes its finalizer.
    """

    resource: pulumi.CustomResource

    def __init__(self, name: str, args: ServingGraphArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:ServingGraph", name, None, opts)
        self.resource = custom_object(
            f"{name}-graph",
            manifest(args.graph, args.waits.graph_ready_seconds),
            pulumi.ResourceOptions(
                parent=self,
                custom_timeouts=pulumi.CustomTimeouts(**asdict(args.waits.graph)),
                # A graph that was deployed without this trigger is not replaced when it gets one.
                replacement_trigger=args.graph.fixed,
                delete_before_replace=True,  # the name stays
            ),
        )
        if args.min_available_frontends is not None:
            k8s.policy.v1.PodDisruptionBudget(
                f"{name}-frontends",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=f"{args.graph.metadata.name}-frontends",
                    namespace=args.graph.metadata.namespace,
                    labels=args.graph.metadata.labels,
                ),
                spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
                    min_available=args.min_available_frontends,
                    selector=k8s.meta.v1.LabelSelectorArgs(match_labels=frontend_labels(args.graph.metadata.name)),
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
