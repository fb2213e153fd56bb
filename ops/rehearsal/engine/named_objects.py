"""Whether the objects that other objects name exist. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ops.rehearsal.engine.selected_pods import Object, named

_RBAC = "rbac.authorization.k8s.io"
_GATEWAY = "gateway.networking.k8s.io"


@dataclass(frozen=True)
class Name:
    """What an object calls another one."""

    group: str
    """API group; empty for the core one."""
    kind: str
    name: str
    namespace: str | None = None
    """None for an object without a namespace."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}{f' in {self.namespace}' if self.namespace else ''}"


def violations(objects: Sequence[Object], every: Sequence[Object]) -> Iterator[str]:
    """A sentence for each name in the objects of something that is not among `every`, and for a toothless binding."""
    existing = {name_of(each) for each in every}
    for each in objects:
        for name in _NAMES.get(each["kind"], _none)(each):
            if name not in existing:
                yield f"{named(each)} names {name}, which does not exist"
        if each["kind"] == "ValidatingAdmissionPolicyBinding" and "Deny" not in each["spec"]["validationActions"]:
            actions = ", ".join(each["spec"]["validationActions"])
            yield f"{named(each)} refuses no pod: its validationActions are {actions}, and must have Deny"


def name_of(each: Object) -> Name:
    metadata = each["metadata"]
    return Name(group_of(each["apiVersion"]), each["kind"], metadata["name"], metadata.get("namespace"))


def group_of(api_version: str) -> str:
    """API group of a version; empty for the core one."""
    return api_version.rpartition("/")[0]


def _none(_: Object) -> Iterator[Name]:
    return iter(())


def _binding(each: Object) -> Iterator[Name]:
    namespace, role = each["metadata"].get("namespace"), each["roleRef"]
    yield Name(_RBAC, role["kind"], role["name"], namespace if role["kind"] == "Role" else None)
    for subject in each.get("subjects") or []:
        if subject["kind"] == "ServiceAccount":
            yield Name("", "ServiceAccount", subject["name"], subject.get("namespace") or namespace)


def _autoscaler(each: Object) -> Iterator[Name]:
    """The target, and the AutoscalingMetrics that GKE's name of a metric has in its middle."""
    namespace, target = each["metadata"]["namespace"], each["spec"]["scaleTargetRef"]
    yield Name(group_of(target["apiVersion"]), target["kind"], target["name"], namespace)
    for metric in each["spec"]["metrics"]:
        group, *rest = metric.get("pods", {}).get("metric", {}).get("name", "").split("|")
        if rest:
            yield Name(group, "AutoscalingMetric", rest[0], namespace)


def _route(each: Object) -> Iterator[Name]:
    namespace = each["metadata"]["namespace"]
    for parent in each["spec"].get("parentRefs") or []:
        yield Name(_GATEWAY, "Gateway", parent["name"], parent.get("namespace") or namespace)
    for rule in each["spec"].get("rules") or []:
        for backend in rule.get("backendRefs") or []:
            yield Name("", "Service", backend["name"], backend.get("namespace") or namespace)


def _attached(each: Object) -> Iterator[Name]:
    target = each["spec"]["targetRef"]
    yield Name(target["group"], target["kind"], target["name"], each["metadata"]["namespace"])


def _secret_sync(each: Object) -> Iterator[Name]:
    namespace, spec = each["metadata"]["namespace"], each["spec"]
    yield Name("secrets-store.csi.x-k8s.io", "SecretProviderClass", spec["secretProviderClassName"], namespace)
    yield Name("", "ServiceAccount", spec["serviceAccountName"], namespace)


def _device_network(each: Object) -> Iterator[Name]:
    if parameters := each["spec"].get("parametersRef"):
        yield Name(parameters["group"], parameters["kind"], parameters["name"])


def _claim(each: Object) -> Iterator[Name]:
    for request in each["spec"]["spec"]["devices"]["requests"]:
        yield Name("resource.k8s.io", "DeviceClass", request["exactly"]["deviceClassName"])


def _volume_claim(each: Object) -> Iterator[Name]:
    if volume := each["spec"].get("volumeName"):
        yield Name("", "PersistentVolume", volume)


def _admission(each: Object) -> Iterator[Name]:
    yield Name("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", each["spec"]["policyName"])


_NAMES: Mapping[str, Callable[[Object], Iterator[Name]]] = {
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "HorizontalPodAutoscaler": _autoscaler,
    "HTTPRoute": _route,
    "GCPBackendPolicy": _attached,
    "HealthCheckPolicy": _attached,
    "SecretSync": _secret_sync,
    "Network": _device_network,
    "ResourceClaimTemplate": _claim,
    "PersistentVolumeClaim": _volume_claim,
    "ValidatingAdmissionPolicyBinding": _admission,
}
