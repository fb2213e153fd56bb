"""Whether the verification Job of a graph has passed."""

import re
from collections.abc import Iterator

from manifests import labels
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.jobs import failure, last_words, pods_of
from ops.diagnosis.snapshot import Object, holds, name, part, unended
from ops.diagnosis.view import View

# How the lines of its report begin that are not passed.
NOT_PASSED = r"^(not verified|cannot tell|NOT PROVEN|error:)"


def verification_job(view: View) -> Object | None:
    """The graph's newest verification Job: a graph that changes gets another one, under another name."""
    found = [job for job in view.snapshot.jobs if _verifies(job, view.graph.name)]
    return max(found, key=lambda job: str(part(job, "metadata", "creationTimestamp")), default=None)


def unverified(view: View, *, waits: bool) -> Iterator[Finding]:
    """The verification Job, unless it is complete. None is no finding: `pulumi up` has not come to it yet.

    `waits` says that its pod does not run; why, other findings tell.
    """
    job = verification_job(view)
    if job is None or holds(job, "Complete"):
        return
    where = f"job/{name(job)}"
    if failed := failure(job):
        words = last_words(view.snapshot, job, NOT_PASSED)
        said = f"; it said: {words}" if words else ""
        yield view.finding(
            Cause.VERIFICATION,
            f"the verification failed ({failed.get('reason')}: {failed.get('message')}){said}; see `{view.kubectl} "
            f"logs {where}` and docs/verification-failed.md, then run `pulumi up` again, which replaces the Job",
            where,
        )
        return
    since = view.snapshot.age(part(job, "status", "startTime") or part(job, "metadata", "creationTimestamp"))
    if waits:
        message = f"the verification began {since} ago, and its pod does not run"
        yield view.finding(Cause.VERIFICATION, message, where)
        return
    yield view.finding(
        Cause.VERIFICATION,
        f"the verification runs since {since}; the endpoint follows once it has passed; wait, or follow "
        f"`{view.kubectl} logs -f {where}`",
        where,
    )


def pods_that_verify(view: View) -> list[Object]:
    """Pods of the verification Job that have not ended."""
    job = verification_job(view)
    return [pod for pod in pods_of(view.snapshot, job) if unended(pod)] if job else []


def _verifies(job: Object, graph: str) -> bool:
    marked = part(job, "spec", "template", "metadata", "labels", labels.VERIFICATION)
    named = re.fullmatch(rf"{re.escape(graph)}-proof-[0-9a-f]{{8}}", name(job))
    return marked == graph or (not marked and named is not None)
