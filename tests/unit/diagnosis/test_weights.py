"""The weights Job and the volume of the weights."""

from dataclasses import replace
from typing import Any

import pytest

from ops.diagnosis import Cause, Snapshot
from tests import clusters as c
from tests.unit.diagnosis.case import (
    DECODE,
    DECODE_POD,
    FUSE_DENIED,
    GRAPH,
    WEIGHTS_JOB,
    WELL,
    Case,
    check,
    waiting,
    weights_job,
)

REFUSED = (
    "fetching 30 files\nerror: meta-llama/Llama-3.3-70B-Instruct: the hub rejects the token in HF_TOKEN (HTTP 403); "
    "its account must have accepted the model's terms\n"
)
GATED = c.ended(REFUSED)
FAILED_JOB = c.job(
    WEIGHTS_JOB, c.cond("Failed", True, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
)


def first_deployment(job: dict[str, Any], *pods: dict[str, Any]) -> Snapshot:
    """A cluster whose graph does not exist yet, because `pulumi up` waits for the weights."""
    return replace(WELL, graphs=(), pods=pods, jobs=(job,), claims=(), models={"chat": "it is not deployed"})


CASES = [
    Case(
        "weights being fetched",
        weights_job(failed=2),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)),),
        "for 12 min, after 2 failed attempts; wait",
    ),
    Case(
        "weights not fetched",
        weights_job(c.cond("Failed", True, "BackoffLimitExceeded", "Job has reached the specified backoff limit")),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)),),
        "were not fetched (BackoffLimitExceeded: Job has reached the specified backoff limit)",
    ),
    Case(
        "weights not mounted",
        c.with_events(
            c.contained(WELL, "decode", **waiting("ContainerCreating")),
            c.event("Pod", DECODE, "FailedMount", FUSE_DENIED),
        ),
        ((Cause.WEIGHTS, DECODE_POD),),
        "forbidden; grant the pod's service account storage.objectViewer",
    ),
    Case(
        "weights without a volume",
        c.unplaced(
            WELL, "decode", 'persistentvolumeclaim "weights" not found. still not schedulable, preemption: not eligible'
        ),
        ((Cause.WEIGHTS, DECODE_POD),),
        'the scheduler says: persistentvolumeclaim "weights" not found; see',
    ),
    Case(
        "a gated repository, before there is a graph",
        first_deployment(
            FAILED_JOB, c.job_pod(WEIGHTS_JOB, 0, **c.ended("error: x")), c.job_pod(WEIGHTS_JOB, 5, **GATED)
        ),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)), (Cause.NOT_DEPLOYED, GRAPH)),
        "its last attempt said: error: meta-llama/Llama-3.3-70B-Instruct: the hub rejects the token in HF_TOKEN (HTTP "
        "403)",
        ("accept the model's terms on https://huggingface.co/meta-llama", "then run `pulumi up` again, which replaces"),
    ),
    Case(
        "a gated repository, between two attempts",
        first_deployment(c.job(WEIGHTS_JOB, failed=2), c.job_pod(WEIGHTS_JOB, 1, **GATED)),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)), (Cause.NOT_DEPLOYED, GRAPH)),
        "have been downloading for 12 min, after 2 failed attempts; the last failed attempt said: error: meta-llama",
    ),
    Case(
        "a gated repository, restarted in place",
        first_deployment(
            c.job(WEIGHTS_JOB),
            c.job_pod(
                WEIGHTS_JOB,
                phase="Running",
                conditions=[c.cond("Ready", True)],
                containerStatuses=[
                    {
                        "name": "fetch",
                        "restartCount": 1,
                        "state": {"running": {"startedAt": c.ago(1)}},
                        "lastState": GATED["containerStatuses"][0]["state"],
                    }
                ],
            ),
        ),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)), (Cause.NOT_DEPLOYED, GRAPH)),
        "(HTTP 403)",
    ),
    Case(
        "the scratch folder is full",
        first_deployment(
            FAILED_JOB,
            c.job_pod(
                WEIGHTS_JOB, reason="Evicted", message='Usage of EmptyDir volume "scratch" exceeds the limit "41Gi". '
            ),
        ),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)), (Cause.NOT_DEPLOYED, GRAPH)),
        'said: Evicted: Usage of EmptyDir volume "scratch" exceeds the limit "41Gi". (the CPU node\'s disk is',
    ),
    *(
        Case(
            f"evicted: {message}",
            first_deployment(FAILED_JOB, c.job_pod(WEIGHTS_JOB, reason="Evicted", message=message)),
            ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)), (Cause.NOT_DEPLOYED, GRAPH)),
            "(the CPU node's disk is too small",
        )
        for message in (
            "Pod ephemeral local storage usage exceeds the total limit of containers 10Gi. ",
            'Container fetch exceeded its local ephemeral storage limit "10Gi". ',
            "The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 1Gi. ",
            "The node had condition: [DiskPressure]. ",
        )
    ),
    Case(
        "the disk is full",
        first_deployment(
            FAILED_JOB, c.job_pod(WEIGHTS_JOB, **c.ended("error: a.safetensors: [Errno 28] No space left on device"))
        ),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)), (Cause.NOT_DEPLOYED, GRAPH)),
        "No space left on device (the CPU node's disk is too small",
    ),
    Case(
        "killed for memory use",
        first_deployment(FAILED_JOB, c.job_pod(WEIGHTS_JOB, **c.ended(code=137, reason="OOMKilled"))),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)), (Cause.NOT_DEPLOYED, GRAPH)),
        "said: OOMKilled, exit code 137",
    ),
    Case(
        "deadline exceeded",
        first_deployment(
            c.job(
                WEIGHTS_JOB,
                c.cond("Failed", True, "DeadlineExceeded", "Job was active longer than specified deadline"),
            )
        ),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)), (Cause.NOT_DEPLOYED, GRAPH)),
        "were not fetched (DeadlineExceeded: Job was active longer than specified deadline); see `kubectl",
    ),
    Case(
        "its pod cannot be scheduled",
        first_deployment(
            c.job(WEIGHTS_JOB),
            c.job_pod(
                WEIGHTS_JOB,
                phase="Pending",
                conditions=[
                    c.cond("PodScheduled", False, "Unschedulable", "0/1 nodes are available: 1 Insufficient memory.")
                ],
            )
            | {"spec": {"nodeSelector": {"cloud.google.com/gke-nodepool": "system"}}},
        ),
        (
            (Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)),
            (Cause.RESOURCES, (f"pod/{WEIGHTS_JOB}-0",)),
            (Cause.NOT_DEPLOYED, GRAPH),
        ),
        "are not being fetched: the Job began 12 min ago, but its pod does not run",
    ),
    Case(
        "about to fail, by the label of older clusters",
        first_deployment(
            c.job(WEIGHTS_JOB, c.cond("FailureTarget", True, "BackoffLimitExceeded", "too often")),
            {
                **(pod := c.job_pod(WEIGHTS_JOB, **GATED)),
                "metadata": pod["metadata"] | {"labels": {"job-name": WEIGHTS_JOB}},
            },
        ),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)), (Cause.NOT_DEPLOYED, GRAPH)),
        "were not fetched (BackoffLimitExceeded: too often); its last attempt said: error: meta-llama",
    ),
    Case(
        "the weights are complete, and the graph does not exist yet",
        first_deployment(c.job(WEIGHTS_JOB, c.cond("Complete", True))),
        ((Cause.NOT_DEPLOYED, GRAPH),),
        "the DynamoGraphDeployment does not exist yet: run `pulumi up`",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
