"""What the webhooks of Dynamo's operator change and refuse. Pure.

Read in the sources of operator 1.5, for graphs of plain Deployments. Not shown: other rules of NVIDIA's, and those of
newer versions.
"""

import re
from collections.abc import Iterator
from typing import Any

from ops.rehearsal.platform import names
from ops.rehearsal.platform.names import Object

_MAX_COMPONENTS = 25
_RELEASE = re.compile(r"v?\d+\.\d+\.\d+([-+.].*)?")
_PLANNER = re.compile(r"system:serviceaccount:[^:]+:planner-serviceaccount")
"""The account that the operator creates in each namespace of a graph."""
_NEEDS_GROVE = ("minAvailable", "topologyConstraint", "providerOverride")


def defaults(graph: Object, operation: str, version: str) -> list[dict[str, Any]]:
    """The JSON patch of the mutating webhook: one replica where none is given, and the operator's version."""
    patch: list[dict[str, Any]] = [
        {"op": "add", "path": f"/spec/components/{i}/replicas", "value": 1}
        for i, component in enumerate(names.components(graph))
        if "replicas" not in component
    ]
    annotations = graph["metadata"].get("annotations", {})
    if operation == "CREATE" and names.ORIGIN_VERSION not in annotations:
        stamped = {**annotations, names.ORIGIN_VERSION: version}
        patch.append({"op": "add", "path": "/metadata/annotations", "value": stamped})
    return patch


def errors(new: Object, old: Object | None, user: str, operator: str) -> list[str]:
    """Why the validating webhook refuses a graph. `old`: None at creation; `user`, `operator`: names of identities."""
    if new["metadata"].get("deletionTimestamp"):
        return []  # only the finalizer goes
    found = list(_of_graph(new))
    if old is not None:
        found += _of_change(new, old)
        if user != operator and not _PLANNER.fullmatch(user):
            found += _of_replicas(new, old)
    return found


def _of_graph(graph: Object) -> Iterator[str]:
    components, spec = names.components(graph), graph["spec"]
    if not components:
        yield "spec.components must have at least one component"
    if len(components) > _MAX_COMPONENTS:
        yield f"spec.components must have at most {_MAX_COMPONENTS} components"
    lower = [component["name"].lower() for component in components]
    for name in sorted({name for name in lower if lower.count(name) > 1}):
        yield f"spec.components: the name {name} occurs more than once, ignoring case"
    if sum(component.get("type") == "epp" for component in components) > 1:
        yield "spec.components must have at most one component of type epp"
    if "priorityClassName" in spec:
        yield "spec.priorityClassName requires the Grove pathway, but Grove is disabled in the operator configuration"
    for component in components:
        yield from _of_component(component)


def _of_component(component: Object) -> Iterator[str]:
    path = f"spec.components[{component['name']}]"
    containers = component.get("podTemplate", {}).get("spec", {}).get("containers", ())
    images = [each.get("image", "") for each in containers if each["name"] == "main"]
    if len(images) != 1 or not images[0]:
        yield f"{path}.podTemplate: one container must be called main and have an image"
    elif "runtimeVersionOverride" not in component and not _RELEASE.fullmatch(images[0].rpartition(":")[2]):
        yield f"{path}.runtimeVersionOverride is required, because the tag of {images[0]} is no version"
    for field in _NEEDS_GROVE:
        if field in component:
            yield f"{path}.{field} requires the Grove pathway, but Grove is disabled in the operator configuration"
    if "multinode" in component:
        yield f"{path}.multinode needs Grove or LeaderWorkerSet, and the cluster has neither"


def _of_change(new: Object, old: Object) -> Iterator[str]:
    if new["spec"].get("backendFramework") != old["spec"].get("backendFramework"):
        yield "spec.backendFramework is immutable and cannot be changed after creation"
    before = {component["name"]: component for component in names.components(old)}
    after = {component["name"]: component for component in names.components(new)}
    changed = [f"components added: {added}" for added in [sorted(after.keys() - before.keys())] if added]
    changed += [f"components removed: {removed}" for removed in [sorted(before.keys() - after.keys())] if removed]
    if changed:
        yield f"component topology is immutable and cannot be modified after creation: {', '.join(changed)}"
    for name in sorted(before.keys() & after.keys()):
        if before[name].get("type") != after[name].get("type"):
            yield f"spec.components[{name}].type is immutable after creation"
    noted = [each["metadata"].get("annotations", {}).get(names.ORIGIN_VERSION) for each in (old, new)]
    if noted[0] and noted[0] != noted[1]:
        yield f"annotation {names.ORIGIN_VERSION} is immutable once set"


def _of_replicas(new: Object, old: Object) -> Iterator[str]:
    before = {component["name"]: component.get("replicas", 1) for component in names.components(old)}
    for component in names.components(new):
        name = component["name"]
        if "scalingAdapter" in component and name in before and before[name] != component.get("replicas", 1):
            yield (
                f"spec.components[{name}].replicas cannot be modified directly when scaling adapter is enabled; "
                "scale or update the related DynamoGraphDeploymentScalingAdapter instead"
            )
