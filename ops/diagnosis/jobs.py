"""Jobs that a graph waits for: how one failed, and the last output of its pods."""

import re
from collections.abc import Iterator

from ops.diagnosis.snapshot import Object, Snapshot, condition, container_statuses, label, name, part

# The second is the label of Kubernetes before 1.27, which is still written.
JOB_LABELS = ("batch.kubernetes.io/job-name", "job-name")
# Words of the kubelet and of programs for a full disk or an exceeded disk limit.
DISK_FULL = r"No space left|[Ee]phemeral|EmptyDir|[Dd]isk|imagefs|nodefs|inodes"


def failure(job: Object) -> Object | None:
    """The condition that says why the Job failed; None if it has not.

    `FailureTarget` comes first (from Kubernetes 1.31 on), `Failed` once the last pod has ended.
    """
    found = (condition(job, kind) for kind in ("Failed", "FailureTarget"))
    return next((failed for failed in found if failed.get("status") == "True"), None)


def pods_of(snapshot: Snapshot, job: Object) -> list[Object]:
    """The Job's pods, oldest first. A retry is a pod of its own."""
    found = [pod for pod in snapshot.pods if name(job) in [label(pod, key) for key in JOB_LABELS]]
    return sorted(found, key=lambda pod: str(part(pod, "metadata", "creationTimestamp")))


def last_output(snapshot: Snapshot, job: Object, pattern: str = r"^$") -> str:
    """The last output of the Job's newest failed pod, or why Kubernetes ended it; empty if none failed.

    Lines that match `pattern` are preferred; without a match, the last line is used.
    """
    words = (words for pod in reversed(pods_of(snapshot, job)) for words in _words(pod, pattern))
    return next(words, "")


def _words(pod: Object, pattern: str) -> Iterator[str]:
    reason, message = part(pod, "status", "reason"), part(pod, "status", "message")
    if reason:
        yield f"{reason}: {message}" if message else str(reason)
    for status in container_statuses(pod):
        # After a restart in place, the earlier attempt is in `lastState`.
        for state in ("state", "lastState"):
            ended = part(status, state, "terminated") or {}
            if ended.get("exitCode"):
                message = str(ended.get("message") or "")
                preferred = [line.strip() for line in message.splitlines() if re.search(pattern, line.strip())]
                said = "; ".join(filter(None, preferred)) or last_line(message)
                yield said or f"{ended.get('reason') or 'no reason'}, exit code {ended['exitCode']}"


def last_line(message: str) -> str:
    return message.strip().rpartition("\n")[2].strip()
