"""Whether the weights are in the bucket."""

import re
from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.jobs import DISK_FULL, failure, last_output, pods_of
from ops.diagnosis.snapshot import Object, holds, name, part, unended
from ops.diagnosis.view import View


def unfetched(view: View, *, waits: bool) -> Iterator[Finding]:
    """The weights Job, unless it is complete, with its last error and the fix.

    `waits` is true if its pod does not run, for which there are other findings.
    """
    job = view.weights_job
    if job is None or holds(job, "Complete"):
        return
    weights, where = f"the weights of {view.graph.card.repository}", f"job/{name(job)}"
    words = last_output(view.snapshot, job)
    if failed := failure(job):
        said = f"; its last attempt said: {words}" if words else ""
        yield view.finding(
            Cause.WEIGHTS,
            f"{weights} were not fetched ({failed.get('reason')}: {failed.get('message')}){said}{_remedy(view, words)}"
            f"; see `{view.kubectl} logs -c fetch {where}`, then run `pulumi up` again, which replaces the Job",
            where,
        )
        return
    since = view.snapshot.age(part(job, "status", "startTime") or part(job, "metadata", "creationTimestamp"))
    tries = part(job, "status", "failed")
    count = f", after {tries} failed attempts" if tries else ""
    said = f"; the last failed attempt said: {words}{_remedy(view, words)}" if words else ""
    if waits:
        message = f"{weights} are not being fetched{count}{said}: the Job began {since} ago, but its pod does not run"
        yield view.finding(Cause.WEIGHTS, message, where)
        return
    yield view.finding(
        Cause.WEIGHTS,
        f"{weights} have been downloading for {since}{count}{said}; wait, or follow `{view.kubectl} logs -f -c fetch "
        f"{where}`",
        where,
    )


def pods_that_fetch(view: View) -> list[Object]:
    """Pods of the weights Job that have not ended."""
    job = view.weights_job
    return [pod for pod in pods_of(view.snapshot, job) if unended(pod)] if job else []


def _remedy(view: View, words: str) -> str:
    """The fix for an error of the script, of Python or of the kubelet; empty if none is known."""
    hub = f"https://huggingface.co/{view.graph.card.repository}"
    remedies = {
        r"HTTP 401": "set the stack's token with `pulumi config set --secret dynamo-gke:hfToken`; the model's "
        "card must say `gated: true`",
        r"HTTP 403": f"accept the model's terms on {hub} with the token's account, or set another token with `pulumi "
        "config set --secret dynamo-gke:hfToken`",
        r"HTTP 429": "the hub limits its rate: wait an hour; files in the bucket stay",
        rf"{DISK_FULL}|scratch folder may hold": "the CPU node's disk is too small "
        "for the files in progress: see docs/weights.md",
        r"Permission denied|Input/output error": "the account weights-writer cannot write to the bucket, or not yet",
    }
    remedy = next((remedy for pattern, remedy in remedies.items() if re.search(pattern, words)), "")
    return f" ({remedy})" if remedy else ""
