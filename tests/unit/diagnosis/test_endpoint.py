"""The load balancer's address."""

from dataclasses import replace
from typing import Any

import pytest

from ops.diagnosis import Cause, Snapshot
from tests import clusters as c
from tests.unit.diagnosis.case import WELL, Case, check


def with_service(ingress: list[dict[str, str]]) -> Snapshot:
    service: dict[str, Any] = {
        "metadata": {"name": "chat-endpoint", "creationTimestamp": c.ago(4)},
        "spec": {"type": "LoadBalancer"},
        "status": {"loadBalancer": {"ingress": ingress} if ingress else {}},
    }
    return replace(WELL, services=(service,))


SERVICE = ("service/chat-endpoint",)

CASES = [
    Case(
        "no address yet",
        with_service([]),
        ((Cause.ENDPOINT, SERVICE),),
        "has no address 4 min after its Service was created; Google Cloud needs minutes",
    ),
    Case(
        "refused",
        c.with_events(
            with_service([]),
            c.event(
                "Service",
                "chat-endpoint",
                "SyncLoadBalancerFailed",
                "Error syncing load balancer: failed to ensure load balancer: googleapi: Error 403: Quota "
                "'FORWARDING_RULES' exceeded. Limit: 15.0 globally., quotaExceeded",
            ),
        ),
        ((Cause.ENDPOINT, SERVICE),),
        "Google Cloud refuses one: Error syncing load balancer: failed to ensure load balancer",
    ),
    Case(
        "an address",
        with_service([{"ip": "10.0.0.9"}]),
        ((Cause.READY, ("dynamographdeployment/chat",)),),
        "all is well",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
