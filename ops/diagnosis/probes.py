"""Containers that the kubelet killed because a probe failed, found by their events."""

import re
from collections.abc import Iterator
from datetime import timedelta

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, name, part, parts, seen, when
from ops.diagnosis.view import View, component, reference

# Text of kubelet 1.20 to 1.36: "Container main failed startup probe, will be restarted".
_KILLED = re.compile(r"Container (\S+) failed (startup|liveness) probe")
# Maximum time between the kill event and the container's end, beyond the grace period.
_SLACK = timedelta(minutes=2)


def killed_by_probe(view: View, pod: Object, status: Object, ended: Object) -> Iterator[Finding]:
    """The probe that killed the container or is killing it; nothing if it ended otherwise."""
    if ended.get("reason") == "OOMKilled" or not (kill := _kill(view, pod, status, ended)):
        return
    probe = kill[2]
    answer = last_answer(view, pod, probe)
    says = f", whose last answer was: {answer}" if answer else ""
    times = int(status.get("restartCount", 0))
    how = (
        "the model took longer to load than the probe allows, or the engine hung while loading"
        if probe == "startup"
        else "the engine hung, or was too busy to answer in time"
    )
    yield view.finding(
        Cause.PROBE,
        f"{component(pod)}'s container {status.get('name')} was killed by its {probe} probe"
        f"{asked(pod, status, probe)}{says}, restarted {times} times: {how}; see `{view.kubectl} logs {name(pod)} -c "
        f"{status.get('name')}{' --previous' if times else ''}`",
        reference(pod),
    )


def _kill(view: View, pod: Object, status: Object, ended: Object) -> re.Match[str] | None:
    """The newest kill event, if it belongs to this end of the container or to the one in progress."""
    for event in reversed(view.snapshot.events_of("Pod", name(pod), "Killing")):
        kill = _KILLED.search(str(event.get("message")))
        if kill and kill[1] == status.get("name"):
            return kill if _fits(pod, status, ended, event) else None
    return None


def _fits(pod: Object, status: Object, ended: Object, event: Object) -> bool:
    killed = seen(event)
    started = when(part(status, "state", "running", "startedAt"))
    if started and killed > started:
        return True
    over = when(ended.get("finishedAt"))
    grace = timedelta(seconds=int(part(pod, "spec", "terminationGracePeriodSeconds") or 30))
    return over is None or -_SLACK <= over - killed <= grace + _SLACK


def last_answer(view: View, pod: Object, kind: str) -> str:
    """The probe's last failure in the kubelet's words; empty without an event."""
    failures = [
        str(event.get("message")).strip().rstrip(".")
        for event in view.snapshot.events_of("Pod", name(pod), "Unhealthy", "ProbeWarning")
        if str(event.get("message")).lower().startswith(f"{kind} probe")
    ]
    return failures[-1] if failures else ""


def asked(pod: Object, status: Object, kind: str) -> str:
    """` (GET /live on port 9090 every 10 s, 720 failures allowed: 120 min)`; empty without this probe."""
    every_one = (*parts(pod, "spec", "initContainers"), *parts(pod, "spec", "containers"))
    containers = [c for c in every_one if c.get("name") == status.get("name")]
    probe = part(containers[0], f"{kind}Probe") if containers else None
    if not probe:
        return ""
    http, tcp, command = part(probe, "httpGet"), part(probe, "tcpSocket"), part(probe, "exec", "command")
    what = (
        f"GET {http.get('path', '/')} on port {http.get('port')} "
        if http
        else f"a connection to port {tcp.get('port')} "
        if tcp
        else f"`{' '.join(map(str, command))}` "
        if command
        else ""
    )
    every, allowed = int(probe.get("periodSeconds", 10)), int(probe.get("failureThreshold", 3))
    seconds = every * allowed
    total = f"{seconds // 60} min" if seconds >= 120 else f"{seconds} s"
    return f" ({what}every {every} s, {allowed} failures allowed: {total})"
