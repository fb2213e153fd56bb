"""Why a scheduled pod is not Ready: node, volume, image, container, crash, loading. Knows the texts of the kubelet
and of GKE's Cloud Storage FUSE driver."""

import re
import signal
from collections.abc import Iterator

from ops.diagnosis import known_failures
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.jobs import last_line
from ops.diagnosis.probes import asked, killed_by_probe, last_answer
from ops.diagnosis.snapshot import Object, condition, container_statuses, holds, name, part, parts, seen
from ops.diagnosis.view import View, component, reference

_IMAGE_WAITS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_PREPARATION_FAILURES = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedPrepareDynamicResources")
_START_WAITS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreStartHookError")


def unready(view: View, pod: Object) -> Iterator[Finding]:
    """Why a scheduled pod is not Ready: the first obstacle, and past crashes."""
    for status in container_statuses(pod):
        if found := list(_of_container(view, pod, status)):
            yield from found
            return
    ready = condition(pod, "Ready")
    yield view.finding(
        Cause.UNEXPLAINED,
        f"{component(pod)} is {part(pod, 'status', 'phase')} and not Ready "
        f"({ready.get('reason') or 'no reason given'}: {ready.get('message') or 'no message'})",
        reference(pod),
    )


def _of_container(view: View, pod: Object, status: Object) -> Iterator[Finding]:
    """Why one container is not ready; nothing if it is."""
    waiting = part(status, "state", "waiting") or {}
    ended = part(status, "state", "terminated") or {}
    reason = waiting.get("reason")
    if reason in _IMAGE_WAITS:
        yield _image(view, pod, status, str(waiting.get("message") or reason))
    elif reason in _START_WAITS:
        yield view.finding(
            Cause.START,
            f"{component(pod)} cannot start container {status.get('name')}: {reason}: {waiting.get('message')}",
            reference(pod),
        )
    elif reason == "CrashLoopBackOff" or ended.get("exitCode"):
        yield from _ended(view, pod, status, ended or part(status, "lastState", "terminated") or {})
    elif waiting:
        yield _not_started(view, pod, status)
    elif part(status, "state", "running") and not status.get("ready"):
        yield from _running(view, pod, status)


def _running(view: View, pod: Object, status: Object) -> Iterator[Finding]:
    """Why a running container is not ready, and how it last ended."""
    last = part(status, "lastState", "terminated") or {}
    if last.get("exitCode"):
        yield from _ended(view, pod, status, last)
    else:
        yield from killed_by_probe(view, pod, status, last)
    yield _loading(view, pod, status) if status.get("started") is False else _failing_probe(view, pod, status)


def node_lost(view: View, pod: Object) -> Finding | None:
    """A pod whose node is gone or silent: it looks as it did when its node was last heard of, and so may look Ready."""
    on = str(part(pod, "spec", "nodeName"))
    node = next((node for node in view.snapshot.nodes if name(node) == on), None)
    if node is None:
        message = f"is on node {on}, which is gone: reclaimed or deleted; a new pod will replace it and wait for a node"
        return view.finding(Cause.CAPACITY, f"{component(pod)} {message}", reference(pod))
    if not holds(node, "Ready"):
        ready = condition(node, "Ready")
        message = f"is on node {on}, which is not Ready ({ready.get('reason')}: {ready.get('message')})"
        return view.finding(Cause.CAPACITY, f"{component(pod)} {message}", reference(pod), f"node/{on}")
    return None


def _image(view: View, pod: Object, status: Object, message: str) -> Finding:
    failures = view.snapshot.events_of("Pod", name(pod), "Failed")
    pulls = [str(event.get("message")) for event in failures if "Failed to pull image" in str(event.get("message"))]
    # The back-off message names only the image; the event before it has the registry's answer.
    says = (pulls or [message])[-1] if message.startswith("Back-off") else message
    why = says.rpartition("desc = ")[2]
    return view.finding(
        Cause.IMAGE,
        f"{component(pod)} cannot pull {status.get('image')}: {why.strip().rstrip('.')}" + _image_remedy(why.lower()),
        reference(pod),
    )


def _image_remedy(why: str) -> str:
    """The fix for the registry's reason; empty if none is known."""
    remedies = {
        "not found|manifest unknown": "; the tag does not exist: see versions.runtime",
        "unauthorized|denied|403|401": "; give the namespace a pull secret of type kubernetes.io/dockerconfigjson, or "
        "the nodes' account a reader role on the registry",
        "toomanyrequests|429": "; the registry limits the rate: wait, or pull from a copy in Artifact Registry",
        "i/o timeout|no such host|deadline exceeded|connection refused": "; the node cannot reach the registry: see "
        "Cloud NAT and DNS",
        "no space left": "; the node's boot disk is full",
    }
    return next((remedy for pattern, remedy in remedies.items() if re.search(pattern, why)), "")


def _ended(view: View, pod: Object, status: Object, ended: Object) -> Iterator[Finding]:
    """Why a container ended: a failed probe, or a crash."""
    yield from [*killed_by_probe(view, pod, status, ended)] or [_crash(view, pod, status, ended)]


def _crash(view: View, pod: Object, status: Object, ended: Object) -> Finding:
    times = int(status.get("restartCount", 0))
    how = f"{ended.get('reason') or 'unknown reason'}, exit code {ended.get('exitCode', 'unknown')}{_signal(ended)}"
    says = f": {last_line(str(ended['message']))}" if ended.get("message") else ""
    remedy = (
        "it took more memory than its limit or the node has"
        if ended.get("reason") == "OOMKilled"
        else f"see `{view.kubectl} logs {name(pod)} -c {status.get('name')}{' --previous' if times else ''}`"
    )
    return view.finding(
        Cause.CRASH,
        f"{component(pod)}'s container {status.get('name')} ended ({how}{says}), restarted {times} times; {remedy}"
        f"{known_failures.remedy(view, str(ended.get('message')))}",
        reference(pod),
    )


def _signal(ended: Object) -> str:
    """The signal that an exit code stands for: 139 → `, SIGSEGV`. Container runtimes add it to 128."""
    code, known = ended.get("exitCode"), {s.value: s.name for s in signal.Signals}
    if ended.get("reason") == "OOMKilled" or not isinstance(code, int) or code - 128 not in known:
        return ""
    return f", {known[code - 128]}"


def _not_started(view: View, pod: Object, status: Object) -> Finding:
    """A container that waits for its sandbox, a volume, its image or an earlier container."""
    events = view.snapshot.events_of("Pod", name(pod), *_PREPARATION_FAILURES, "Pulling", "Pulled")
    last = events[-1] if events else {}
    if last.get("reason") in _PREPARATION_FAILURES:
        return _preparation_failed(view, pod, last)
    if last.get("reason") == "Pulling":
        return view.finding(
            Cause.IMAGE,
            f"{component(pod)} has been pulling its image for {view.snapshot.age(seen(last))}; wait, a runtime image "
            "is larger than 10 GB",
            reference(pod),
        )
    return view.finding(
        Cause.UNEXPLAINED,
        f"{component(pod)}'s container {status.get('name')} has been waiting "
        f"({part(status, 'state', 'waiting', 'reason')}) for "
        f"{view.snapshot.age(part(pod, 'metadata', 'creationTimestamp'))}, and no event says why",
        reference(pod),
    )


def _preparation_failed(view: View, pod: Object, event: Object) -> Finding:
    says = str(event.get("message"))
    why = says.rpartition("desc = ")[2]
    if event.get("reason") in ("FailedMount", "FailedAttachVolume"):
        return view.finding(
            Cause.WEIGHTS, f"{component(pod)} cannot mount a volume: {why}{_mount_remedy(says)}", reference(pod)
        )
    if event.get("reason") == "FailedPrepareDynamicResources":
        return view.finding(
            Cause.CLAIM,
            f"{component(pod)} has a NIC claim, but the node cannot prepare the NICs: {why}",
            reference(pod),
        )
    return view.finding(Cause.START, f"{component(pod)} has no sandbox yet: {why}", reference(pod))


def _mount_remedy(says: str) -> str:
    """The fix for a message of the Cloud Storage FUSE driver; empty for other drivers."""
    remedies = {
        "PermissionDenied|Error 403": "; grant the pod's service account storage.objectViewer on the bucket",
        "find the sidecar container": '; the pod lacks the annotation gke-gcsfuse/volumes: "true"',
        "bucket doesn't exist|bucket .*not exist": "; the bucket's name is wrong, or the bucket was deleted",
        "ResourceExhausted|signal: killed": "; the FUSE sidecar ran out of memory: raise gke-gcsfuse/memory-limit",
        "not found in the list of registered CSI drivers": "; the driver is disabled in the cluster, or not yet "
        "running on the node",
    }
    return next((remedy for pattern, remedy in remedies.items() if re.search(pattern, says)), "")


def _loading(view: View, pod: Object, status: Object) -> Finding:
    since = view.snapshot.age(part(status, "state", "running", "startedAt"))
    return view.finding(
        Cause.LOADING,
        f"{component(pod)} has been loading the model for {since}{_startup_limit(pod, status)}; wait, or follow "
        f"`{view.kubectl} logs -f {name(pod)} -c {status.get('name')}`",
        reference(pod),
    )


def _startup_limit(pod: Object, status: Object) -> str:
    probe = next(
        (c.get("startupProbe") for c in parts(pod, "spec", "containers") if c.get("name") == status.get("name")), None
    )
    if not probe:
        return ""
    seconds = int(probe.get("periodSeconds", 10)) * int(probe.get("failureThreshold", 3))
    return f" (restarted after {seconds // 60} min)"


def _failing_probe(view: View, pod: Object, status: Object) -> Finding:
    answer = last_answer(view, pod, "readiness")
    says = f": {answer}" if answer else ", and no event says why"
    return view.finding(
        Cause.READINESS,
        f"{component(pod)} runs but fails its readiness probe{asked(pod, status, 'readiness')}{says}",
        reference(pod),
    )
