"""The endpoint's load balancer, which gets its address last."""

from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import name, part, parts
from ops.diagnosis.view import View
from planning import names


def unaddressed(view: View) -> Iterator[Finding]:
    """The load balancer's Service while it has no address. A missing Service is no finding: it is created last."""
    wanted = names.endpoint_service(view.graph.name)
    for service in view.snapshot.services:
        balanced = part(service, "spec", "type") == "LoadBalancer"
        if name(service) != wanted or not balanced or parts(service, "status", "loadBalancer", "ingress"):
            continue
        failures = view.snapshot.events_of("Service", wanted, "SyncLoadBalancerFailed")
        says = (
            f"Google Cloud refuses one: {failures[-1].get('message')}"
            if failures
            else "Google Cloud needs minutes to assign one; wait"
        )
        age = view.snapshot.age(part(service, "metadata", "creationTimestamp"))
        yield view.finding(
            Cause.ENDPOINT,
            f"the load balancer of the endpoint has no address {age} after its Service was created; {says}",
            f"service/{wanted}",
        )
