"""A pod that needs what does not exist is a complaint, whatever makes it and however it names that."""

from typing import Any

import pytest

from ops.rehearsal.engine import checks
from ops.rehearsal.engine.named_objects import violations
from tests.unit.rehearsal.test_named_objects import made

SECRET = made("v1", "Secret", "token", data={"KEY": "eA=="})
EXISTING = [
    SECRET,
    made("v1", "ConfigMap", "files", data={"a.py": ""}, binaryData={"b": ""}),
    made("v1", "ServiceAccount", "runtime"),
    made("v1", "PersistentVolumeClaim", "weights", spec={}),
    made("resource.k8s.io/v1", "ResourceClaimTemplate", "rdma", spec={"spec": {"devices": {"requests": []}}}),
    made("resource.k8s.io/v1", "ResourceClaim", "one"),
    made("node.k8s.io/v1", "RuntimeClass", "gvisor", None),
    made("scheduling.k8s.io/v1", "PriorityClass", "high", None),
    made("networking.gke.io/v1", "Network", "rail-0", None, spec={}),
    made("v1", "Secret", "elsewhere", "other", data={"KEY": "eA=="}),
]


def container(**rest: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", **rest}]}


def env(field: str, name: str, key: str, **rest: Any) -> dict[str, Any]:
    return container(env=[{"name": "X", "valueFrom": {field: {"name": name, "key": key, **rest}}}])


def volume(**source: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", **source}], "containers": []}


def items(*keys: str) -> list[dict[str, str]]:
    return [{"key": key, "path": key} for key in keys]


CASES: list[tuple[dict[str, Any], str]] = [
    (container(envFrom=[{"secretRef": {"name": "token"}}]), ""),
    (container(envFrom=[{"secretRef": {"name": "none"}}]), "Secret none in dynamo"),
    (container(envFrom=[{"secretRef": {"name": "elsewhere"}}]), "Secret elsewhere in dynamo"),
    (container(envFrom=[{"secretRef": {"name": "none", "optional": True}}]), ""),
    (container(envFrom=[{"configMapRef": {"name": "files"}}]), ""),
    (container(envFrom=[{"configMapRef": {"name": "none"}}]), "ConfigMap none in dynamo"),
    (env("secretKeyRef", "token", "KEY"), ""),
    (env("secretKeyRef", "none", "KEY"), "Secret none in dynamo"),
    (env("secretKeyRef", "token", "key"), "key key of Secret token in dynamo"),
    (env("secretKeyRef", "token", "key", optional=True), ""),
    (env("configMapKeyRef", "files", "b"), ""),
    (env("configMapKeyRef", "files", "c"), "key c of ConfigMap files in dynamo"),
    ({"initContainers": env("secretKeyRef", "none", "KEY")["containers"], "containers": []}, "Secret none in dynamo"),
    (volume(secret={"secretName": "token", "items": items("KEY")}), ""),
    (volume(secret={"secretName": "none"}), "Secret none in dynamo"),
    (volume(secret={"secretName": "none", "optional": True}), ""),
    (volume(configMap={"name": "none"}), "ConfigMap none in dynamo"),
    (volume(configMap={"name": "files", "items": items("a.py", "c.py")}), "key c.py of ConfigMap files in dynamo"),
    (volume(projected={"sources": [{"secret": {"name": "none"}}]}), "Secret none in dynamo"),
    (volume(projected={"sources": [{"serviceAccountToken": {"path": "t"}}]}), ""),
    (volume(persistentVolumeClaim={"claimName": "weights"}), ""),
    (volume(persistentVolumeClaim={"claimName": "weight"}), "PersistentVolumeClaim weight in dynamo"),
    (volume(csi={"driver": "d", "nodePublishSecretRef": {"name": "none"}}), "Secret none in dynamo"),
    (volume(emptyDir={}), ""),
    ({"serviceAccountName": "runtime", "containers": []}, ""),
    ({"serviceAccountName": "runner", "containers": []}, "ServiceAccount runner in dynamo"),
    ({"runtimeClassName": "gvisor", "containers": []}, ""),
    ({"runtimeClassName": "kata", "containers": []}, "RuntimeClass kata"),
    ({"priorityClassName": "high", "containers": []}, ""),
    ({"priorityClassName": "higher", "containers": []}, "PriorityClass higher"),
    ({"imagePullSecrets": [{"name": "none"}], "containers": []}, "Secret none in dynamo"),
    ({"resourceClaims": [{"name": "n", "resourceClaimTemplateName": "rdma"}], "containers": []}, ""),
    (
        {"resourceClaims": [{"name": "n", "resourceClaimTemplateName": "roce"}], "containers": []},
        "ResourceClaimTemplate roce in dynamo",
    ),
    ({"resourceClaims": [{"name": "n", "resourceClaimName": "one"}], "containers": []}, ""),
    ({"resourceClaims": [{"name": "n", "resourceClaimName": "two"}], "containers": []}, "ResourceClaim two in dynamo"),
]


def of_kind(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    template: dict[str, Any] = {"metadata": {}, "spec": spec}
    match kind:
        case "Pod":
            return made("v1", kind, "it", spec=spec)
        case "Job":
            return made("batch/v1", kind, "it", spec={"template": template})
        case "CronJob":
            return made("batch/v1", kind, "it", spec={"jobTemplate": {"spec": {"template": template}}})
        case "DynamoGraphDeployment":
            components = [{"name": "frontend"}, {"name": "decode", "podTemplate": template}]
            return made("nvidia.com/v1beta1", kind, "it", spec={"components": components})
        case _:
            return made("apps/v1", kind, "it", spec={"template": template})


@pytest.mark.parametrize("kind", ["Pod", "Job", "CronJob", "Deployment", "DynamoGraphDeployment"])
@pytest.mark.parametrize(("spec", "absent"), CASES)
def test_what_a_pod_needs_exists(spec: dict[str, Any], absent: str, kind: str) -> None:
    each = of_kind(kind, spec)
    said = [f"{kind} it names {absent}, which does not exist"] if absent else []
    assert list(violations([each], [*EXISTING, each])) == said


@pytest.mark.parametrize(("network", "said"), [("default", []), ("rail-0", []), ("rail-1", ["Network rail-1"])])
def test_the_networks_of_a_pod_exist(network: str, said: list[str]) -> None:
    pod = of_kind("Pod", {"containers": []})
    interfaces = f'[{{"interfaceName":"eth0","network":"{network}"}}]'
    pod["metadata"]["annotations"] = {"networking.gke.io/interfaces": interfaces}
    assert list(violations([pod], EXISTING)) == [f"Pod it names {each}, which does not exist" for each in said]


def owned(kind: str, uid: str, owner: str | None, *secrets: str) -> dict[str, Any]:
    each = of_kind(kind, container(envFrom=[{"secretRef": {"name": name}} for name in secrets]))
    each["metadata"] |= {"uid": uid} | ({"ownerReferences": [{"uid": owner}]} if owner else {})
    return each


def test_what_a_controller_copied_is_said_once() -> None:
    graph = owned("DynamoGraphDeployment", "1", None, "none")
    deployment = owned("Deployment", "2", "1", "none", "added")
    pod = owned("Pod", "3", "2", "none", "added")
    assert list(violations([graph, deployment, pod], [])) == [
        "DynamoGraphDeployment it names Secret none in dynamo, which does not exist",
        "Deployment it names Secret added in dynamo, which does not exist",
    ]


def test_what_controllers_made_of_the_stack_is_checked_and_nobody_elses() -> None:
    graph, other = owned("DynamoGraphDeployment", "1", None), owned("Pod", "9", None, "none")
    deployment, pod = owned("Deployment", "2", "1"), owned("Pod", "3", "2", "none")
    every = [other, pod, deployment, graph]
    assert [each["metadata"]["uid"] for each in checks.with_owned([graph], every)] == ["1", "2", "3"]
