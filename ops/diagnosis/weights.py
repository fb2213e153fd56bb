"""Whether the weights are in the bucket yet."""

from collections.abc import Iterator

from ops.diagnosis.findings import Cause, Finding
from ops.diagnosis.snapshot import Object, condition, holds, label, name, part
from ops.diagnosis.view import View
from spec import names

JOB_LABEL = "batch.kubernetes.io/job-name"


def unfetched(view: View) -> Iterator[Finding]:
    """The weights Jobs that are not complete."""
    weights = f"the weights of {view.graph.card.repository}"
    for job in view.weights_jobs:
        failed, where = condition(job, "Failed"), f"job/{name(job)}"
        if failed.get("status") == "True":
            yield view.finding(
                Cause.WEIGHTS,
                f"{weights} were not fetched ({failed.get('reason')}: {failed.get('message')}); see `kubectl -n "
                f"{names.NAMESPACE} logs {where}`, then `pulumi up` again",
                where,
            )
        elif not holds(job, "Complete"):
            since = view.snapshot.age(part(job, "status", "startTime") or part(job, "metadata", "creationTimestamp"))
            tries = part(job, "status", "failed")
            yield view.finding(
                Cause.WEIGHTS,
                f"{weights} are being fetched since {since}{f', after {tries} failed tries' if tries else ''}; wait, "
                f"or follow `kubectl -n {names.NAMESPACE} logs -f {where}`",
                where,
            )


def pods_of_jobs(view: View) -> list[Object]:
    """Pods of the weights Jobs that have not ended."""
    jobs = {name(job) for job in view.weights_jobs}
    return [
        pod
        for pod in view.snapshot.pods
        if label(pod, JOB_LABEL) in jobs and part(pod, "status", "phase") in ("Pending", "Running")
    ]
