"""The table of docs/access.md against the policies that the program makes, for pods with the operator's labels."""

import pytest

from settings.endpoint import Exposure
from tests.access_table import GRAPH_PODS, PORTS, connections
from tests.network_rules import Peer, Pod, reaches
from tests.unit import test_network_policies as made_up

PEERS: dict[str, Peer] = {
    "frontend": made_up.FRONTEND,
    "prefill": made_up.PREFILL,
    "decode": made_up.DECODE,
    "verification": made_up.VERIFICATION,
    "pod of gmp-system": made_up.COLLECTOR,
    "pod of gke-gmp-system": Pod(made_up.COLLECTOR.labels, "gke-gmp-system"),
    "client": made_up.CLIENT,
    "konnectivity-agent": made_up.API_SERVER,
    "machine of the VPC": made_up.IN_VPC,
    "machine on premises": made_up.ON_PREMISES,
    "proxy": made_up.PROXY,
    "health check": made_up.HEALTH_CHECK,
    "internet": made_up.INTERNET,
    "stranger": made_up.STRANGER,
    "impostor": made_up.IMPOSTOR,
    "other graph's decode": made_up.OTHER_DECODE,
}
TARGETS = {role: PEERS[role] for role in GRAPH_PODS}


@pytest.mark.parametrize("exposure", Exposure)
def test_the_documentation_says_what_the_policies_do(exposure: Exposure) -> None:
    rules = made_up.policies(exposure)
    found = {
        (who, whom, port)
        for who, peer in PEERS.items()
        for whom, target in TARGETS.items()
        for port in PORTS
        if reaches(peer, target, port, rules)
    }
    assert found == connections(exposure)


def test_each_exposure_is_another_table() -> None:
    tables = [connections(exposure) for exposure in Exposure]
    assert all(one != other for one in tables for other in tables if one is not other)
    assert all(("decode", "prefill", 41234) in table for table in tables)
