"""Where clients reach a graph's frontend."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi_gcp import compute

from spec import names
from spec.settings import Exposure

FRONTEND_PORT = 8000


@dataclass(frozen=True, kw_only=True)
class EndpointArgs:
    graph: str
    exposure: Exposure
    stack: str
    region: str
    subnet_id: pulumi.Input[str]
    labels: dict[str, str]


class Endpoint(pulumi.ComponentResource):
    """`url` is known only once the graph is Ready, when it depends on the graph; a Service would be there long before.

    Exposure `none` gives the name inside the cluster, `internal` an address of the node subnet that stays.
    """

    url: pulumi.Output[str]

    def __init__(self, name: str, args: EndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:Endpoint", name, None, opts)
        service = names.frontend_service(args.graph)
        if args.exposure is Exposure.NONE:
            self.url = pulumi.Output.from_input(f"http://{service}.{names.NAMESPACE}.svc.cluster.local:{FRONTEND_PORT}")
        else:
            self.url = self._internal(name, args)
        self.register_outputs({"url": self.url})

    def _internal(self, name: str, args: EndpointArgs) -> pulumi.Output[str]:
        """An internal passthrough load balancer. The operator's own Service cannot be given a type or address."""
        address_name = names.endpoint_address(args.stack, args.graph)
        address = compute.Address(
            f"{name}-address",
            name=address_name,
            region=args.region,
            address_type="INTERNAL",
            subnetwork=args.subnet_id,
            labels=args.labels,
            opts=pulumi.ResourceOptions(parent=self),
        )
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=names.endpoint_service(args.graph),
                namespace=names.NAMESPACE,
                labels=args.labels,
                annotations={
                    "networking.gke.io/load-balancer-type": "Internal",
                    "networking.gke.io/load-balancer-ip-addresses": address_name,  # by name, not by address
                },
            ),
            spec=k8s.core.v1.ServiceSpecArgs(
                type="LoadBalancer",
                external_traffic_policy="Local",
                selector={
                    "nvidia.com/dynamo-graph-deployment-name": args.graph,
                    "nvidia.com/dynamo-component-type": "frontend",
                },
                ports=[k8s.core.v1.ServicePortArgs(name="http", port=80, target_port=FRONTEND_PORT)],
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[address]),
        )
        return pulumi.Output.concat("http://", address.address)
