"""What a destroy left behind: in the simulated cloud, in the cluster, in Pulumi's state."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.rehearsal.engine.events import is_resource, short
from ops.rehearsal.engine.named_objects import Name, group_of, name_of
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.kube import Kube, NotFound
from policies import kinds


@dataclass(frozen=True, kw_only=True)
class Object:
    """An object that the stack created in the cluster."""

    api_version: str
    kind: str
    name: str
    namespace: str | None

    @property
    def called(self) -> Name:
        """The object whatever its version, because the API server may prefer another than the stack's."""
        return Name(group_of(self.api_version), self.kind, self.name, self.namespace)

    def __str__(self) -> str:
        return str(self.called)


def objects(resources: Iterable[Mapping[str, Any]]) -> list[Object]:
    """The Kubernetes objects in a state. A Release is none: its objects lie in a namespace that is one."""
    found: list[Object] = []
    for resource in resources:
        outputs = resource.get("outputs") or {}
        metadata = outputs.get("metadata") or {}
        if resource["type"].startswith("kubernetes:") and outputs.get("kind") and metadata.get("name"):
            found.append(
                Object(
                    api_version=outputs["apiVersion"],
                    kind=outputs["kind"],
                    name=metadata["name"],
                    namespace=metadata.get("namespace"),
                )
            )
    return found


def outlived(created: Iterable[Object], deleted_with_cluster: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each object of the stack that only the deletion of its cluster removed.

    In Google Cloud such a Service leaves its load balancer behind, and such a claim its disk.
    """
    had = {name_of(each) for each in deleted_with_cluster}
    for each in created:
        if each.called in had:
            yield f"the cluster was deleted while it still had {each}"


def kept(state: Iterable[Mapping[str, Any]], *, weights: bool) -> list[Mapping[str, Any]]:
    """The resources of a state that a destroy forgets and does not delete, as the documentation says: GKE's grant
    on `cluster.secretsKey`, and with `weights` the bucket. What else the program keeps is left over."""
    types = (kinds.KEY_GRANT, *((kinds.BUCKET,) if weights else ()))
    return [resource for resource in state if resource.get("retainOnDelete") and resource["type"] in types]


def in_cloud(resources: Sequence[Resource], kept: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each resource of Google Cloud that should be gone, or should still exist.

    `resources`: those that exist; `kept`: those of the state that the destroy does not delete.
    """
    staying = {(each["type"], each["id"]): each["urn"] for each in kept}
    existing = {(each.type, each.id): each.urn for each in resources}
    for (type_, id_), urn in existing.items():
        if (type_, id_) not in staying:
            yield f"Google Cloud still has {short(urn)}: {id_}"
    for key in staying.keys() - existing.keys():
        yield f"{short(staying[key])} was deleted, although the program keeps it"


def in_stack(kube: Kube, created: Iterable[Object], state: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each object in the cluster and each resource in the state that should be gone."""
    for each in created:
        if _exists(kube, each):
            yield f"the cluster still has {each}"
    for resource in state:
        if is_resource(resource["urn"]):
            yield f"Pulumi's state still has {short(resource['urn'])}"


def _exists(kube: Kube, each: Object) -> bool:
    try:
        kube.get(each.api_version, each.kind, each.name, each.namespace)
    except NotFound:
        return False
    return True
