"""Rules on public exposure, with known ways to bypass them."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from ops.offline import policy_config
from ops.offline.recorded import UNKNOWN, Recording, Resource
from ops.offline.verdicts import judge
from tests.policies.mutations import added, changed, independent, judged_by_others, prod, with_gateway, without
from tests.stacks import ROOT

ARMOR = "RegionSecurityPolicy"
ROUTE = ":HTTPRoute"
MATCH = "spec.rules[0].matches"


def armor(path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(with_gateway(), ARMOR, "gateway-clients", path, value)


def rules(edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Callable[[], Recording]:
    """The gateway with the rules of its Cloud Armor policy edited."""

    def mutated() -> Recording:
        (policy,) = [r for r in with_gateway().resources if r.type.endswith(ARMOR)]
        return changed(with_gateway(), ARMOR, "gateway-clients", "rules", edit(deepcopy(policy.inputs["rules"])))

    return mutated


def ranges(*cidrs: str) -> Callable[[], Recording]:
    return armor("rules[0].match.config.srcIpRanges", list(cidrs))


def route(path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(with_gateway(), ROUTE, "chat-endpoint-route", path, value)


def guard(path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(with_gateway(), ":GCPBackendPolicy", "chat-endpoint-backend", path, value)


def gateway(path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(with_gateway(), ":Gateway", "gateway-gateway", path, value)


def at_address(path: str, value: Any) -> Recording:
    return changed(with_gateway(), "gcp:compute/address:Address", "gateway-address", path, value)


def extra(type_: str, inputs: dict[str, Any]) -> Callable[[], Recording]:
    return lambda: added(with_gateway(), type_, inputs)


def allow(priority: int, *cidrs: str, **more: Any) -> dict[str, Any]:
    match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": list(cidrs)}}
    return {"priority": priority, "action": "allow", "match": match, **more}


def expression(priority: int, action: str) -> dict[str, Any]:
    return {"priority": priority, "action": action, "match": {"expr": {"expression": "true"}}}


def second_armor() -> Recording:
    """Two policies that are valid alone, but together let in a /7."""
    (policy,) = [r for r in with_gateway().resources if r.type.endswith(ARMOR)]
    first = ranges("16.0.0.0/8")()
    inputs = {**policy.inputs, "name": "more", "rules": [allow(1000, "17.0.0.0/8"), policy.inputs["rules"][-1]]}
    return added(first, policy.type, inputs)


def after_only(recording: Recording, suffix: str) -> Recording:
    return independent(recording, ROUTE, "chat-endpoint-route", but_for=suffix)


PUBLIC_GATEWAY: list[tuple[str, Callable[[], Recording]]] = [
    # Spellings of the whole internet.
    ("everyone", ranges("0.0.0.0/1", "128.0.0.0/1")),
    ("57 %", ranges("0.0.0.0/1")),
    ("everyone", ranges("2000::/3")),
    ("everyone", ranges("203.0.113.0/24", "::/0")),
    ("stand for IPv4 addresses", ranges("::ffff:0:0/96")),
    ("is not a range of addresses", ranges("0.0.0.0/0.0.0.0")),
    ("everyone", ranges("*")),
    ("everyone", ranges(*(f"{first}.0.0.0/8" for first in range(256)))),
    ("everyone", rules(lambda old: [allow(1, "0.0.0.0/1"), allow(2, "128.0.0.0/1"), *old])),
    ("16.0.0.0/7 opens", second_armor),
    # Rules other than an allow on ranges and a final deny.
    ("has expr", rules(lambda old: [expression(1, "allow"), *old])),
    ("names no source ranges", rules(lambda old: [expression(1, "deny(403)"), *old])),
    ("the action throttle", armor("rules[0].action", "throttle")),
    ("the action rate_based_ban", armor("rules[0].action", "rate_based_ban")),
    ("the action redirect", armor("rules[0].action", "redirect")),
    ("the action None", armor("rules[0].action", None)),
    ("has rateLimitOptions", rules(lambda old: [{**old[0], "rateLimitOptions": {"conformAction": "allow"}}, old[1]])),
    ("has networkMatch", rules(lambda old: [{**old[0], "networkMatch": {"srcAsns": [1]}}, old[1]])),
    ("names no source ranges", armor("rules[0].match.versionedExpr", None)),
    ("names no source ranges", ranges()),
    ("in preview mode", rules(lambda old: [old[0], {**old[1], "preview": True}])),
    ("whom no rule names", rules(lambda old: old[:1])),
    ("whom no rule names", rules(lambda _: [])),
    ("whom no rule names", armor("rules", None)),
    ("whom no rule names", armor("rules[1].priority", 2147483646)),
    ("whom no rule names", armor("rules[1].action", "allow")),
    ("whom no rule names", armor("rules[1].match.config.srcIpRanges", ["203.0.113.0/24"])),
    ("two rules with the same priority", rules(lambda old: [old[0], *old])),
    ("denies before the last one", rules(lambda old: [{**allow(1, "203.0.113.7/32"), "action": "deny(403)"}, *old])),
    ("has type CLOUD_ARMOR_EDGE", armor("type", "CLOUD_ARMOR_EDGE")),
    ("has type unset", armor("type", None)),
    ("one RegionSecurityPolicy", extra("gcp:compute/regionSecurityPolicyRule:RegionSecurityPolicyRule", {})),
    ("one RegionSecurityPolicy", extra("gcp:compute/securityPolicy:SecurityPolicy", {})),
    # A named policy that does not belong to the stack.
    ("is no RegionSecurityPolicy of this stack", guard("spec.default.securityPolicy", "elsewhere")),
    ("is no RegionSecurityPolicy of this stack", lambda: without(with_gateway(), ARMOR)),
    ("no GCPBackendPolicy", guard("spec.default.securityPolicy", "")),
    ("no GCPBackendPolicy", guard("spec.targetRef.name", "other")),
    ("no GCPBackendPolicy", guard("spec.targetRef.kind", "GCPInferencePoolImport")),
    ("no GCPBackendPolicy", guard("metadata.namespace", "elsewhere")),
    ("no GCPBackendPolicy", route("spec.rules[0].backendRefs[0].namespace", "elsewhere")),
    # Routes to more of the frontend than its API.
    ("routes PathPrefix /;", route(MATCH, [{"path": {"type": "PathPrefix", "value": "/"}}])),
    ("routes PathPrefix /;", route(MATCH, [])),
    ("routes PathPrefix /;", route("spec.rules[0].matches[0].path", None)),
    ("routes PathPrefix /metrics;", route(f"{MATCH}[0].path.value", "/metrics")),
    ("routes PathPrefix /v1beta;", route(f"{MATCH}[0].path.value", "/v1beta")),
    ("routes PathPrefix /v1/../metrics;", route(f"{MATCH}[0].path.value", "/v1/../metrics")),
    ("routes Exact /busy_threshold;", route(MATCH, [{"path": {"type": "Exact", "value": "/busy_threshold"}}])),
    ("routes RegularExpression", route(f"{MATCH}[0].path.type", "RegularExpression")),
    ("has filters", route("spec.rules[0].filters", [{"type": "URLRewrite"}])),
    ("has filters", route("spec.rules[0].backendRefs[0].filters", [{"type": "URLRewrite"}])),
    ("routes to the InferencePool", route("spec.rules[0].backendRefs[0].kind", "InferencePool")),
    ("routes to the ServiceImport", route("spec.rules[0].backendRefs[0].kind", "ServiceImport")),
    # A gateway that accepts listeners or routes of others.
    ("routes of other namespaces", gateway("spec.listeners[0].allowedRoutes", {"namespaces": {"from": "All"}})),
    ("routes of other namespaces", gateway("spec.listeners[0].allowedRoutes", {"namespaces": {"from": "Selector"}})),
    ("does not terminate TLS", gateway("spec.listeners[0].tls.mode", "Passthrough")),
    ("without TLS", gateway("spec.listeners[0].protocol", "TLS")),
    ("without TLS", gateway("spec.listeners[0].tls", None)),
    ("sets allowedListeners", gateway("spec.allowedListeners", {"namespaces": {"from": "Same"}})),
    ("sets defaultScope", gateway("spec.defaultScope", "All")),
    # A class whose load balancers no regional Cloud Armor policy protects, or an unknown class.
    *(
        (f"has the gateway class {name}", gateway("spec.gatewayClassName", name))
        for name in (
            "gke-l7-global-external-managed",
            "gke-l7-regional-external-managed-mc",
            "gke-l7-gxlb",
            "istio",
            "eg",
            "gke-l7-RILB",
        )
    ),
    ("has the gateway class unset", gateway("spec.gatewayClassName", None)),
    # A Cloud Armor policy that no load balancer of the stack can use.
    ("in the project and the region", armor("region", "us-central1")),
    ("in the project and the region", armor("region", None)),
    ("in the project and the region", armor("project", "another-project")),
    ("in the project and the region", armor("project", None)),
    ("in the project and the region", lambda: at_address("region", "us-central1")),
    (
        "in the project and the region",
        lambda: without(at_address("region", "us-central1"), "container/cluster:Cluster"),
    ),
    # A route that does not depend on its policies.
    ("does not depend on the GCPBackendPolicy", lambda: after_only(with_gateway(), ":HealthCheckPolicy")),
    ("does not depend on the HealthCheckPolicy", lambda: after_only(with_gateway(), ":GCPBackendPolicy")),
]


def mandatory(recording: Recording) -> dict[str, list[str]]:
    """The sentences of each mandatory rule that a recording violates."""
    found: dict[str, list[str]] = {}
    for verdict in judged_by_others(recording, policy_config.read(ROOT, "prod")):
        if verdict.mandatory:
            found.setdefault(verdict.policy, []).append(verdict.message)
    return found


@pytest.mark.parametrize(("sentence", "recording"), PUBLIC_GATEWAY)
def test_a_gateway_that_lets_others_in_is_a_violation(sentence: str, recording: Callable[[], Recording]) -> None:
    found = mandatory(recording())
    assert "public-gateway" in found
    assert set(found) <= {"public-gateway", "known-kinds"}  # the other one knows no second kind of Cloud Armor
    assert any(sentence in message for message in found["public-gateway"]), found


@pytest.mark.parametrize(
    "recording",
    [
        ranges("17.1.0.0/16", "17.0.0.0/8", "10.0.0.0/8"),
        ranges("2a00:1450::/32", "8.8.8.8"),
        rules(lambda old: [allow(1, "8.8.8.8", description="office", preview=False), *old]),
        route(MATCH, [{"path": {"type": "Exact", "value": "/v1/chat/completions"}, "method": "POST"}]),
        route(f"{MATCH}[0].path.value", "/v1"),
    ],
)
def test_a_gateway_for_named_clients_passes(recording: Callable[[], Recording]) -> None:
    assert mandatory(recording()) == {}


UNKNOWN_BESIDE = [
    (":Gateway", "gateway-gateway", "spec.gatewayClassName"),
    (":Gateway", "gateway-gateway", "spec.listeners"),
    (":Gateway", "gateway-gateway", "spec.listeners[0].protocol"),
    (":Gateway", "gateway-gateway", "spec.addresses"),
    (ARMOR, "gateway-clients", "name"),
    (ARMOR, "gateway-clients", "region"),
    (ARMOR, "gateway-clients", "rules"),
    (ARMOR, "gateway-clients", "rules[0].action"),
    (":GCPBackendPolicy", "chat-endpoint-backend", "spec.targetRef"),
    (":GCPBackendPolicy", "chat-endpoint-backend", "spec.default.securityPolicy"),
    (ROUTE, "chat-endpoint-route", "spec.parentRefs"),
    (ROUTE, "chat-endpoint-route", "spec.rules[0].filters"),
    (ROUTE, "chat-endpoint-route", "spec.rules[0].backendRefs"),
]


@pytest.mark.parametrize(("suffix", "name", "path"), UNKNOWN_BESIDE)
def test_an_unknown_value_is_a_violation_and_hides_no_other(suffix: str, name: str, path: str) -> None:
    open_route = route(f"{MATCH}[0].path.value", "/")()
    found = mandatory(changed(open_route, suffix, name, path, UNKNOWN))["public-gateway"]
    assert any("routes PathPrefix /;" in message for message in found), found
    assert any("cannot be checked before creation" in message for message in found), found


def test_an_unknown_block_hides_no_block_after_it() -> None:
    (right,) = [r for r in with_gateway().resources if r.type.endswith(ROUTE)]
    rules = [UNKNOWN, {**right.inputs["spec"]["rules"][0], "matches": []}]
    found = mandatory(route("spec.rules", rules)())["public-gateway"]
    assert any("routes PathPrefix /;" in message for message in found), found
    assert any("cannot be checked before creation" in message for message in found), found


def test_an_unknown_cloud_armor_policy_hides_no_other() -> None:
    (right,) = [r for r in with_gateway().resources if r.type.endswith(ARMOR)]
    second = {**right.inputs, "name": "more", "rules": [allow(1, "*"), right.inputs["rules"][-1]]}
    found = mandatory(added(armor("rules", UNKNOWN)(), right.type, second))["public-gateway"]
    assert any("lets in everyone: a rule allows *" in message for message in found), found


def test_a_zone_is_in_the_region_of_its_cloud_armor_policy() -> None:
    zonal = changed(with_gateway(), "container/cluster:Cluster", "cluster-cluster", "location", "europe-west1-b")
    assert "public-gateway" not in mandatory(zonal)


def test_a_backend_policy_without_cloud_armor_beside_a_right_one_is_a_violation() -> None:
    (right,) = [r for r in with_gateway().resources if r.type.endswith(":GCPBackendPolicy")]
    inputs = deepcopy(right.inputs)
    inputs["metadata"]["name"] = "other"
    del inputs["spec"]["default"]["securityPolicy"]
    twin: Resource = replace(right, urn=f"{right.urn}-other", name="other", inputs=inputs)
    found = mandatory(replace(with_gateway(), resources=(*with_gateway().resources, twin)))
    assert list(found) == ["public-gateway"]


OTHER_WAYS_IN = [
    "kubernetes:gateway.networking.k8s.io/v1beta1:Gateway",
    "kubernetes:gateway.networking.k8s.io/v1beta1:HTTPRoute",
    "kubernetes:gateway.networking.k8s.io/v1alpha2:HTTPRoute",
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRouteList",
    "kubernetes:gateway.networking.k8s.io/v1:GatewayPatch",
    "kubernetes:gateway.networking.k8s.io/v1:GRPCRoute",
    "kubernetes:gateway.networking.k8s.io/v1alpha2:TCPRoute",
    "kubernetes:gateway.networking.k8s.io/v1:TLSRoute",
    "kubernetes:gateway.networking.k8s.io/v1alpha2:UDPRoute",
    "kubernetes:gateway.networking.k8s.io/v1:ListenerSet",
    "kubernetes:gateway.networking.x-k8s.io/v1alpha1:XListenerSet",
    "kubernetes:gateway.networking.k8s.io/v1beta1:ReferenceGrant",
    "kubernetes:gateway.networking.k8s.io/v1:GatewayClass",
    "kubernetes:networking.k8s.io/v1:Ingress",
    "kubernetes:networking.k8s.io/v1:IngressPatch",
    "kubernetes:networking.k8s.io/v1:IngressList",
    "kubernetes:extensions/v1beta1:Ingress",
    "kubernetes:networking.gke.io/v1:MultiClusterIngress",
    "gcp:compute/forwardingRule:ForwardingRule",
    "gcp:compute/globalForwardingRule:GlobalForwardingRule",
]


@pytest.mark.parametrize("kind", OTHER_WAYS_IN)
def test_another_way_in_is_a_violation_even_where_its_type_is_allowed(kind: str) -> None:
    """The rule also covers a stack without a gateway, because a route may use a gateway outside the stack."""
    for recording in (prod(), with_gateway()):
        verdicts = judge(added(recording, kind, {"metadata": {"name": "x"}}), {"known-kinds": {"allowed": [kind]}})
        assert [v.mandatory for v in verdicts if v.policy == "public-gateway"] == [True]


def with_route(parents: list[dict[str, Any]], **gateways: str) -> Recording:
    """The prod stack with a route of all paths for gateways, and gateways of some classes."""
    backend = {"name": "chat-frontend", "port": 8000}
    spec = {"parentRefs": parents, "rules": [{"backendRefs": [backend]}]}
    recording = added(prod(), "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", {"spec": spec} | named("route"))
    for name, gateway_class in gateways.items():
        inputs = {"spec": {"gatewayClassName": gateway_class, "listeners": []}} | named(name)
        new = added(prod(), "kubernetes:gateway.networking.k8s.io/v1:Gateway", inputs).resources[-1]
        recording = replace(recording, resources=(*recording.resources, replace(new, urn=f"{new.urn}-{name}")))
    return recording


def named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "dynamo"}}


@pytest.mark.parametrize(
    "recording",
    [
        lambda: with_route([]),
        lambda: with_route([{"name": "outside"}]),
        lambda: with_route([{"name": "inside", "namespace": "other"}], inside="gke-l7-rilb"),
        lambda: with_route([{"name": "inside", "kind": "Service"}], inside="gke-l7-rilb"),
        lambda: with_route([{"name": "inside"}, {"name": "outside"}], inside="gke-l7-rilb"),
        lambda: with_route([{"name": "inside"}], inside="gke-l7-regional-external-managed"),
        lambda: with_route([{"name": "inside"}], inside="istio"),
        lambda: with_route([{"name": "inside"}], inside=UNKNOWN),
    ],
)
def test_a_route_for_a_gateway_that_is_not_known_to_be_internal_is_judged(recording: Callable[[], Recording]) -> None:
    found = mandatory(recording())
    assert any("routes PathPrefix /;" in message for message in found["public-gateway"])
    assert any("no GCPBackendPolicy" in message for message in found["public-gateway"])


@pytest.mark.parametrize("gateway_class", ["gke-l7-rilb", "gke-l7-rilb-mc"])
def test_a_route_for_an_internal_gateway_passes(gateway_class: str) -> None:
    assert mandatory(with_route([{"name": "inside"}], inside=gateway_class)) == {}
