"""Autoscalers, collection of metrics and NetworkPolicies of engines with other gauges and ports."""

from typing import Any

import pytest

from catalog.contracts import Role
from catalog.engines import default_engine, engine
from ops.offline.recording import record
from planning.metrics_ports import metrics_ports
from planning.observing import Collection
from tests.made_up_engine import heron as heron  # a fixture
from tests.stacks import ROOT, config, errors, planned
from workloads import monitoring

QWEN: dict[str, Any] = {"model": "qwen3-32b", "layout": "multi-node"}


def stack(**engines: str) -> dict[str, Any]:
    return {"models": {graph: QWEN | {"engine": {"name": name}} for graph, name in engines.items()}}


def scaled(role: str, name: str) -> dict[str, Any]:
    return {"models": {"chat": QWEN | {"engine": {"name": name}, "autoscaling": {role: {"min": 1, "max": 2}}}}}


@pytest.mark.usefixtures("heron")
def test_a_role_is_scaled_by_its_engines_gauge() -> None:
    changes = scaled("decode", "heron") | {"capacity.maxNodes": 8}
    resources = record(ROOT, config(changes)).resources
    (metric,) = [r.inputs["spec"] for r in resources if r.type.endswith(":AutoscalingMetric")]
    ((pod,),) = [entry["pod"]["containers"] for entry in metric["metrics"]]
    assert pod["endpoint"] == {"port": 9477, "path": "/metrics"}
    assert pod["metrics"] == [{"gauge": {"name": "herons", "prometheusMetricName": "heron_busy"}}]
    (autoscaler,) = [r.inputs["spec"] for r in resources if r.type.endswith(":HorizontalPodAutoscaler")]
    ((target,),) = [[m["pods"]] for m in autoscaler["metrics"]]
    assert target["metric"]["name"].endswith("|herons")
    assert target["target"]["averageValue"] == "300m"


@pytest.mark.usefixtures("heron")
def test_a_role_without_a_gauge_cannot_be_scaled() -> None:
    (error,) = [f for f in errors(scaled("prefill", "heron")) if f.path == "models.chat.autoscaling.prefill"]
    assert "Heron has no metric" in error.message


def collected(changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = monitoring.manifests("dynamo", planned(changes).graphs, Collection(), {})
    return {manifest["metadata"]["name"]: manifest["spec"] for manifest in found}


@pytest.mark.usefixtures("heron")
def test_metrics_are_collected_from_the_engines_ports() -> None:
    found = collected(stack(chat="heron", code="vllm"))
    assert list(found) == ["dynamo-frontends", "dynamo-workers", "dynamo-workers-9477", "dynamo-nixl"]
    assert found["dynamo-workers-9477"]["endpoints"][0]["port"] == 9477
    assert found["dynamo-workers-9477"]["selector"]["matchExpressions"][1]["values"] == ["chat"]
    assert found["dynamo-nixl"]["selector"]["matchExpressions"][1]["values"] == ["code"], "Heron has no NIXL telemetry"
    assert list(collected(stack(chat="heron"))) == ["dynamo-frontends", "dynamo-workers", "dynamo-workers-9477"]


@pytest.mark.usefixtures("heron")
def test_collectors_reach_the_ports_that_an_engine_has() -> None:
    assert metrics_ports(engine("heron")) == (9090, 9477)
    assert metrics_ports(default_engine()) == (9090, 19090)


def test_the_default_engine_can_be_scaled_in_every_role() -> None:
    assert set(default_engine().metrics.scaling) == set(Role)
