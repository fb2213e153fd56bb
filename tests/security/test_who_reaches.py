"""Which peers reach which pods of a stack, by all NetworkPolicies that the program registers."""

from functools import cache
from typing import Any

import pytest

from ops.offline.recorded import Recording
from settings.endpoint import Exposure
from tests.network_rules import Outside, Peer, Pod, reaches
from tests.program.test_security import run
from tests.program.test_stacks import every_stack, of_type
from tests.stacks import recorded
from tests.unit.test_network_policies import (
    ANY,
    API_SERVER,
    BY_EXPOSURE,
    CLIENT,
    COLLECTOR,
    DECODE,
    FETCH,
    FRONTEND,
    FRONTEND_PORT,
    HEALTH_CHECK,
    IMPOSTOR,
    IN_VPC,
    INTERNET,
    NIXL,
    NOT_API_SERVER,
    NOT_CLIENT,
    OF_GKE,
    ON_PREMISES,
    OPERATOR,
    OTHER_DECODE,
    PREFILL,
    PROXY,
    STRANGER,
    SYSTEM,
    VERIFICATION,
    WEBHOOK,
)

PUBLIC = ("endpoint.domain=llm.example.com", "endpoint.allowedCidrs[0]=203.0.113.0/24")
METRICS = (FRONTEND_PORT, SYSTEM, NIXL)
OTHER_COLLECTOR = Pod({"app": "collector"}, "gke-gmp-system")
FROM_CLUSTER: tuple[tuple[Peer, Pod, tuple[int, ...]], ...] = (
    *((peer, worker, ANY) for peer in (FRONTEND, PREFILL, DECODE) for worker in (PREFILL, DECODE)),
    *((peer, pod, METRICS) for peer in (VERIFICATION, COLLECTOR, OTHER_COLLECTOR) for pod in (FRONTEND, DECODE)),
    (CLIENT, FRONTEND, (FRONTEND_PORT,)),
    (API_SERVER, FRONTEND, (FRONTEND_PORT,)),
    *((peer, DECODE, ()) for peer in (CLIENT, API_SERVER)),
    *((peer, pod, ()) for peer in (STRANGER, IMPOSTOR, NOT_CLIENT, NOT_API_SERVER, OF_GKE, OPERATOR, OTHER_DECODE)
      for pod in (FRONTEND, PREFILL, DECODE)),
    *((peer, pod, ()) for peer in (STRANGER, CLIENT, API_SERVER, COLLECTOR, DECODE) for pod in (FETCH, VERIFICATION)),
)  # fmt: skip
OUTSIDE = (IN_VPC, ON_PREMISES, PROXY, HEALTH_CHECK, INTERNET)
TO_OPERATOR: tuple[tuple[Peer, tuple[int, ...]], ...] = (
    *((peer, (WEBHOOK,)) for peer in (IN_VPC, ON_PREMISES, PROXY, API_SERVER, OF_GKE)),
    *((peer, ()) for peer in (HEALTH_CHECK, INTERNET, STRANGER, CLIENT, DECODE, COLLECTOR, OPERATOR)),
)


def policies(recording: Recording) -> list[dict[str, Any]]:
    return [resource.inputs for resource in of_type(recording, ":NetworkPolicy")]


@cache
def registered(exposure: Exposure) -> list[dict[str, Any]]:
    return policies(run(f"endpoint.exposure={exposure}", *(PUBLIC if exposure is Exposure.GATEWAY else ())))


def open_to(peer: Peer, pod: Pod, found: list[dict[str, Any]]) -> tuple[int, ...]:
    return tuple(port for port in ANY if reaches(peer, pod, port, found))


@every_stack
def test_who_in_the_cluster_reaches_a_graph(stack: str) -> None:
    found = policies(recorded(stack))
    # Simulated workers have no NIXL, so no collector reads its metrics.
    simulated: dict[tuple[int, ...], tuple[int, ...]] = {}
    if stack == "dev":
        simulated[METRICS] = (FRONTEND_PORT, SYSTEM)
    compared = [
        (peer, pod, open_to(peer, pod, found), simulated.get(ports, ports)) for peer, pod, ports in FROM_CLUSTER
    ]
    assert [(peer, pod) for peer, pod, is_open, wanted in compared if is_open != wanted] == []


@pytest.mark.parametrize("exposure", Exposure)
def test_who_outside_reaches_a_graph(exposure: Exposure) -> None:
    found = registered(exposure)
    wanted: dict[Outside, tuple[int, ...]] = {INTERNET: (), **dict(BY_EXPOSURE[exposure])}
    assert {peer: open_to(peer, FRONTEND, found) for peer in OUTSIDE} == wanted
    assert [
        (peer, pod) for peer in OUTSIDE for pod in (PREFILL, DECODE, VERIFICATION) if open_to(peer, pod, found)
    ] == []


@pytest.mark.parametrize("exposure", Exposure)
def test_who_in_the_cluster_reaches_a_graph_is_the_same_whatever_the_exposure(exposure: Exposure) -> None:
    found = registered(exposure)
    assert [(peer, pod) for peer, pod, ports in FROM_CLUSTER if open_to(peer, pod, found) != ports] == []


@every_stack
def test_who_reaches_the_operator(stack: str) -> None:
    found = policies(recorded(stack))
    assert [peer for peer, ports in TO_OPERATOR if open_to(peer, OPERATOR, found) != ports] == []
