"""The node adder's part of the scheduler's rules."""

from decimal import Decimal
from typing import Any

import pytest

from ops.rehearsal import fitting

GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "pod"}, "spec": {"containers": [{"name": "main"}], **spec}}


def container(restart: str | None = None, **resources: str) -> dict[str, Any]:
    amounts = {name.replace("_", "/"): amount for name, amount in resources.items()}
    return {"resources": {"requests": amounts}} | ({"restartPolicy": restart} if restart else {})


def node(*taints: dict[str, str], **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": labels},
        "spec": {"taints": list(taints)},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}},
    }


def rule(operator: str, *values: str) -> dict[str, Any]:
    return {"key": "zone", "operator": operator, "values": list(values)}


def affinity(*terms: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    required = {"nodeSelectorTerms": [{"matchExpressions": rules, **extra} for rules in terms]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


@pytest.mark.parametrize(
    ("spec", "accepted"),
    [
        ({}, True),
        ({"nodeSelector": {"zone": "5"}}, True),
        ({"nodeSelector": {"zone": "6"}}, False),
        ({"nodeSelector": {"missing": "5"}}, False),
        ({"affinity": {}}, True),
        ({"affinity": affinity([rule("In", "5", "6")])}, True),
        ({"affinity": affinity([rule("In", "6")])}, False),
        ({"affinity": affinity([rule("In", "6")], [rule("Exists")])}, True),
        ({"affinity": affinity([rule("Exists"), rule("NotIn", "5")])}, False),
        ({"affinity": affinity([rule("DoesNotExist")])}, False),
        ({"affinity": affinity([rule("Gt", "4"), rule("Lt", "6")])}, True),
        ({"affinity": affinity([rule("Gt", "5")])}, False),
        ({"affinity": affinity([rule("Exists")], matchFields=[rule("In", "a")])}, False),
    ],
)
def test_selection_by_labels(spec: dict[str, Any], accepted: bool) -> None:
    assert fitting.accepts(pod(**spec), node(zone="5")) is accepted


@pytest.mark.parametrize(
    ("tolerations", "accepted"),
    [
        ([], False),
        ([{"key": "nvidia.com/gpu", "operator": "Exists"}], True),
        ([{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}], True),
        ([{"key": "nvidia.com/gpu", "value": "absent"}], False),
        ([{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}], False),
        ([{"key": "kubernetes.io/arch", "operator": "Exists"}], False),
        ([{"operator": "Exists"}], True),
    ],
)
def test_tolerations(tolerations: list[dict[str, str]], accepted: bool) -> None:
    assert fitting.accepts(pod(tolerations=tolerations), node(GPU_TAINT)) is accepted


def test_a_preference_keeps_no_pod_away() -> None:
    assert fitting.accepts(pod(), node({**GPU_TAINT, "effect": "PreferNoSchedule"}))


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [container(cpu="1"), container(cpu="500m")]}, "1.5"),
        ({"containers": [{"resources": {"limits": {"cpu": "2"}}}]}, "2"),
        ({"containers": [container(cpu="1")], "initContainers": [container(cpu="3"), container(cpu="2")]}, "3"),
        ({"containers": [container(cpu="1")], "initContainers": [container("Always", cpu="3")]}, "4"),
        (
            {"containers": [container(cpu="1")], "initContainers": [container("Always", cpu="1"), container(cpu="3")]},
            "4",
        ),
        ({"containers": [container(cpu="1")], "overhead": {"cpu": "250m"}}, "1.25"),
    ],
    ids=["sum", "limit", "init", "sidecar", "init beside a sidecar", "overhead"],
)
def test_requests_count_as_the_scheduler_counts_them(spec: dict[str, Any], cpu: str) -> None:
    assert fitting.requests(pod(**spec))["cpu"] == Decimal(cpu)


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", "0.5"), ("2", "2"), ("2Gi", "2147483648"), ("1k", "1000"), ("3M", "3000000"), ("1e3", "1000")],
)
def test_quantities(text: str, number: str) -> None:
    assert fitting.quantity(text) == Decimal(number)


@pytest.mark.parametrize(
    ("resources", "fits"),
    [
        ({"cpu": "4"}, True),
        ({"cpu": "4100m"}, False),
        ({"nvidia.com_gpu": "1"}, False),
        ({"nvidia.com_gpu": "0"}, True),
    ],
)
def test_a_pod_fits_if_every_request_does(resources: dict[str, str], fits: bool) -> None:
    empty = node()
    assert fitting.fits(pod(containers=[container(**resources)]), empty, fitting.allocatable(empty)) is fits
