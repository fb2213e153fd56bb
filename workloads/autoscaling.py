"""One autoscaler per role, on the metrics of the resource that limits the role's phase."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from catalog.contracts import Role, ScalingSignal
from manifests import dgd
from manifests.labels import COMPONENT_TYPE, GRAPH
from planning import names
from planning.graph_parts import Autoscaling
from workloads.custom_object import custom_object


@dataclass(frozen=True, kw_only=True)
class RoleAutoscalerArgs:
    namespace: str
    graph: str
    role: Role
    scaling: Autoscaling
    labels: dict[str, str]


def metric_spec(graph: str, role: Role, signals: Sequence[ScalingSignal], port: int) -> dict[str, Any]:
    """The spec of an AutoscalingMetric, which GKE reads from the pods directly, without Cloud Monitoring.

    A preview feature of GKE from 1.35.1-gke.1396000; unverified with pods of this operator.
    """
    return {
        "metrics": [
            {
                "pod": {
                    "selector": {
                        "matchLabels": {
                            GRAPH: graph,
                            COMPONENT_TYPE: role.value,
                        }
                    },
                    "containers": [
                        {
                            "endpoint": {"port": port, "path": "/metrics"},
                            "metrics": [
                                {"gauge": {"name": signal.name, "prometheusMetricName": signal.gauge}}
                                for signal in signals
                            ],
                        }
                    ],
                }
            }
        ]
    }


class RoleAutoscaler(pulumi.ComponentResource):
    """Autoscaler of one role. It scales the operator's adapter, because the operator would reset the number of pods."""

    def __init__(self, name: str, args: RoleAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:RoleAutoscaler", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        target = names.scaling_adapter(args.graph, args.role.value)
        metric = custom_object(
            f"{name}-metric",
            {
                "apiVersion": "autoscaling.gke.io/v1beta1",
                "kind": "AutoscalingMetric",
                "metadata": {"name": target, "namespace": args.namespace, "labels": args.labels},
                "spec": metric_spec(args.graph, args.role, args.scaling.signals, args.scaling.metrics_port),
            },
            child,
        )
        k8s.autoscaling.v2.HorizontalPodAutoscaler(
            f"{name}-autoscaler",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=target, namespace=args.namespace, labels=args.labels),
            spec=k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
                scale_target_ref=k8s.autoscaling.v2.CrossVersionObjectReferenceArgs(
                    api_version=dgd.API_VERSION, kind="DynamoGraphDeploymentScalingAdapter", name=target
                ),
                min_replicas=args.scaling.min,
                max_replicas=args.scaling.max,
                metrics=[_target(target, signal) for signal in args.scaling.signals],
                behavior=k8s.autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                    scale_up=_one_per(args.scaling.seconds_per_added_engine),
                    scale_down=_one_per(
                        args.scaling.seconds_per_removed_engine, stabilization=args.scaling.stabilization_seconds
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[metric]),
        )
        self.register_outputs({})


def _target(metric: str, signal: ScalingSignal) -> k8s.autoscaling.v2.MetricSpecArgs:
    return k8s.autoscaling.v2.MetricSpecArgs(
        type="Pods",
        pods=k8s.autoscaling.v2.PodsMetricSourceArgs(
            metric=k8s.autoscaling.v2.MetricIdentifierArgs(name=f"autoscaling.gke.io|{metric}|{signal.name}"),
            target=k8s.autoscaling.v2.MetricTargetArgs(type="AverageValue", average_value=signal.target),
        ),
    )


def _one_per(seconds: int, *, stabilization: int = 0) -> k8s.autoscaling.v2.HPAScalingRulesArgs:
    return k8s.autoscaling.v2.HPAScalingRulesArgs(
        stabilization_window_seconds=stabilization,
        policies=[k8s.autoscaling.v2.HPAScalingPolicyArgs(type="Pods", value=1, period_seconds=seconds)],
    )
