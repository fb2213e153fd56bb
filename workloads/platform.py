"""The Dynamo platform: the operator and its CRDs, from NVIDIA's chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from manifests.labels import NODE_POOL
from manifests.pod_security import namespace_labels
from planning import names
from workloads.custom_object import custom_object
from workloads.network_policies import operator_clients

# Labels that the chart puts on the operator's pods.
_OPERATOR = {"app.kubernetes.io/name": "dynamo-operator", "control-plane": "controller-manager"}


@dataclass(frozen=True, kw_only=True)
class DynamoPlatformArgs:
    namespace: str
    chart: str
    version: str
    """Of the chart, and so of the operator."""
    system_pool: str | None
    """Where the operator runs; None: on any node that takes it."""
    client_ranges: Sequence[str]
    """Addresses that the control plane may call the webhook from."""
    labels: dict[str, str]


def chart_values(system_pool: str | None) -> dict[str, Any]:
    """What is set beside the chart's defaults.

    etcd and NATS stay off: discovery goes by the Kubernetes API, requests by TCP, events by ZMQ. Grove and KAI stay
    off: they place engines that span nodes, and here an engine never does, so plain Deployments are enough.
    """
    return {
        "global": {part: {"install": False} for part in ("etcd", "nats", "grove", "kai-scheduler", "snapshot")},
        "dynamo-operator": {
            # Its webhook refuses every write of a graph while no replica answers. One leads, each answers the webhook.
            # With more than one, the chart brings a PodDisruptionBudget; a second one over the same pods, ours, would
            # have every eviction refused. That the pinned version of the chart has it already is unverified.
            "controllerManager": {"replicas": 2, "affinity": _affinity(system_pool)},
            # Managed Prometheus reads PodMonitoring only; PodMonitors would be written for nobody.
            "dynamo": {"metrics": {"podMonitors": {"enabled": False}}},
        },
    }


def _affinity(system_pool: str | None) -> dict[str, Any]:
    """On the system pool and on a node each: no drain of one node takes both. Elsewhere on a node each if possible."""
    others = {"labelSelector": {"matchLabels": _OPERATOR}, "topologyKey": "kubernetes.io/hostname"}
    if not system_pool:
        preferred = [{"weight": 100, "podAffinityTerm": others}]
        return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    on_pool = {"key": NODE_POOL, "operator": "In", "values": [system_pool]}
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [on_pool]}]}
        },
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [others]},  # the pool has two nodes
    }


class DynamoPlatform(pulumi.ComponentResource):
    """One operator for the cluster. Its pod applies the CRDs, so whatever is of Dynamo's kinds depends on `release`.

    A Release and not rendered objects: the chart works by hooks and looks things up in the cluster. It outlives the
    graphs: without the operator their finalizers are never taken off, and the namespace hangs.
    """

    release: k8s.helm.v3.Release

    def __init__(self, name: str, args: DynamoPlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:DynamoPlatform", name, None, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.namespace,
                # The chart drops every capability and forbids root. That all its pods also set a seccomp profile, which
                # `restricted` demands, is unverified, so it only warns.
                labels={**args.labels, **namespace_labels(enforce="baseline", warn="restricted")},
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        fence = custom_object(
            f"{name}-network-policy",
            operator_clients(args.namespace, args.client_ranges, args.labels),
            pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
        )
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            name=names.PLATFORM_RELEASE,
            chart=args.chart,
            version=args.version,
            namespace=args.namespace,
            create_namespace=False,
            values=chart_values(args.system_pool),
            # A failed install leaves nothing, so that the next update does not meet a release stuck half-way.
            atomic=True,
            cleanup_on_fail=True,
            timeout=900,
            max_history=5,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace, fence]),
        )
        self.register_outputs({})
