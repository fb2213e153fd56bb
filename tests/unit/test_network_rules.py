"""The reader of NetworkPolicies that judges ours: Kubernetes's rules, one by one."""

from typing import Any

import pytest

from tests.network_rules import Outside, Peer, Pod, applies, reaches, selects

WEB = Pod({"app": "web"}, ports={"http": 8080})
FRIEND = Pod({"app": "friend"})
ABROAD = Pod({"app": "friend"}, "abroad", (("team", "a"),))
MACHINE, EXCEPTED = Outside("10.1.2.3"), Outside("10.9.0.1")


def policy(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A policy for WEB with ingress rules."""
    chosen = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    return {"metadata": {"namespace": "dynamo"}, "spec": {**chosen, **({"ingress": rules} if rules else {}), **spec}}


def ingress(*peers: dict[str, Any], **ports: Any) -> dict[str, Any]:
    return policy({"from": list(peers), "ports": [ports]} if ports else {"from": list(peers)})


FRIENDS = {"podSelector": {"matchLabels": {"app": "friend"}}}
ALL = [FRIEND, ABROAD, MACHINE, EXCEPTED]


@pytest.mark.parametrize(
    ("rules", "let_in"),
    [
        (policy(), []),
        (policy({}), ALL),
        (policy(policyTypes=["Egress"]), ALL),
        (policy(policyTypes=None), []),
        (ingress(FRIENDS), [FRIEND]),
        (ingress({"podSelector": {}}), [FRIEND]),
        (ingress({"namespaceSelector": {}}), [FRIEND, ABROAD]),
        (ingress({"namespaceSelector": {"matchLabels": {"team": "a"}}, **FRIENDS}), [ABROAD]),
        (ingress({"namespaceSelector": {"matchLabels": {"team": "a"}}}, FRIENDS), [FRIEND, ABROAD]),
        (ingress({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "abroad"}}}), [ABROAD]),
        (ingress({"ipBlock": {"cidr": "10.0.0.0/8"}}), [MACHINE, EXCEPTED]),
        (ingress({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.9.0.0/16"]}}), [MACHINE]),
    ],
)
def test_who_is_let_in(rules: dict[str, Any], let_in: list[Peer]) -> None:
    assert [peer for peer in ALL if reaches(peer, WEB, 8080, [rules])] == let_in


@pytest.mark.parametrize(
    ("ports", "open_ports"),
    [
        ({"protocol": "TCP"}, [8080, 8081, 9000]),
        ({"protocol": "UDP", "port": 8080}, []),
        ({"port": 8080}, [8080]),
        ({"port": 8080, "endPort": 8081}, [8080, 8081]),
        ({"port": "http"}, [8080]),
        ({"port": "metrics"}, []),
    ],
)
def test_which_ports_are_open(ports: dict[str, Any], open_ports: list[int]) -> None:
    rules = [ingress(FRIENDS, **ports)]
    assert [port for port in (8080, 8081, 9000) if reaches(FRIEND, WEB, port, rules)] == open_ports


def test_policies_add_up_and_select_in_their_namespace_only() -> None:
    assert reaches(FRIEND, WEB, 8080, [policy(), ingress(FRIENDS)])
    elsewhere = {**policy(), "metadata": {"namespace": "abroad"}}
    assert not applies(elsewhere, WEB)
    assert reaches(MACHINE, WEB, 8080, [elsewhere])


def test_what_leaves_a_pod_is_closed_by_policies_for_egress_only() -> None:
    closed = policy(policyTypes=["Egress"])
    assert not reaches(WEB, FRIEND, 8080, [closed])
    assert reaches(FRIEND, WEB, 8080, [closed])
    to_machines = policy(policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])
    assert reaches(WEB, MACHINE, 443, [to_machines])
    assert not reaches(WEB, FRIEND, 443, [to_machines])


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ({"operator": "In", "values": ["a", "b"]}, ["a"]),
        ({"operator": "NotIn", "values": ["a"]}, ["c", None]),
        ({"operator": "Exists"}, ["a", "c"]),
        ({"operator": "DoesNotExist"}, [None]),
    ],
)
def test_expressions_select_by_label(expression: dict[str, Any], chosen: list[str | None]) -> None:
    selector = {"matchExpressions": [{"key": "team", **expression}]}
    labels = {value: {"team": value} if value else {} for value in ("a", "c", None)}
    assert [value for value, has in labels.items() if selects(selector, has)] == chosen
