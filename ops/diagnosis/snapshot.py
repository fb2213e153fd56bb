"""Snapshot of a cluster: objects as the Kubernetes API returns them, with accessors for their parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from manifests import labels

# An object or a part of one with the API's field names, such as `{"metadata": {"name": …}, "status": {…}}`.
Object = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A cluster at one moment: namespaced kinds of the workload namespace, and the operator's Deployments."""

    taken: datetime
    graphs: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    events: tuple[Object, ...] = ()
    nodes: tuple[Object, ...] = ()
    claims: tuple[Object, ...] = ()
    claim_templates: tuple[Object, ...] = ()
    endpoint_slices: tuple[Object, ...] = ()
    worker_metadata: tuple[Object, ...] = ()
    jobs: tuple[Object, ...] = ()
    services: tuple[Object, ...] = ()
    components: tuple[Object, ...] = ()
    """DynamoComponentDeployments that the operator creates: one per component; for workers one per generation."""
    operators: tuple[Object, ...] = ()
    releases: tuple[Object, ...] = ()
    """Helm's records of the platform's release, without content; empty if the caller may not read them."""
    models: Mapping[str, tuple[str, ...] | str]
    """Graph → the models that its frontend lists under `/v1/models`, or why the list could not be read."""

    def events_of(self, kind: str, name: str, *reasons: str) -> list[Object]:
        """Events about an object with one of these reasons, oldest first."""
        found = [
            event
            for event in self.events
            if part(event, "involvedObject", "kind") == kind
            and part(event, "involvedObject", "name") == name
            and event.get("reason") in reasons
        ]
        return sorted(found, key=seen)

    def nodes_of(self, pool: str) -> list[Object]:
        return [node for node in self.nodes if label(node, labels.NODE_POOL) == pool]

    def age(self, moment: object) -> str:
        """How long ago, in the largest unit that gives at least 2, such as `6 min`; `an unknown time` for None."""
        then = moment if isinstance(moment, datetime) else when(moment)
        if then is None:
            return "an unknown time"
        seconds = max(0, int((self.taken - then).total_seconds()))
        units = (("d", 86400), ("h", 3600), ("min", 60))
        return next((f"{seconds // size} {unit}" for unit, size in units if seconds >= 2 * size), f"{seconds} s")


def part(thing: Object | None, *keys: str) -> Any:
    """The value at a path of keys, or None."""
    here: Any = thing
    for key in keys:
        here = here.get(key) if isinstance(here, Mapping) else None
    return here


def parts(thing: Object | None, *keys: str) -> list[Object]:
    """The list of objects at a path of keys; empty if missing."""
    return part(thing, *keys) or []


def name(thing: Object) -> str:
    return str(part(thing, "metadata", "name"))


def label(thing: Object, key: str) -> str | None:
    return part(thing, "metadata", "labels", key)


def condition(thing: Object, kind: str) -> Object:
    """The condition of this type; empty if missing."""
    return next((c for c in parts(thing, "status", "conditions") if c.get("type") == kind), {})


def holds(thing: Object, kind: str) -> bool:
    return condition(thing, kind).get("status") == "True"


def unended(pod: Object) -> bool:
    """Whether a pod runs or will run. A failed or succeeded pod holds no resources."""
    return part(pod, "status", "phase") not in ("Failed", "Succeeded")


def container_statuses(pod: Object) -> Iterator[Object]:
    """Init containers first, in the order in which they run."""
    yield from parts(pod, "status", "initContainerStatuses")
    yield from parts(pod, "status", "containerStatuses")


def when(moment: object) -> datetime | None:
    """An RFC 3339 time; None for anything else."""
    try:
        return datetime.fromisoformat(moment) if isinstance(moment, str) else None
    except ValueError:
        return None


def seen(event: Object) -> datetime:
    """When an event was last seen; core and events.k8s.io keep it in different fields."""
    for keys in (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("metadata", "creationTimestamp")):
        if moment := when(part(event, *keys)):
            return moment
    return datetime.fromtimestamp(0, UTC)
