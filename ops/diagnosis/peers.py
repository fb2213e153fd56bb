"""One role of a prefill-decode pair restarted alone, so that the other may hold NIXL agents of engines that are gone.

Bug reports for several engines describe pairs that look Ready but transfer no KV cache after one role restarted, until
the other role restarted too. The failure is intermittent and invisible in the Kubernetes API. So a restart is a finding
until the other role restarts or a verification passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from manifests import labels
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, condition, holds, label, name, part, parts, when
from ops.diagnosis.verification import verification_job
from ops.diagnosis.view import View, component, reference

# A role that restarts within this time after the other counts as the fix, not as another incident.
CURE_WITHIN = timedelta(hours=2)
# A first deployment and the end of a rolling update create the pods of both roles within this time.
TOGETHER = timedelta(minutes=30)
# A run that lasted this long counts as having served, however late the pod last became Ready.
SERVES_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class _Engine:
    """The current engine process of a worker pod."""

    pod: Object
    started: datetime
    since: datetime | None
    """When the previous engine that had served ended; None if there was none."""


def stale_peers(view: View) -> Iterator[Finding]:
    """Workers that have been running since before a restart of the other role."""
    if not view.graph.kv_transfer:
        return
    engines = {role: _engines(view, role) for role in ("prefill", "decode")}
    verified = when(part(verification_job(view), "status", "completionTime"))
    for role, other in (("prefill", "decode"), ("decode", "prefill")):
        restarted = [engine for engine in engines[role] if _counts(engine, verified, engines[other])]
        stale = [engine for engine in engines[other] if _older(engine, restarted)]
        if not stale:
            continue
        pods = " ".join(name(engine.pod) for engine in stale)
        which = ", ".join(f"{component(e.pod)} was restarted {view.snapshot.age(e.started)} ago" for e in restarted[:1])
        yield view.finding(
            Cause.STALE_PEERS,
            f"{which} but {other} was not: {other} workers may hold NIXL agents of the old engine, and transfers to "
            f"the new one then fail or hang while every pod is Ready; check with docs/runbooks/one-role-restarted.md, "
            f"or restart them too: `{view.kubectl} delete pod {pods}`",
            *(reference(engine.pod) for engine in (*restarted, *stale)),
        )


def _counts(restart: _Engine, verified: datetime | None, others: list[_Engine]) -> bool:
    """Whether a restart may have left stale agents: not verified since, and not the fix of another restart."""
    return bool(restart.since) and not (verified and verified > restart.started) and not _cures(restart, others)


def _older(engine: _Engine, restarted: list[_Engine]) -> bool:
    """Whether an engine has run since before one of the restarts."""
    return any(restart.since and engine.started < restart.since for restart in restarted)


def _cures(restart: _Engine, others: list[_Engine]) -> bool:
    """Whether the other role restarted shortly before, so that this restart follows the advice."""
    return any(
        other.since is not None and timedelta(0) <= restart.started - other.started < CURE_WITHIN for other in others
    )


def _engines(view: View, role: str) -> list[_Engine]:
    pods = [pod for pod in view.pods if label(pod, labels.COMPONENT_TYPE) == role]
    found = [engine for pod in pods if holds(pod, "Ready") and (engine := _engine(view, pod))]
    # While an older pod of the role runs, a younger one may come from scaling up.
    if not all(_replaced(view, pod) for pod in pods):
        return found
    return [
        engine if engine.since else _Engine(pod=engine.pod, started=engine.started, since=_created(engine.pod))
        for engine in found
    ]


def _engine(view: View, pod: Object) -> _Engine | None:
    """The engine in a pod's main container; None if it does not run."""
    status, started = _main(pod), _started(pod)
    if started is None:
        return None
    before = part(status, "lastState", "terminated")
    served = before is not None and int(status.get("restartCount") or 0) > 0 and _served(view, before)
    return _Engine(
        pod=pod, started=started, since=(when((before or {}).get("finishedAt")) or started) if served else None
    )


def _served(view: View, before: Object) -> bool:
    """Whether the previous run lasted longer than loading takes, so that peers could connect to it.

    Peers do not notice a crash during loading. A run without times counts as having served.
    """
    began, over = when(before.get("startedAt")), when(before.get("finishedAt"))
    return began is None or over is None or over - began >= _loading(view)


def _loading(view: View) -> timedelta:
    """How long loading takes: the shortest time from start to Ready among the workers, up to `SERVES_AFTER`.

    A failed probe can move one pod's Ready time long after its first Ready, so the shortest time is used.
    """
    times = [
        (_started(pod), when(condition(pod, "Ready").get("lastTransitionTime")))
        for pod in view.pods
        if label(pod, labels.COMPONENT_TYPE) in ("prefill", "decode") and holds(pod, "Ready")
    ]
    loads = [ready - started for started, ready in times if started and ready and ready > started]
    return min([*loads, SERVES_AFTER])


def _main(pod: Object) -> Object:
    return next((s for s in parts(pod, "status", "containerStatuses") if s.get("name") == "main"), {})


def _started(pod: Object) -> datetime | None:
    return when(part(_main(pod), "state", "running", "startedAt"))


def _replaced(view: View, pod: Object) -> bool:
    """Whether a pod is younger than its generation of workers, so that it replaced another one."""
    created, generation = _created(pod), label(pod, labels.WORKER_HASH)
    complete = when(part(view.deployed, "status", "rollingUpdate", "endTime"))
    if complete is None:
        members = (*view.snapshot.components, *view.pods)
        same = [member for member in members if label(member, labels.WORKER_HASH) == generation]
        births = [birth for member in same if (birth := _created(member))]
        complete = min(births, default=None)
        complete = complete and complete + TOGETHER
    return bool(created and complete and created > complete)


def _created(thing: Object) -> datetime | None:
    return when(part(thing, "metadata", "creationTimestamp"))
