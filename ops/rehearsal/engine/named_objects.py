"""Whether the objects that other objects name exist. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from ops.rehearsal.engine import named_by_pods, named_in_cloud
from ops.rehearsal.engine.object_names import Key, Name, Object, group_of, keys_of, name_of
from ops.rehearsal.engine.selected_pods import named
from ops.rehearsal.google.cloud import Resource

_RBAC = "rbac.authorization.k8s.io"
_GATEWAY = "gateway.networking.k8s.io"


def violations(objects: Sequence[Object], every: Sequence[Object], cloud: Sequence[Resource] = ()) -> Iterator[str]:
    """A sentence for each name in the objects of something that does not exist, and for a binding that denies nothing.

    `every`: the objects of the cluster; `cloud`: what Google Cloud has. What an object only has from its controller,
    as a pod from its Job, is said of the controller.
    """
    existing: set[Name | Key] = {known for each in every for known in (name_of(each), *keys_of(each))}
    in_cloud = named_in_cloud.existing(cloud)
    absent = [(each, _absent(each, existing, in_cloud)) for each in objects]
    by_uid = {each["metadata"].get("uid"): names for each, names in absent}
    for each, names in absent:
        owners = each["metadata"].get("ownerReferences") or []
        said = {name for owner in owners for name in by_uid.get(owner["uid"], ())}
        yield from (f"{named(each)} names {name}" for name in names if name not in said)
        if each["kind"] == "ValidatingAdmissionPolicyBinding" and "Deny" not in each["spec"]["validationActions"]:
            actions = ", ".join(each["spec"]["validationActions"])
            yield f"{named(each)} refuses no pod: its validationActions are {actions}, and must have Deny"


def _absent(each: Object, existing: Set[Name | Key], in_cloud: Set[named_in_cloud.Named]) -> list[str]:
    """What the object names and does not exist, without repeats; of a missing Secret only itself, not its keys."""
    names = dict.fromkeys((*_NAMES.get(each["kind"], _none)(each), *named_by_pods.names(each)))
    here = [name for name in names if name not in existing and not (isinstance(name, Key) and name.of not in existing)]
    return [
        *(f"{name}, which does not exist" for name in here),
        *(f"{name}, which does not exist in Google Cloud" for name in named_in_cloud.missing(each, in_cloud)),
    ]


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
