"""Jobs that a graph waits for: how one ended, and the last words of its pods."""

import re
from collections.abc import Iterator

from ops.diagnosis.snapshot import Object, Snapshot, condition, container_statuses, label, name, part

# The second is the label of Kubernetes before 1.27, which is still written.
JOB_LABELS = ("batch.kubernetes.io/job-name", "job-name")
# How the kubelet and programs word that a disk or a limit of one is full, in the several ways that each has.
DISK_FULL = r"No space left|[Ee]phemeral|EmptyDir|[Dd]isk|imagefs|nodefs|inodes"


def failure(job: Object) -> Object | None:
    """The condition that says why the Job failed; None while it has not.

    `FailureTarget` comes first (from Kubernetes 1.31 on), `Failed` once the last pod has ended.
    """
    found = (condition(job, kind) for kind in ("Failed", "FailureTarget"))
    return next((failed for failed in found if failed.get("status") == "True"), None)


def pods_of(snapshot: Snapshot, job: Object) -> list[Object]:
    """The Job's pods, oldest first. A retry is a pod of its own."""
    found = [pod for pod in snapshot.pods if name(job) in [label(pod, key) for key in JOB_LABELS]]
    return sorted(found, key=lambda pod: str(part(pod, "metadata", "creationTimestamp")))


def last_words(snapshot: Snapshot, job: Object, telling: str = r"^$") -> str:
    """What the Job's newest pod that failed said in the end, or why Kubernetes ended it; empty where none did.

    Of its last lines those count that match `telling`; the very last one where none does.
    """
    words = (words for pod in reversed(pods_of(snapshot, job)) for words in _words(pod, telling))
    return next(words, "")


def _words(pod: Object, telling: str) -> Iterator[str]:
    reason, message = part(pod, "status", "reason"), part(pod, "status", "message")
    if reason:
        yield f"{reason}: {message}" if message else str(reason)
    for status in container_statuses(pod):
        # With restarts in place the try before is in `lastState`.
        for state in ("state", "lastState"):
            ended = part(status, state, "terminated") or {}
            if ended.get("exitCode"):
                message = str(ended.get("message") or "")
                told = [line.strip() for line in message.splitlines() if re.search(telling, line.strip())]
                said = "; ".join(filter(None, told)) or last_line(message)
                yield said or f"{ended.get('reason') or 'no reason'}, exit code {ended['exitCode']}"


def last_line(message: str) -> str:
    return message.strip().rpartition("\n")[2].strip()
