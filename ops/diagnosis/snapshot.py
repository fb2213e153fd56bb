"""What a diagnosis looks at: a cluster's objects as the Kubernetes API gives them, and ways to ask for their parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from manifests import labels

# An object or a part of one with the names of the wire, such as `{"metadata": {"name": …}, "status": {…}}`.
Object = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A cluster at one moment; the workload namespace where a kind is namespaced, and the operator's Deployments."""

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
    """DynamoComponentDeployments, the operator's own: one a component, of workers one a generation."""
    operators: tuple[Object, ...] = ()
    releases: tuple[Object, ...] = ()
    """Helm's records of the platform's release, without their content; none where those may not be read."""
    models: Mapping[str, tuple[str, ...] | str]
    """For every graph that is asked about what its frontend lists under `/v1/models`, or why that could not be read."""

    def events_of(self, kind: str, name: str, *reasons: str) -> list[Object]:
        """The events about an object that have one of the reasons, oldest first."""
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
        """How long ago, in the largest unit of which there are two: `6 min`; `an unknown time` for no time."""
        then = moment if isinstance(moment, datetime) else when(moment)
        if then is None:
            return "an unknown time"
        seconds = max(0, int((self.taken - then).total_seconds()))
        units = (("d", 86400), ("h", 3600), ("min", 60))
        return next((f"{seconds // size} {unit}" for unit, size in units if seconds >= 2 * size), f"{seconds} s")


def part(thing: Object | None, *keys: str) -> Any:
    """The value at a path of keys; None where there is none."""
    here: Any = thing
    for key in keys:
        here = here.get(key) if isinstance(here, Mapping) else None
    return here


def parts(thing: Object | None, *keys: str) -> list[Object]:
    """The list of objects at a path of keys; empty where there is none."""
    return part(thing, *keys) or []


def name(thing: Object) -> str:
    return str(part(thing, "metadata", "name"))


def label(thing: Object, key: str) -> str | None:
    return part(thing, "metadata", "labels", key)


def condition(thing: Object, kind: str) -> Object:
    """The condition of that type; empty when the object has none such."""
    return next((c for c in parts(thing, "status", "conditions") if c.get("type") == kind), {})


def holds(thing: Object, kind: str) -> bool:
    return condition(thing, kind).get("status") == "True"


def unended(pod: Object) -> bool:
    """Whether a pod runs or is to run. One that failed or succeeded holds no GPU, no NIC and no room."""
    return part(pod, "status", "phase") not in ("Failed", "Succeeded")


def container_statuses(pod: Object) -> Iterator[Object]:
    """Init containers first, in the order in which they run."""
    yield from parts(pod, "status", "initContainerStatuses")
    yield from parts(pod, "status", "containerStatuses")


def when(moment: object) -> datetime | None:
    """A time of the wire, RFC 3339; None for anything else."""
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
