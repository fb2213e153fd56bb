"""Whether requests reach Ready pods: endpoints, worker registration, model list."""

from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, holds, name, part, parts
from ops.diagnosis.view import View, component, is_worker, reference
from planning import names


def unreached(view: View) -> Iterator[Finding]:
    """Ready pods that receive no requests."""
    for pod in view.pods:
        if holds(pod, "Ready"):
            yield from _unreached(view, pod)


def unlisted(view: View) -> Iterator[Finding]:
    """A model that the frontend does not list."""
    listed = view.snapshot.models[view.graph.name]
    if not isinstance(listed, str) and view.graph.served_name not in listed:
        yield view.finding(
            Cause.ROUTING,
            f"the frontend lists {', '.join(listed) or 'no model'} instead of {view.graph.served_name}: a model is "
            "listed once workers of every role have registered it; see the frontend's log",
            f"service/{names.frontend_service(view.graph.name)}",
        )


def _unreached(view: View, pod: Object) -> Iterator[Finding]:
    if not any(
        _serves(endpoint, pod) for piece in view.snapshot.endpoint_slices for endpoint in parts(piece, "endpoints")
    ):
        yield view.finding(
            Cause.ROUTING,
            f"{component(pod)} is Ready but not ready in any EndpointSlice, so it receives no requests; this takes "
            "seconds, after that see the Service's selector",
            reference(pod),
        )
    elif is_worker(pod) and not any(_of_pod(data, pod) for data in view.snapshot.worker_metadata):
        yield view.finding(
            Cause.ROUTING,
            f"{component(pod)} is Ready but has no DynamoWorkerMetadata, so the router does not know it: its service "
            f"account, {names.runtime_account(view.graph.name)}, needs the Role that the operator creates, "
            f"{names.discovery_role(view.graph.name)}",
            reference(pod),
        )


def _serves(endpoint: Object, pod: Object) -> bool:
    # An unset `ready` counts as ready, by the API's definition.
    return part(endpoint, "targetRef", "name") == name(pod) and part(endpoint, "conditions", "ready") is not False


def _of_pod(metadata: Object, pod: Object) -> bool:
    """Whether a pod wrote this metadata: workers name it after the pod, or make the pod its owner."""
    owners = [str(owner.get("name")) for owner in parts(metadata, "metadata", "ownerReferences")]
    return name(pod) in owners or name(metadata) == name(pod)
