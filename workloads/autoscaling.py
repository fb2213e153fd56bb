"""Each role scales on its own: an autoscaler for each, on the metric that its phase is short of."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from catalog.contracts import Role
from manifests import dgd
from planning import names
from workloads.custom_object import custom_object

# The port on which the operator has every worker serve its metrics.
METRICS_PORT = 9090


@dataclass(frozen=True, kw_only=True)
class Signal:
    """A gauge of vLLM's, and the mean over a role's engines that the autoscaler keeps to."""

    name: str
    gauge: str
    target: str
    """A Kubernetes quantity: `700m` is 0.7."""


# Where to begin, not measured on H200. Prompts that wait are what prefill is short of; blocks of the KV cache are what
# decode is short of, and at nine tenths it begins to preempt.
QUEUE = Signal(name="queued-requests", gauge="vllm:num_requests_waiting", target="4")
KV_CACHE = Signal(name="kv-cache-use", gauge="vllm:kv_cache_usage_perc", target="700m")
SIGNALS: dict[Role, tuple[Signal, ...]] = {
    Role.PREFILL: (QUEUE,),
    Role.DECODE: (KV_CACHE,),
    Role.WORKER: (QUEUE, KV_CACHE),
}


@dataclass(frozen=True, kw_only=True)
class RoleAutoscalerArgs:
    namespace: str
    graph: str
    role: Role
    least: int
    most: int
    labels: dict[str, str]


def metric_spec(graph: str, role: Role) -> dict[str, Any]:
    """An AutoscalingMetric's: read from the pods, without a detour by way of Cloud Monitoring.

    In preview with Google, from GKE 1.35.1-gke.1396000; unverified with pods of this operator.
    """
    return {
        "metrics": [
            {
                "pod": {
                    "selector": {
                        "matchLabels": {
                            "nvidia.com/dynamo-graph-deployment-name": graph,
                            "nvidia.com/dynamo-component-type": role.value,
                        }
                    },
                    "containers": [
                        {
                            "endpoint": {"port": METRICS_PORT, "path": "/metrics"},
                            "metrics": [
                                {"gauge": {"name": signal.name, "prometheusMetricName": signal.gauge}}
                                for signal in SIGNALS[role]
                            ],
                        }
                    ],
                }
            }
        ]
    }


class RoleAutoscaler(pulumi.ComponentResource):
    """Scales the operator's adapter, never the pods: the operator would set their number back."""

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
                "spec": metric_spec(args.graph, args.role),
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
                min_replicas=args.least,
                max_replicas=args.most,
                metrics=[_target(target, signal) for signal in SIGNALS[args.role]],
                behavior=k8s.autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                    # An engine takes minutes to load: one at a time, and not taken away for a short lull.
                    scale_up=_one_per(300),
                    scale_down=_one_per(600, stabilization=900),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[metric]),
        )
        self.register_outputs({})


def _target(metric: str, signal: Signal) -> k8s.autoscaling.v2.MetricSpecArgs:
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
