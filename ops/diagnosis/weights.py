"""Whether the weights are in the bucket yet."""

from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, condition, holds, label, name, part
from ops.diagnosis.view import View

JOB_LABEL = "batch.kubernetes.io/job-name"


def unfetched(view: View) -> Iterator[Finding]:
    """The weights Job, unless it is complete."""
    job = view.weights_job
    if job is None or holds(job, "Complete"):
        return
    weights, where = f"the weights of {view.graph.card.repository}", f"job/{name(job)}"
    failed = condition(job, "Failed")
    if failed.get("status") == "True":
        yield view.finding(
            Cause.WEIGHTS,
            f"{weights} were not fetched ({failed.get('reason')}: {failed.get('message')}); see `kubectl -n "
            f"{view.namespace} logs {where}`, then `pulumi up` again",
            where,
        )
        return
    since = view.snapshot.age(part(job, "status", "startTime") or part(job, "metadata", "creationTimestamp"))
    tries = part(job, "status", "failed")
    yield view.finding(
        Cause.WEIGHTS,
        f"{weights} are being fetched since {since}{f', after {tries} failed tries' if tries else ''}; wait, or follow "
        f"`kubectl -n {view.namespace} logs -f {where}`",
        where,
    )


def pods_of_job(view: View) -> list[Object]:
    """Pods of the weights Job that have not ended."""
    job = view.weights_job
    return [
        pod
        for pod in view.snapshot.pods
        if job and label(pod, JOB_LABEL) == name(job) and part(pod, "status", "phase") in ("Pending", "Running")
    ]
