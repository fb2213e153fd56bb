"""The operations of the simulated Google Cloud on its content: create, read, update and delete. Pure.

Errors have the words of Google's APIs and of its provider.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from ops.changes.gcp_inputs import Input
from ops.rehearsal.google import changes, references
from ops.rehearsal.google.cloud import Content, Resource
from ops.rehearsal.google.outputs import Provider, computed, id_of, planned
from ops.rehearsal.google.schema import children, inside
from ops.rehearsal.google.wire import Secret, merged, plain
from policies import kinds

# Types whose creation is an entry in a list: a second one changes nothing and is no error.
IDEMPOTENT = (*kinds.GRANTS, kinds.GOOGLE_API)
# Of a cluster or pool and of the rest; other APIs add a code word.
_EXISTS = "googleapi: Error 409: Already exists: {id}."
_EXISTS_COMPUTE = "googleapi: Error 409: The resource '{id}' already exists, alreadyExists"
_IN_USE = "googleapi: Error 400: The resource '{id}' is already being used by '{user}', resourceInUseByAnotherResource"
# GKE's answer to an update without content (hashicorp/terraform-provider-google issue 15848).
_NOTHING_TO_UPDATE = (
    "googleapi: Error 400: At least one of ['node_version', 'image_type', 'updated_node_pool', 'locations', "
    "'workload_metadata_config', 'upgrade_settings', 'kubelet_config', 'linux_node_config', 'tags', 'taints', "
    "'labels', 'node_network_config', 'gcfs_config', 'gvnic', 'confidential_nodes', 'logging_config', 'fast_socket', "
    "'resource_labels', 'accelerators', 'windows_node_config', 'machine_type', 'disk_type', 'disk_size_gb', "
    "'containerd_config', 'resource_manager_tags'] must be specified., badRequest"
)
# The provider sends these maps of a pool only if they have entries (its node_config.go).
_NEVER_EMPTIED = ("labels", "resourceLabels", "resourceManagerTags")
ERROR = "ERROR"
"""Status of a node pool without nodes."""

# Folder of the SDK → short name of the API, where they differ.
_APIS: Mapping[str, str] = {
    "billing": "billingbudgets",
    "kms": "cloudkms",
    "projects": "cloudresourcemanager",
    "serviceaccount": "iam",
}
_ALWAYS_ON = "serviceusage.googleapis.com"
"""The API that turns on the others."""
_DISABLED = (
    "googleapi: Error 403: {api} has not been used in project {project} before or it is disabled. Enable it by "
    "visiting https://console.developers.google.com/apis/api/{api}/overview?project={project} then retry., "
    "accessNotConfigured (SERVICE_DISABLED)"
)


class ApiError(Exception):
    """Google Cloud refuses an operation."""


def create(content: Content, type_: str, urn: str, inputs: Mapping[str, Any], provider: Provider) -> Resource:
    """Creates a resource. Raises ApiError if it exists, or if it needs another one that does not exist."""
    state = {**planned(type_, inputs, provider), **inputs}
    if (api := _api(type_)) not in content.apis:
        raise ApiError(_DISABLED.format(api=api, project=state.get("project", "")))
    if type_ == kinds.NODE_POOL and {"initialNodeCount", "nodeCount"} <= inputs.keys():
        raise ApiError(f"Cannot set both initial_node_count and node_count on node pool {inputs['name']}")
    if absent := references.missing(content, type_, plain(state)):
        raise ApiError(f"googleapi: Error 404: Not found: {absent}., notFound")
    id_ = id_of(type_, state, content.number())
    if content.find(type_, id_) and type_ not in IDEMPOTENT:
        raise ApiError((_EXISTS_COMPUTE if type_.startswith("gcp:compute/") else _EXISTS).format(id=id_))
    state = merged(computed(type_, id_, state), state)
    resource = Resource(type=type_, id=id_, urn=urn, state=stored(state))
    content.add(resource)
    if type_ == kinds.GOOGLE_API:
        content.apis.add(inputs["service"])
    return resource


def _api(type_: str) -> str:
    folder = type_.removeprefix("gcp:").partition("/")[0]
    if type_ == kinds.GOOGLE_API:
        return _ALWAYS_ON
    return f"{_APIS.get(folder, folder)}.googleapis.com"


def update(content: Content, type_: str, id_: str, inputs: Mapping[str, Any], provider: Provider) -> Resource:
    """Changes a resource in place. Raises ApiError if it does not exist, or if Google Cloud refuses the change."""
    resource = content.find(type_, id_)
    if not resource:
        raise ApiError(f"googleapi: Error 404: Not found: {id_}., notFound")
    if type_ == kinds.NODE_POOL and _emptied(resource.state, plain(inputs)):
        raise ApiError(_NOTHING_TO_UPDATE)
    state = updated(type_, resource.state, inputs, provider)
    resource.state = stored(state)
    return resource


def updated(type_: str, state: Mapping[str, Any], inputs: Mapping[str, Any], provider: Provider) -> dict[str, Any]:
    """The state of a resource after an update in place."""
    return {**changes.applied(type_, state, inputs), **planned(type_, inputs, provider, state)}


def delete(content: Content, type_: str, id_: str) -> list[Resource]:
    """Deletes a resource and what goes with it; what does not exist counts as deleted. Returns what is gone.

    Raises ApiError while another resource uses it.
    """
    resource = content.find(type_, id_)
    if not resource:
        return []
    if users := references.users(content, resource):
        raise ApiError(_IN_USE.format(id=id_, user=users[0].id))
    gone = [resource, *references.parts(content, resource)]
    for each in gone:
        content.remove(each.type, each.id)
    if type_ == kinds.GOOGLE_API and resource.state.get("disableOnDestroy", True):
        content.apis.discard(resource.state["service"])
    return gone


def stored(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state as the file keeps it: a digest of each secret, so that no file of a rehearsal has one in plain text."""
    return {key: _stored(value) for key, value in state.items()}


def _stored(value: Any) -> Any:
    if isinstance(value, Secret):
        inner = value.value
        # Labels, which the SDK counts as secret, are none.
        return _stored(inner) if isinstance(inner, Mapping) else digest(inner)
    if isinstance(value, Mapping):
        return stored(value)
    return [_stored(item) for item in value] if isinstance(value, list) else value


_DIGEST = "sha256:"


def digest(secret: Any) -> str:
    return f"{_DIGEST}{hashlib.sha256(str(plain(secret)).encode()).hexdigest()}"


def digests(kept: Any, path: str = "") -> Iterator[str]:
    """The paths in a stored state that hold the digest of a secret."""
    if isinstance(kept, Mapping):
        for key, value in kept.items():
            yield from digests(value, f"{path}.{key}" if path else key)
    elif isinstance(kept, list):
        for number, item in enumerate(kept):
            yield from digests(item, f"{path}[{number}]")
    elif isinstance(kept, str) and kept.startswith(_DIGEST):
        yield path


def revealed(kept: Any, known: Any) -> Any:
    """A stored state with the secrets of a state that Pulumi has, where the digests agree."""
    if isinstance(known, Secret):
        inner = known.value
        if isinstance(inner, Mapping):
            return Secret(revealed(kept, inner))
        return known if kept == digest(inner) else Secret(kept)
    if isinstance(kept, Mapping) and isinstance(known, Mapping):
        return {key: revealed(value, known.get(key)) for key, value in kept.items()}
    if isinstance(kept, list) and isinstance(known, list) and len(kept) == len(known):
        return [revealed(item, old) for item, old in zip(kept, known, strict=True)]
    return kept


def as_inputs(inputs: Any, kept: Any) -> Any:
    """Old inputs with the values that the cloud has now, for the inputs that the program sets."""
    if isinstance(inputs, Mapping) and isinstance(kept, Mapping):
        return {key: as_inputs(value, kept[key]) for key, value in inputs.items() if key in kept}
    if isinstance(inputs, list) and isinstance(kept, list) and len(inputs) == len(kept):
        return [as_inputs(value, item) for value, item in zip(inputs, kept, strict=True)]
    return inputs if plain(inputs) == plain(kept) else kept


def imported(type_: str, kept: Mapping[str, Any], block: str = "") -> dict[str, Any]:
    """The inputs of a resource that is imported: what the cloud has of them, without the provider's defaults."""
    known = children(type_)[block]
    return {
        key: _imported(type_, f"{block}.{key}" if block else key, known[key], value)
        for key, value in kept.items()
        if key in known and value != known[key].default
    }


def _imported(type_: str, path: str, of: Input, value: Any) -> Any:
    if of.kind == "block":
        return imported(type_, value, inside(path, of))
    return [imported(type_, item, inside(path, of)) for item in value] if of.kind == "blocks" else value


def _emptied(state: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
    """Whether a map of the pool loses its last entry."""
    was, becomes = state.get("nodeConfig", {}), inputs.get("nodeConfig", {})
    return any(was.get(name) and becomes.get(name) == {} for name in _NEVER_EMPTIED)
