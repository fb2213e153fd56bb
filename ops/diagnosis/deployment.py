"""A graph in the cluster: whether it exists, the operator's status of it, and missing pods."""

import json
from collections.abc import Iterator

from manifests import labels
from ops.diagnosis.ended import left_over
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import condition, holds, label, part, parts
from ops.diagnosis.view import View
from planning.platform import WEBHOOK_PORT

FINALIZER = "nvidia.com/finalizer"
"""The operator's, on each graph."""
_OF_KUBERNETES = ("foregroundDeletion", "orphan")
"""Finalizers that the garbage collector of Kubernetes removes by itself. Pulumi deletes with the first."""


def not_deployed(view: View, awaited: str) -> Finding:
    """A graph that does not exist yet. `awaited` describes what `pulumi up` waits for first."""
    until = (
        f"`pulumi up` creates it once {awaited}"
        if awaited
        else "run `pulumi up`, with `--refresh` if it was deleted by hand; if that fails with `failed calling "
        f"webhook`, the control plane cannot reach port {WEBHOOK_PORT} of the operator: see the stack's firewall rule"
    )
    return view.finding(Cause.NOT_DEPLOYED, f"the DynamoGraphDeployment does not exist yet: {until}", view.reference)


def not_reconciled(view: View) -> Iterator[Finding]:
    """Deletion of the graph, and whether the operator has processed its latest version."""
    graph = view.deployed
    if since := part(graph, "metadata", "deletionTimestamp"):
        yield view.finding(
            Cause.DELETING,
            f"the graph has been terminating for {view.snapshot.age(since)}; {'; '.join(_holding(view))}",
            view.reference,
        )
        return
    generation, observed = part(graph, "metadata", "generation"), part(graph, "status", "observedGeneration")
    if not parts(graph, "status", "conditions"):
        age = view.snapshot.age(part(graph, "metadata", "creationTimestamp"))
        yield view.finding(
            Cause.OPERATOR,
            f"the operator has written no status in the {age} since the graph was created: it is down, or cannot read "
            "the graph; see its log",
            view.reference,
        )
    elif observed and generation and observed < generation:
        yield view.finding(
            Cause.OPERATOR,
            f"the operator has not processed the graph's latest version yet ({observed} of {generation}); if this "
            "persists, see its log",
            view.reference,
        )
    if part(graph, "status", "state") == "failed":
        yield view.finding(Cause.REFUSED, f"the operator rejects the graph: {_verdict(view)}", view.reference)


def _holding(view: View) -> Iterator[str]:
    """Whose finalizers keep a graph that is being deleted, and what removes them."""
    finalizers = [str(each) for each in part(view.deployed, "metadata", "finalizers") or ()]
    if FINALIZER in finalizers:
        running = any(part(each, "status", "availableReplicas") for each in view.snapshot.operators)
        yield (
            "the operator removes its finalizer once the pods are gone"
            if running
            else f"the operator, which does not run, removes finalizer {FINALIZER}: start it first"
        )
    if others := [each for each in finalizers if each not in (FINALIZER, *_OF_KUBERNETES)]:
        patch = json.dumps({"metadata": {"finalizers": [each for each in finalizers if each not in others]}})
        edit = f"kubectl -n {view.graph.namespace} patch {view.reference} --type merge --patch '{patch}'"
        yield (
            f"the controller that set finalizer {', '.join(others)} has to remove it; "
            f"if none does any more, `{edit}` removes it"
        )
    if FINALIZER not in finalizers and not others:
        yield "Kubernetes deletes what the graph owns, and then the graph"


def missing_pods(view: View, *, explained: bool) -> Iterator[Finding]:
    """Components with too few pods: why their creation was refused, or, unless `explained`, that they are missing."""
    for role, wanted in view.components.items():
        there = sum(label(pod, labels.COMPONENT) == role for pod in view.pods)
        if there >= wanted:
            continue
        refusals = [
            event
            for event in view.snapshot.events
            if event.get("reason") == "FailedCreate"
            and str(part(event, "involvedObject", "name")).startswith(f"{view.graph.name}-{role.lower()}")
        ]
        if refusals:
            says = str(refusals[-1].get("message"))
            owner = part(refusals[-1], "involvedObject")
            yield view.finding(
                Cause.QUOTA if "exceeded quota" in says else Cause.REFUSED,
                f"{role} has {there} of {wanted} pods, creation of the others was refused: {says}",
                f"{str(owner.get('kind')).lower()}/{owner.get('name')}",
            )
        elif not explained:
            yield view.finding(
                Cause.UNEXPLAINED,
                f"{role} has {there} of {wanted} pods, and no event says why; the operator says {_verdict(view)}",
                view.reference,
            )


def ready_finding(view: View) -> Finding:
    """The finding of a graph without other findings: Ready, unless the operator says otherwise."""
    if not holds(view.deployed or {}, "Ready"):
        message = f"every pod is Ready, but the operator says {_verdict(view)}"
        return view.finding(Cause.UNEXPLAINED, message, view.reference)
    listed = view.snapshot.models[view.graph.name]
    models = (
        f"its model list could not be read ({listed})" if isinstance(listed, str) else "the frontend lists the model"
    )
    return view.finding(
        Cause.READY,
        f"all is well: every pod is Ready and routable, and {models}{left_over(view)}",
        view.reference,
    )


def _verdict(view: View) -> str:
    ready = condition(view.deployed or {}, "Ready")
    return f"{ready.get('reason')}: {ready.get('message')}"
