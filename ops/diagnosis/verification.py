"""Whether the verification Job of a graph has passed."""

import re
from collections.abc import Iterator

from manifests import labels
from ops.diagnosis import known_failures
from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.jobs import failure, last_output, pods_of
from ops.diagnosis.snapshot import Object, holds, name, part, unended
from ops.diagnosis.view import View

# Beginnings of report lines that did not pass; earlier versions wrote NOT PROVEN.
NOT_PASSED = r"^(not verified|cannot tell|NOT PROVEN|error:)"


def verification_job(view: View) -> Object | None:
    """The graph's newest verification Job; each version of the graph has its own."""
    found = [job for job in view.snapshot.jobs if _verifies(job, view.graph.name)]
    return max(found, key=lambda job: str(part(job, "metadata", "creationTimestamp")), default=None)


def unverified(view: View, *, waits: bool) -> Iterator[Finding]:
    """The verification Job, unless it is complete. A missing Job is no finding, because `pulumi up` creates it late.

    `waits` is true if its pod does not run, for which there are other findings.
    """
    job = verification_job(view)
    if job is None or holds(job, "Complete"):
        return
    where = f"job/{name(job)}"
    if failed := failure(job):
        words = last_output(view.snapshot, job, NOT_PASSED)
        said = f"; it said: {words}" if words else ""
        yield view.finding(
            Cause.VERIFICATION,
            f"the verification failed ({failed.get('reason')}: {failed.get('message')}){said}; see `{view.kubectl} "
            f"logs {where}` and docs/verification-failed.md, then run `pulumi up` again, which replaces the Job"
            f"{known_failures.remedy(view, words)}",
            where,
        )
        return
    since = view.snapshot.age(part(job, "status", "startTime") or part(job, "metadata", "creationTimestamp"))
    if waits:
        message = f"the verification began {since} ago, but its pod does not run"
        yield view.finding(Cause.VERIFICATION, message, where)
        return
    yield view.finding(
        Cause.VERIFICATION,
        f"the verification has been running for {since}; the endpoint follows once it passes; wait, or follow "
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
