"""How pods end: the seconds of each rendered pod add up to less than Kubernetes gives it."""

from typing import Any

import pytest

from catalog import lifecycle
from catalog.models import card_names
from manifests.graph import build
from planning.surroundings import Gateway
from planning.types import Plan
from tests.stacks import errors, layouts, planned
from workloads.gateway import backend_policy_spec

HTTP = "DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS"
DRAIN = "DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS"
RUNTIME = "DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS"

EVERY_LAYOUT = [(name, layout) for name in card_names() for layout in layouts(name)]
GPU_LAYOUTS = ["single-node", "multi-node", "aggregated"]


def pods(plan: Plan) -> dict[str, dict[str, Any]]:
    """The pod template of each component."""
    graph = build(plan.graphs[0], plan.labels).to_wire()
    return {component["name"]: component["podTemplate"] for component in graph["spec"]["components"]}


def main(pod: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod["spec"]["containers"]
    return container


def seconds(pod: dict[str, Any], variable: str) -> int:
    (value,) = [int(var["value"]) for var in main(pod)["env"] if var["name"] == variable]
    return value


def assert_it_adds_up(name: str, pod: dict[str, Any]) -> None:
    grace = pod["spec"]["terminationGracePeriodSeconds"]
    if name == "frontend":
        pre_stop = main(pod)["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pre_stop == 15
        assert pre_stop + max(seconds(pod, HTTP), seconds(pod, RUNTIME)) < grace
        assert seconds(pod, HTTP) > 5, "Dynamo's own, which is too short for a stream"
    else:
        assert "lifecycle" not in main(pod), "an engine drains by itself"
        assert seconds(pod, DRAIN) + seconds(pod, RUNTIME) + 60 < grace
    assert grace <= 3600, "GKE waits no longer for the pods of a node that it upgrades"


@pytest.mark.parametrize(("model", "layout"), EVERY_LAYOUT)
def test_every_pod_ends_before_it_is_killed(model: str, layout: str) -> None:
    for name, pod in pods(planned({"models.chat": {"model": model, "layout": layout}})).items():
        assert_it_adds_up(name, pod)


@pytest.mark.parametrize("drain", [0, 1, 239, 240, 241, 600, lifecycle.MAX_DRAIN_SECONDS])
@pytest.mark.parametrize("role", ["prefill", "decode"])
def test_however_long_a_role_drains_it_adds_up(role: str, drain: int) -> None:
    found = pods(planned({f"models.chat.{role}": {"drainSeconds": drain}}))
    assert seconds(found[role], DRAIN) == drain
    for name, pod in found.items():
        assert_it_adds_up(name, pod)


def test_the_load_balancer_cuts_no_stream_that_its_frontend_still_writes() -> None:
    frontend = pods(planned())["frontend"]
    policy = backend_policy_spec(Gateway(domain="x.example", allowed_cidrs=()), "chat-frontend", "policy")
    drained = policy["default"]["connectionDraining"]["drainingTimeoutSec"]
    assert drained >= main(frontend)["lifecycle"]["preStop"]["sleep"]["seconds"] + seconds(frontend, HTTP)


def test_prefill_drains_for_its_readers_and_decode_for_its_streams() -> None:
    found = pods(planned())
    assert {role: seconds(found[role], DRAIN) for role in ("prefill", "decode")} == {"prefill": 60, "decode": 120}
    assert seconds(pods(planned({"models.chat.layout": "aggregated"}))["worker"], DRAIN) == 120


def test_a_role_that_scales_may_drain_longer() -> None:
    changes = {"models.chat.autoscaling": {"decode": {"min": 1, "max": 2}}, "models.chat.decode": {"drainSeconds": 300}}
    assert seconds(pods(planned(changes))["decode"], DRAIN) == 300


@pytest.mark.parametrize("drain", [-1, lifecycle.MAX_DRAIN_SECONDS + 1])
def test_a_drain_that_no_pod_is_given_is_refused(drain: int) -> None:
    (error,) = errors({"models.chat.decode": {"drainSeconds": drain}})
    assert error.path == "models.chat.decode.drainSeconds"
    assert f"got {drain}" in error.message


@pytest.mark.parametrize("layout", GPU_LAYOUTS)
def test_the_autoscaler_of_nodes_leaves_engines_on_gpus_alone(layout: str) -> None:
    for name, pod in pods(planned({"models.chat.layout": layout})).items():
        kept = pod["metadata"]["annotations"].get("cluster-autoscaler.kubernetes.io/safe-to-evict")
        assert kept == (None if name == "frontend" else "false")


def test_a_simulated_engine_may_move() -> None:
    for pod in pods(planned({"models.chat.layout": "simulated"})).values():
        annotations = pod.get("metadata", {}).get("annotations", {})
        assert "cluster-autoscaler.kubernetes.io/safe-to-evict" not in annotations


@pytest.mark.parametrize("layout", [*GPU_LAYOUTS, "simulated"])
def test_last_words_are_in_the_status_and_nobody_reports_home(layout: str) -> None:
    for pod in pods(planned({"models.chat.layout": layout})).values():
        assert main(pod)["terminationMessagePolicy"] == "FallbackToLogsOnError"
        env = {var["name"]: var.get("value") for var in main(pod)["env"]}
        assert (env["VLLM_NO_USAGE_STATS"], env["DO_NOT_TRACK"]) == ("1", "1")


def warnings(changes: dict[str, Any]) -> list[str]:
    return [warning for warning in planned(changes).warnings if "drain" in warning]


def test_the_outage_of_an_update_counts_the_drain() -> None:
    (warning,) = warnings({"models.chat.decode": {"drainSeconds": 300}})
    assert warning.startswith("models.chat: a role with one engine")
    assert "drains the old one (300 s, drainSeconds)" in warning


def test_prefill_that_ends_before_its_readers_is_warned_of() -> None:
    short = "models.chat.prefill.drainSeconds: 20 is less than the 30 s for which decode may fetch KV cache"
    assert any(w.startswith(short) for w in warnings({"models.chat.prefill": {"drainSeconds": 20}}))
    longer = {"models.chat.engine": {"kvLeaseSeconds": 90}}
    assert any("60 is less than the 90 s" in warning for warning in warnings(longer))
    enough = longer | {"models.chat.prefill": {"drainSeconds": 90}}
    assert not any("is less than" in warning for warning in warnings(enough))


def test_what_has_no_effect_on_a_simulated_engine_is_said() -> None:
    changes = {"models.chat.layout": "simulated", "models.chat.decode": {"drainSeconds": 30}}
    assert "models.chat.decode.drainSeconds: has no effect on simulated engines" in warnings(changes)


def test_a_spot_node_gives_no_time_to_drain() -> None:
    assert any(w.startswith("capacity: spot") for w in warnings({"capacity": {"mode": "spot"}}))
