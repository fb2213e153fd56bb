"""`ops status` of a stack in an existing cluster: its own namespace is read, and an operator that is not its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.diagnosis import Cause, Finding, diagnose
from ops.diagnosis.read_cluster import Cluster, ClusterUnreadable
from planning.types import Plan
from tests import clusters
from tests.program.test_status import Api, write_kubeconfig
from tests.stacks import planned

OTHER = {"metadata": {"name": "frontend", "namespace": "shop"}}


def elsewhere(deployment: dict[str, Any]) -> dict[str, Any]:
    return {**deployment, "metadata": {**deployment["metadata"], "namespace": "nvidia"}}


OPERATOR = elsewhere(clusters.operator())


def plan(platform: str) -> Plan:
    return planned({"cluster": {"existing": {"name": "shared", "platform": platform}}})


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    server.answers = {"/api/v1/namespaces/dynamo-prod": (200, {"kind": "Namespace"})}
    yield server
    server.close()


Diagnosed = Callable[[str], tuple[Finding, ...]]


@pytest.fixture
def diagnosed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Api) -> Diagnosed:
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, api.url, context="shared")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def run(platform: str) -> tuple[Finding, ...]:
        snapshot = Cluster(plan(platform), "shared").snapshot(["chat"])
        return diagnose(plan(platform), plan(platform).graphs, snapshot)

    return run


def operators(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.message for finding in findings if finding.cause is Cause.OPERATOR]


def serve(api: Api, path: str, *deployments: dict[str, Any]) -> None:
    api.answers[path] = (200, {"kind": "DeploymentList", "items": list(deployments)})


def test_a_shared_operator_is_found_wherever_it_is(api: Api, diagnosed: Diagnosed) -> None:
    serve(api, "/apis/apps/v1/deployments", OTHER, OPERATOR)
    assert operators(diagnosed("shared")) == []


def test_a_cluster_without_the_shared_operator(api: Api, diagnosed: Diagnosed) -> None:
    serve(api, "/apis/apps/v1/deployments", OTHER)
    (message,) = operators(diagnosed("shared"))
    assert message.startswith("the cluster has no Dynamo operator, and cluster.existing.platform is shared")
    assert "pulumi up" not in message  # which would not install one


def test_a_shared_operator_that_is_down_is_looked_at_where_it_is(api: Api, diagnosed: Diagnosed) -> None:
    serve(api, "/apis/apps/v1/deployments", elsewhere(clusters.operator(available=False)))
    (message,) = operators(diagnosed("shared"))
    assert "`kubectl -n nvidia get pods`" in message


def test_the_stacks_own_operator_is_looked_for_in_its_namespace(api: Api, diagnosed: Diagnosed) -> None:
    serve(api, "/apis/apps/v1/deployments", OPERATOR)
    (message,) = operators(diagnosed("install"))
    assert "is not in namespace dynamo-prod-system" in message
    serve(api, "/apis/apps/v1/namespaces/dynamo-prod-system/deployments", OPERATOR)
    assert operators(diagnosed("install")) == []


def test_the_namespace_that_is_missing_is_the_stacks_own(api: Api, diagnosed: Diagnosed) -> None:
    api.answers = {}
    with pytest.raises(ClusterUnreadable, match="has no namespace dynamo-prod:"):
        diagnosed("shared")
