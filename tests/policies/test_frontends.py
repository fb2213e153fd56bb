"""The rule on frontends, with ways to give one an unchecked path, variable or flag."""

from collections.abc import Callable
from typing import Any

import pytest

from manifests.graph import frontend_image
from ops.offline import policy_config
from ops.offline.recorded import UNKNOWN, Recording
from tests.policies.mutations import added, changed, judged_by_others, prod
from tests.stacks import ROOT

GRAPH = "DynamoGraphDeployment"
FRONTEND = "spec.components[0].podTemplate.spec.containers[0]"
ADMIN = "DYN_DISABLE_FRONTEND_ADMIN_API"


def violated(recording: Recording) -> set[str]:
    return {v.policy for v in judged_by_others(recording, policy_config.read(ROOT, "prod")) if v.mandatory}


def frontend_env(*env: dict[str, Any]) -> Callable[[], Recording]:
    return lambda: changed(prod(), GRAPH, "chat-graph", f"{FRONTEND}.env", list(env))


def deployment(*env: dict[str, Any]) -> Callable[[], Recording]:
    container = {
        "name": "main",
        "image": frontend_image("1.6.1"),
        "command": ["python3", "-m", "dynamo.frontend"],
        "args": ["--http-port", "8000"],
        "env": list(env),
    }
    inputs = {"metadata": {"name": "f"}, "spec": {"template": {"spec": {"containers": [container]}}}}
    return lambda: added(prod(), "kubernetes:apps/v1:Deployment", inputs)


OFF = {"name": ADMIN, "value": "1"}


@pytest.mark.parametrize(
    "recording",
    [
        frontend_env(),
        frontend_env({"name": ADMIN}),
        frontend_env({"name": ADMIN, "value": "0"}),
        frontend_env({"name": ADMIN, "value": "no"}),
        frontend_env({"name": ADMIN, "value": ""}),
        frontend_env({"name": ADMIN, "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}),
        frontend_env({"name": ADMIN.lower(), "value": "1"}),
        frontend_env(OFF, {"name": ADMIN, "value": "0"}),
        lambda: changed(prod(), GRAPH, "chat-graph", f"{FRONTEND}.name", "sidecar"),
        lambda: changed(prod(), GRAPH, "chat-graph", "spec.components[0].podTemplate", {}),
        deployment(),
    ],
)
def test_a_frontend_with_an_admin_api_is_a_violation(recording: Callable[[], Recording]) -> None:
    found = violated(recording())
    assert found == {"no-admin-api"}


@pytest.mark.parametrize("recording", [frontend_env(OFF), frontend_env({**OFF, "value": "true"}), deployment(OFF)])
def test_a_frontend_without_an_admin_api_passes(recording: Callable[[], Recording]) -> None:
    assert violated(recording()) == set()


def graph(path: str, value: Any) -> Callable[[], Recording]:
    return lambda: changed(prod(), GRAPH, "chat-graph", path, value)


def flagged(*words: Any) -> Callable[[], Recording]:
    return graph(f"{FRONTEND}.args", ["--router-mode", "kv", *words])


def shell(line: str) -> Callable[[], Recording]:
    return graph(f"{FRONTEND}.command", ["sh", "-c", line])


VARIABLE = {"name": "DYN_ENABLE_RL", "value": "1"}


@pytest.mark.parametrize(
    "recording",
    [
        frontend_env(OFF, VARIABLE),
        frontend_env(OFF, {"name": "DYN_HTTP_SVC_METRICS_PATH", "value": "/v1/metrics"}),
        frontend_env(OFF, {"name": "OTEL_EXPORT_ENABLED", "value": "1"}),
        frontend_env(OFF, {"name": "PYTHONPATH", "value": "/models"}),
        deployment(OFF, VARIABLE),
        graph(f"{FRONTEND}.envFrom", [{"configMapRef": {"name": "x"}}]),
        graph(f"{FRONTEND}.envFrom", [{"secretRef": {"name": "x"}}]),
        graph(f"{FRONTEND}.envFrom", [{"secretRef": {"name": "hf-token"}, "prefix": "DYN_"}]),
        # Variables for all pods of the graph, including frontends.
        graph("spec.env", [VARIABLE]),
        graph("spec.env", [{"name": ADMIN, "value": "0"}]),
        graph("spec.components[1].frontendSidecar", "sidecar"),
        flagged("--frontend-route-extension", "my.routes"),
        flagged("--trust-remote-code"),
        flagged("--trust-remote"),
        flagged("--kserve-grpc-server"),
        flagged("--active-decode-blocks-threshold=0.0"),
        flagged("-i"),
        flagged("--http-port"),
        flagged("--router_mode", "kv"),
        flagged("--", "word"),
        flagged(UNKNOWN),
        graph(f"{FRONTEND}.command", ["python3", "-m", "dynamo.frontend", "word"]),
        graph(f"{FRONTEND}.args", ["word"]),
        graph(f"{FRONTEND}.image", "docker.io/attacker/dynamo-frontend:1.6.1"),
        graph(f"{FRONTEND}.lifecycle", {"postStart": {"exec": {"command": ["sh"]}}}),
        graph(f"{FRONTEND}.volumeMounts", [{"name": "x", "mountPath": "/usr/lib/python3"}]),
        graph("spec.components[0].podTemplate.spec.initContainers", [{"name": "i", "image": "tool:1.2.3"}]),
        shell("python3 -m dynamo.frontend --enable-anthropic-api"),
        shell("export DYN_DISABLE_FRONTEND_ADMIN_API=0; python3 -m dynamo.frontend"),
        shell("DYN_ENABLE_RL=1 python3 -m dynamo.frontend"),
    ],
)
def test_a_frontend_with_another_variable_or_flag_is_a_violation(recording: Callable[[], Recording]) -> None:
    assert violated(recording()) == {"no-admin-api"}


@pytest.mark.parametrize(
    "recording",
    [
        frontend_env(OFF, {"name": "HF_HOME", "value": "/model-cache"}),
        flagged("--migration-limit=3", "--router-replica-sync"),
        graph(f"{FRONTEND}.envFrom", [{"secretRef": {"name": "hf-token"}}]),
        graph("spec.env", [{"name": "DO_NOT_TRACK", "value": "1"}]),
    ],
)
def test_a_frontend_as_the_program_starts_it_passes(recording: Callable[[], Recording]) -> None:
    assert violated(recording()) == set()
