"""Dashboard, alerts and metrics collection, as the program registers them."""

from typing import Any

import pytest

from ops.offline.recorded import Resource
from ops.offline.recording import record
from tests.stacks import ROOT, config, recorded

POLICY, CHANNEL = "gcp:monitoring/alertPolicy:AlertPolicy", "gcp:monitoring/notificationChannel:NotificationChannel"


def policies(resources: tuple[Resource, ...]) -> dict[str, dict[str, Any]]:
    return {r.name.removeprefix("observability-"): r.inputs for r in resources if r.type == POLICY}


def test_a_query_is_taken_before_its_first_sample() -> None:
    for name, policy in policies(recorded("prod").resources).items():
        (condition,) = policy["conditions"]
        if name != "gpu-xid":
            assert condition["conditionPrometheusQueryLanguage"]["disableMetricValidation"] is True


def test_an_alert_on_logs_limits_its_notifications() -> None:
    """Cloud Monitoring rejects a log-based policy without a rate limit, and a metric-based one with a limit."""
    for name, policy in policies(recorded("prod").resources).items():
        limited = "notificationRateLimit" in policy["alertStrategy"]
        assert limited is ("conditionMatchedLog" in policy["conditions"][0]), name


def test_without_gpus_there_are_no_alerts_of_gpus() -> None:
    assert set(policies(recorded("dev").resources)) == {"model-not-listed", "prefill-idle", "slow-first-token"}


@pytest.mark.parametrize(("stack", "ports"), [("dev", ["http", "system"]), ("prod", ["http", "nixl", "system"])])
def test_only_ports_that_are_served_are_collected(stack: str, ports: list[str]) -> None:
    collected = [r for r in recorded(stack).resources if r.type.endswith(":PodMonitoring")]
    assert sorted(r.inputs["spec"]["endpoints"][0]["port"] for r in collected) == ports


def test_nixl_is_collected_of_the_graphs_that_transfer() -> None:
    model = {"model": "qwen3-32b", "layout": "multi-node"}
    models = {"code": model, "search": model | {"layout": "aggregated"}, "trial": model | {"layout": "simulated"}}
    recording = record(ROOT, config({"models": models}))
    (nixl,) = [r for r in recording.resources if r.name == "monitoring-nixl"]
    (graphs,) = [e["values"] for e in nixl.inputs["spec"]["selector"]["matchExpressions"] if "graph" in e["key"]]
    assert graphs == ["code"]


def test_addresses_are_notified_of_every_alert() -> None:
    stack = config({"alerts": {"emails": ["oncall@example.com", "team@example.com"]}})
    recording = record(ROOT, stack, preview=False)
    channels = [r.inputs for r in recording.resources if r.type == CHANNEL]
    assert [c["labels"] for c in channels] == [
        {"email_address": "oncall@example.com"},
        {"email_address": "team@example.com"},
    ]
    assert all(len(policy["notificationChannels"]) == 2 for policy in policies(recording.resources).values())


def test_without_addresses_policies_stand_alone() -> None:
    recording = recorded("staging")
    assert not [r for r in recording.resources if r.type == CHANNEL]
    assert all("notificationChannels" not in policy for policy in policies(recording.resources).values())


def test_labels_are_on_every_policy_and_channel() -> None:
    recording = record(ROOT, config({"alerts": {"emails": ["a@example.com"]}, "labels": {"costCenter": "1234"}}))
    for resource in recording.resources:
        if resource.type in (POLICY, CHANNEL):
            assert resource.inputs["userLabels"]["cost-center"] == "1234"
