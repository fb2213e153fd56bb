"""The Dynamo platform: the operator and its CRDs, from NVIDIA's chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from manifests.labels import NODE_POOL
from manifests.pod_security import namespace_labels
from planning import names
from planning.platform import OperatorInstall
from workloads.custom_object import custom_object
from workloads.network_policies import operator_clients

# Labels that the chart puts on the operator's pods.
_OPERATOR = {"app.kubernetes.io/name": "dynamo-operator", "control-plane": "controller-manager"}


@dataclass(frozen=True, kw_only=True)
class DynamoPlatformArgs:
    namespace: str
    chart: str
    version: str
    """Version of the chart, and so of the operator."""
    install: OperatorInstall
    system_pool: str | None
    """The operator's node pool; None allows any node."""
    client_ranges: Sequence[str]
    """Addresses from which the control plane may call the webhook."""
    labels: dict[str, str]


def chart_values(install: OperatorInstall, system_pool: str | None) -> dict[str, Any]:
    """The chart values that differ from its defaults.

    etcd and NATS are off: discovery uses the Kubernetes API, requests use TCP, events use ZMQ. Grove and KAI are off:
    they place engines that span nodes, but here no engine does, so plain Deployments are enough.
    """
    return {
        "global": {part: {"install": False} for part in ("etcd", "nats", "grove", "kai-scheduler", "snapshot")},
        "dynamo-operator": {
            "controllerManager": {"replicas": install.replicas, "affinity": _affinity(system_pool)},
            # Managed Prometheus reads only PodMonitoring, so PodMonitors would have no effect.
            "dynamo": {"metrics": {"podMonitors": {"enabled": False}}},
        },
    }


def _affinity(system_pool: str | None) -> dict[str, Any]:
    """Affinity that spreads the replicas over nodes, so that no drain stops both; preferred without a system pool."""
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
    """The cluster's one operator. Its pod applies the CRDs, so every object of Dynamo's kinds must depend on `release`.

    The chart uses hooks and cluster lookups, so it is a Release and not rendered objects. It must outlive the graphs:
    without the operator their finalizers are never removed, and the namespace hangs.
    """

    release: k8s.helm.v3.Release

    def __init__(self, name: str, args: DynamoPlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:DynamoPlatform", name, None, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.namespace,
                labels={
                    **args.labels,
                    **namespace_labels(enforce=args.install.pod_security, warn=args.install.pod_security_warning),
                },
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
            values=chart_values(args.install, args.system_pool),
            # A failed install leaves nothing, so that the next update does not find a half-installed release.
            atomic=True,
            cleanup_on_fail=True,
            timeout=args.install.timeout_seconds,
            max_history=args.install.kept_revisions,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace, fence]),
        )
        self.register_outputs({})
