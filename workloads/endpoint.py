"""The address at which clients reach a graph's frontend."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi_gcp import compute

from manifests import ports
from manifests.placement import frontend_labels
from planning import names
from planning.surroundings import Endpoint as PlannedEndpoint
from planning.surroundings import Gateway, InCluster, Internal
from planning.waits import Wait
from workloads import gateway
from workloads.custom_object import child_object


@dataclass(frozen=True, kw_only=True)
class EndpointArgs:
    project: str
    namespace: str
    graph: str
    endpoint: PlannedEndpoint
    stack: str
    region: str
    subnet_id: pulumi.Input[str] | None
    """The subnet of the internal address; None if unknown, then the cluster assigns an address that may change."""
    address_wait: Wait
    labels: dict[str, str]


class Endpoint(pulumi.ComponentResource):
    """Endpoint of one graph. It must depend on the graph, so that `url` is known only once the graph is Ready.

    `InCluster` gives the name inside the cluster, `Internal` a fixed address of the node subnet, `Gateway` a name under
    the stack's public gateway, which must exist.
    """

    url: pulumi.Output[str]

    def __init__(self, name: str, args: EndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:Endpoint", name, None, opts)
        match args.endpoint:
            case InCluster():
                service = names.frontend_service(args.graph)
                self.url = pulumi.Output.from_input(
                    f"http://{service}.{args.namespace}.svc.cluster.local:{ports.FRONTEND}"
                )
            case Internal(global_access=global_access):
                self.url = self._internal(name, args, global_access=global_access)
            case Gateway() as planned:
                self.url = self._routed(name, args, planned)
        self.register_outputs({"url": self.url})

    def _internal(self, name: str, args: EndpointArgs, *, global_access: bool) -> pulumi.Output[str]:
        """An internal passthrough load balancer, because the operator's Service has a fixed type and no address."""
        address = None
        if args.subnet_id is not None:
            address = compute.Address(
                f"{name}-address",
                project=args.project,
                name=names.endpoint_address(args.stack, args.graph),
                region=args.region,
                address_type="INTERNAL",
                subnetwork=args.subnet_id,
                labels=args.labels,
                opts=pulumi.ResourceOptions(
                    parent=self, custom_timeouts=pulumi.CustomTimeouts(**asdict(args.address_wait))
                ),
            )
        annotations = {"networking.gke.io/load-balancer-type": "Internal"}
        if global_access:
            annotations["networking.gke.io/internal-load-balancer-allow-global-access"] = "true"
        if address:  # by name, not by address
            named = names.endpoint_address(args.stack, args.graph)
            annotations["networking.gke.io/load-balancer-ip-addresses"] = named
        service = k8s.core.v1.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=names.endpoint_service(args.graph),
                namespace=args.namespace,
                labels=args.labels,
                annotations=annotations,
            ),
            spec=k8s.core.v1.ServiceSpecArgs(
                type="LoadBalancer",
                external_traffic_policy="Local",
                selector=frontend_labels(args.graph),
                ports=[k8s.core.v1.ServicePortArgs(name="http", port=80, target_port=ports.FRONTEND)],
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[address] if address else []),
        )
        return pulumi.Output.concat(
            "http://", address.address if address else service.status.load_balancer.ingress[0].ip
        )

    def _routed(self, name: str, args: EndpointArgs, planned: Gateway) -> pulumi.Output[str]:
        """A route of the public gateway, with settings for long streams that Google's defaults lack."""
        host, service = f"{args.graph}.{planned.domain}", names.frontend_service(args.graph)
        public = names.gateway(args.stack)

        def custom(
            suffix: str, api_version: str, kind: str, spec: dict[str, Any], after: Sequence[pulumi.Resource] = ()
        ) -> pulumi.Resource:
            metadata = {"name": args.graph, "namespace": args.namespace, "labels": args.labels}
            manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
            return child_object(self, f"{name}-{suffix}", manifest, *after)

        guard = custom(
            "backend", "networking.gke.io/v1", "GCPBackendPolicy", gateway.backend_policy_spec(planned, service, public)
        )
        health = custom(
            "health", "networking.gke.io/v1", "HealthCheckPolicy", gateway.health_check_spec(planned.health, service)
        )
        # Google creates the backend with the route. A policy created later would leave it open to everyone until then;
        # on destroy the route is deleted first.
        route = gateway.route_spec(public, host, service, ports.FRONTEND)
        custom("route", "gateway.networking.k8s.io/v1", "HTTPRoute", route, after=[guard, health])
        return pulumi.Output.from_input(f"https://{host}")
