"""Generations of workers: a rolling update in progress, and workers of an older generation that hold GPUs."""

import re
from collections.abc import Iterator
from datetime import timedelta

from manifests import labels
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, holds, label, name, part, parts, when
from ops.diagnosis.view import View, is_worker, reference

# The operator's annotations of the current generation; objects carry the first as a label.
CURRENT_HASH = ("nvidia.com/current-worker-hash", "nvidia.com/current-worker-hash-v2")

# A pod that exists longer than this after its deletion time has a broken node.
OVERDUE = timedelta(minutes=2)


def generations(view: View) -> Iterator[Finding]:
    """A rolling update, left-over workers of an older generation, and terminating workers."""
    rolling = part(view.deployed, "status", "rollingUpdate") or {}
    if rolling.get("phase") in ("Pending", "InProgress"):
        done = ", ".join(rolling.get("updatedComponents") or []) or "none"
        yield view.finding(
            Cause.ROLLING,
            f"a rolling update of all workers has been in progress for {view.snapshot.age(rolling.get('startTime'))}, "
            f"done: {done}; each new worker replaces an old one and loads the model, so wait",
            view.reference,
        )
    elif rolling.get("phase") == "Failed":
        yield view.finding(
            Cause.REFUSED, "the operator gave up its rolling update of the workers; see its log", view.reference
        )
    else:
        yield from _left_over(view)
    yield from _ending(view)


def _left_over(view: View) -> Iterator[Finding]:
    pods: dict[str, list[Object]] = {}
    for pod in view.pods:
        if is_worker(pod) and (generation := label(pod, labels.WORKER_HASH)):
            pods.setdefault(generation, []).append(pod)
    deployments: dict[str, list[Object]] = {}
    for deployment in view.snapshot.components:
        if generation := _generation(view, deployment):
            deployments.setdefault(generation, []).append(deployment)
    existing = sorted({*pods, *deployments})
    if len(existing) < 2:
        return
    current = _current(view, existing, pods, deployments)
    count = ", ".join(f"{len(pods.get(generation, []))} of {generation}" for generation in existing)
    says = f"workers of {len(existing)} generations exist ({count}) but no rolling update is in progress"
    if current is None:
        yield view.finding(
            Cause.OLD_GENERATION,
            f"{says}; the older one holds GPUs, but nothing shows which one that is: see `{view.kubectl} get "
            f"dynamocomponentdeployments -L {labels.WORKER_HASH}` and delete the old ones",
            *(reference(pod) for generation in existing for pod in pods.get(generation, [])),
        )
        return
    old = [generation for generation in existing if generation != current]
    names = sorted(
        {name(deployment) for generation in old for deployment in deployments.get(generation, [])}
        or {_deployment_of(view, pod, generation) for generation in old for pod in pods.get(generation, [])}
    )
    serves = any(holds(pod, "Ready") for pod in pods.get(current, []))
    until = "" if serves else "; requests then fail until the new workers have loaded the model"
    yield view.finding(
        Cause.OLD_GENERATION,
        f"{says}: the operator does not remove {' and '.join(old)}, whose workers hold GPUs; current is {current}"
        f"; delete the old ones with `{view.kubectl} delete dynamocomponentdeployment {' '.join(names)}`{until}",
        *(f"dynamocomponentdeployment/{deployment}" for deployment in names),
        *(reference(pod) for generation in old for pod in pods.get(generation, [])),
    )


def _generation(view: View, deployment: Object) -> str | None:
    """The worker generation of a DynamoComponentDeployment of this graph that runs, or is to run, pods."""
    owners = [str(owner.get("name")) for owner in parts(deployment, "metadata", "ownerReferences")]
    if view.graph.name not in (label(deployment, labels.GRAPH), *owners):
        return None
    deleted = part(deployment, "metadata", "deletionTimestamp")
    if deleted or part(deployment, "spec", "replicas") == 0:
        return None
    suffix = re.search(r"-([0-9a-f]{8})$", name(deployment))
    return label(deployment, labels.WORKER_HASH) or (suffix[1] if suffix else None)


def _current(
    view: View, existing: list[str], pods: dict[str, list[Object]], deployments: dict[str, list[Object]]
) -> str | None:
    """The generation in the graph's annotation, else the newest one; None if two are equally new."""
    annotations = part(view.deployed, "metadata", "annotations") or {}
    for key in CURRENT_HASH:
        if annotations.get(key) in existing:
            return str(annotations[key])

    def created_at(generation: str) -> str:
        members = deployments.get(generation) or pods.get(generation) or []
        return max(str(part(member, "metadata", "creationTimestamp") or "") for member in members)

    newest = max(map(created_at, existing))
    last = [generation for generation in existing if created_at(generation) == newest]
    return last[0] if len(last) == 1 else None


def _deployment_of(view: View, pod: Object, generation: str) -> str:
    """The name that the operator gives a worker's DynamoComponentDeployment."""
    return f"{view.graph.name}-{str(label(pod, labels.COMPONENT)).lower()}-{generation}"


def _ending(view: View) -> Iterator[Finding]:
    overdue = [pod for pod in view.ending_workers if _overdue(view, pod)]
    if on_time := [pod for pod in view.ending_workers if pod not in overdue]:
        grace = max(int(part(pod, "spec", "terminationGracePeriodSeconds") or 30) for pod in on_time)
        yield view.finding(
            Cause.OLD_GENERATION,
            f"workers that are terminating finish their answers within {grace} s and hold their GPUs until then",
            *map(reference, on_time),
        )
    for pod in overdue:
        yield view.finding(
            Cause.OLD_GENERATION,
            f"a terminating worker is {view.snapshot.age(_deadline(pod))} past its grace period and still "
            f"holds its GPUs: its node does not answer or cannot stop it; see `kubectl describe node "
            f"{part(pod, 'spec', 'nodeName')}`; once the machine is off, `{view.kubectl} delete pod {name(pod)} "
            "--force`",
            reference(pod),
        )


def _overdue(view: View, pod: Object) -> bool:
    deadline = when(_deadline(pod))
    return deadline is not None and view.snapshot.taken - deadline > OVERDUE


def _deadline(pod: Object) -> object:
    """Kubernetes writes the end of the grace period into `deletionTimestamp`."""
    return part(pod, "metadata", "deletionTimestamp")
