"""A name of something that does not exist is a complaint, in every kind that names others."""

from typing import Any

import pytest

from ops.rehearsal.engine.named_objects import violations

RBAC, NVIDIA, GOOGLE = "rbac.authorization.k8s.io/v1", "nvidia.com/v1beta1", "networking.gke.io/v1"
SCALING = "autoscaling.gke.io/v1beta1"


def made(api_version: str, kind: str, name: str, namespace: str | None = "dynamo", /, **rest: Any) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place}, **rest}


EXISTING = [
    made(RBAC, "Role", "reader"),
    made(RBAC, "ClusterRole", "viewer", None),
    made("v1", "ServiceAccount", "runtime"),
    made("v1", "Service", "chat-frontend"),
    made("v1", "PersistentVolume", "weights", None),
    made(NVIDIA, "DynamoGraphDeploymentScalingAdapter", "chat-decode"),
    made(SCALING, "AutoscalingMetric", "chat-decode"),
    made("gateway.networking.k8s.io/v1", "Gateway", "public"),
    made(GOOGLE, "GKENetworkParamSet", "rail-0", None),
    made("resource.k8s.io/v1", "DeviceClass", "rdma", None),
    made("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass", "hf"),
    made("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "rules", None),
]


def binding(role: str, account: str = "runtime", *, kind: str = "Role") -> dict[str, Any]:
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": "dynamo"}]
    return made(RBAC, "RoleBinding", "b", roleRef={"kind": kind, "name": role}, subjects=subjects)


def autoscaler(target: str, metric: str = "chat-decode", version: str = NVIDIA) -> dict[str, Any]:
    reference = {"apiVersion": version, "kind": "DynamoGraphDeploymentScalingAdapter", "name": target}
    metrics = [{"type": "Pods", "pods": {"metric": {"name": f"autoscaling.gke.io|{metric}|load"}}}]
    spec = {"scaleTargetRef": reference, "metrics": [*metrics, {"type": "Resource"}]}
    return made("autoscaling/v2", "HorizontalPodAutoscaler", "h", spec=spec)


def route(gateway: str, service: str) -> dict[str, Any]:
    spec = {"parentRefs": [{"name": gateway}], "rules": [{"backendRefs": [{"name": service, "port": 8000}]}]}
    return made("gateway.networking.k8s.io/v1", "HTTPRoute", "r", spec=spec)


def attached(kind: str, service: str) -> dict[str, Any]:
    return made(GOOGLE, kind, "p", spec={"targetRef": {"group": "", "kind": "Service", "name": service}})


def network(parameters: str) -> dict[str, Any]:
    reference = {"group": "networking.gke.io", "kind": "GKENetworkParamSet", "name": parameters}
    return made(GOOGLE, "Network", "n", None, spec={"type": "Device", "parametersRef": reference})


def claim(device_class: str) -> dict[str, Any]:
    request = {"name": "rdma", "exactly": {"deviceClassName": device_class}}
    spec = {"spec": {"devices": {"requests": [request]}}}
    return made("resource.k8s.io/v1", "ResourceClaimTemplate", "c", spec=spec)


def sync(source: str, account: str) -> dict[str, Any]:
    spec = {"secretProviderClassName": source, "serviceAccountName": account}
    return made("secret-sync.gke.io/v1", "SecretSync", "s", spec=spec)


def admission(policy: str, *actions: str) -> dict[str, Any]:
    spec = {"policyName": policy, "validationActions": list(actions)}
    return made("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "a", None, spec=spec)


def volume(name: str) -> dict[str, Any]:
    return made("v1", "PersistentVolumeClaim", "v", spec={"volumeName": name})


CASES: list[tuple[dict[str, Any], str]] = [
    (binding("reader"), ""),
    (binding("viewer", kind="ClusterRole"), ""),
    (binding("readr"), "RoleBinding b names Role readr in dynamo, which does not exist"),
    (binding("reader", kind="ClusterRole"), "RoleBinding b names ClusterRole reader, which does not exist"),
    (binding("reader", "other"), "RoleBinding b names ServiceAccount other in dynamo, which does not exist"),
    (autoscaler("chat-decode"), ""),
    (
        autoscaler("chat"),
        "HorizontalPodAutoscaler h names DynamoGraphDeploymentScalingAdapter chat in dynamo, which does not exist",
    ),
    (
        autoscaler("chat-decode", version="apps/v1"),
        "HorizontalPodAutoscaler h names DynamoGraphDeploymentScalingAdapter chat-decode in dynamo, which does not "
        "exist",
    ),
    (
        autoscaler("chat-decode", "chat"),
        "HorizontalPodAutoscaler h names AutoscalingMetric chat in dynamo, which does not exist",
    ),
    (route("public", "chat-frontend"), ""),
    (route("publc", "chat-frontend"), "HTTPRoute r names Gateway publc in dynamo, which does not exist"),
    (route("public", "chat"), "HTTPRoute r names Service chat in dynamo, which does not exist"),
    (attached("GCPBackendPolicy", "chat-frontend"), ""),
    (attached("GCPBackendPolicy", "x"), "GCPBackendPolicy p names Service x in dynamo, which does not exist"),
    (attached("HealthCheckPolicy", "x"), "HealthCheckPolicy p names Service x in dynamo, which does not exist"),
    (network("rail-0"), ""),
    (network("rail-1"), "Network n names GKENetworkParamSet rail-1, which does not exist"),
    (claim("rdma"), ""),
    (claim("roce"), "ResourceClaimTemplate c names DeviceClass roce, which does not exist"),
    (sync("hf", "runtime"), ""),
    (sync("hff", "runtime"), "SecretSync s names SecretProviderClass hff in dynamo, which does not exist"),
    (sync("hf", "sync"), "SecretSync s names ServiceAccount sync in dynamo, which does not exist"),
    (volume("weights"), ""),
    (volume("weight"), "PersistentVolumeClaim v names PersistentVolume weight, which does not exist"),
    (admission("rules", "Deny"), ""),
    (admission("rule", "Deny"),
     "ValidatingAdmissionPolicyBinding a names ValidatingAdmissionPolicy rule, which does not exist"),
    (admission("rules", "Audit", "Warn"),
     "ValidatingAdmissionPolicyBinding a refuses no pod: its validationActions are Audit, Warn, and must have Deny"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "said"), CASES)
def test_what_an_object_names_exists(each: dict[str, Any], said: str) -> None:
    assert list(violations([each], [*EXISTING, each])) == ([said] if said else [])
