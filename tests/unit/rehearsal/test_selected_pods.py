"""A selector that selects nothing is a complaint, and so is a port that its pods lack."""

from typing import Any

import pytest

from ops.rehearsal.engine.selected_pods import violations

LABELS = {"graph": "chat", "role": "frontend"}


def made(kind: str, namespace: str = "dynamo", /, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "chat", "namespace": namespace}, "spec": spec}


POD = made("Pod", containers=[{"ports": [{"name": "http", "containerPort": 8000}]}])
POD["metadata"]["labels"] = LABELS
TEMPLATE = {"metadata": {"labels": {"verification": "chat"}}, "spec": {"containers": [{}]}}
EVERY = [POD, made("Job", template=TEMPLATE), made("Deployment", selector={"matchLabels": {"app": "x"}})]
RIGHT, WRONG = {"matchLabels": {"graph": "chat"}}, {"matchLabels": {"graph": "chatt"}}
NONE = "selects no pod: none in dynamo has graph=chatt"


def rule(operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "role", "operator": operator, "values": list(values)}]}


def monitoring(selector: dict[str, Any], port: str | int = "http") -> dict[str, Any]:
    return made("PodMonitoring", selector=selector, endpoints=[{"port": port}])


def service(selector: dict[str, str], **port: Any) -> dict[str, Any]:
    return made("Service", selector=selector, ports=[{"port": 80, **port}])


CASES: list[tuple[dict[str, Any], str]] = [
    (made("NetworkPolicy", podSelector=RIGHT), ""),
    (made("NetworkPolicy", podSelector={}), ""),
    (made("NetworkPolicy", podSelector={"matchLabels": {"verification": "chat"}}), ""),
    (made("NetworkPolicy", podSelector=WRONG), f"NetworkPolicy chat {NONE}"),
    (made("NetworkPolicy", "other", podSelector={}), "NetworkPolicy chat selects no pod: none in other has any labels"),
    (made("NetworkPolicy", podSelector=rule("In", "frontend", "decode")), ""),
    (
        made("NetworkPolicy", podSelector=rule("In", "decode")),
        "NetworkPolicy chat selects no pod: none in dynamo has role In (decode)",
    ),
    (
        made("NetworkPolicy", podSelector={**RIGHT, **rule("DoesNotExist")}),
        "NetworkPolicy chat selects no pod: none in dynamo has graph=chat, role DoesNotExist",
    ),
    (monitoring(RIGHT), ""),
    (monitoring(RIGHT, 9477), ""),
    (monitoring(WRONG), f"PodMonitoring chat {NONE}"),
    (monitoring(RIGHT, "metrics"), "PodMonitoring chat sends to port metrics, which no container of its pods has"),
    (service({"graph": "chat"}, targetPort=8000), ""),
    (service({"graph": "chatt"}, targetPort=8000), f"Service chat {NONE}"),
    (
        service({"graph": "chat"}, targetPort="web"),
        "Service chat sends to port web, which no container of its pods has",
    ),
    (service({"graph": "chat"}), "Service chat sends to port 80, which no container of its pods has"),
    (service({}), ""),
    (made("PodDisruptionBudget", selector=WRONG), f"PodDisruptionBudget chat {NONE}"),
    (made("AutoscalingMetric", metrics=[{"pod": {"selector": WRONG}}]), f"AutoscalingMetric chat {NONE}"),
    (made("ConfigMap"), ""),
]


@pytest.mark.parametrize(("each", "said"), CASES)
def test_what_selects_pods_selects_some(each: dict[str, Any], said: str) -> None:
    if each["kind"] == "Service" and not each["spec"]["selector"]:
        del each["spec"]["selector"]  # endpoints of its own
    assert list(violations([each], [*EVERY, each])) == ([said] if said else [])
