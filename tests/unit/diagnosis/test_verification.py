"""The verification Job."""

from dataclasses import replace

import pytest

from ops.diagnosis import Cause
from tests import clusters as c
from tests.unit.diagnosis.case import WELL, Case, check

JOB = "chat-proof-72e850f8"
LABELS = {"dynamo-gke/proof": "chat"}
FAILED = c.cond("Failed", True, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
FAILED_JOB = c.job(JOB, FAILED, labels=LABELS)
TCP = "prefill: 1 worker\nerror: KV transfer: chat-decode moved its KV cache over tcp, and RDMA is required"

REPORT = (
    "verified      answers: 8 of 8\nnot verified  transport: chat-decode-0 reads over tcp\ncannot tell   ranks: no "
    "table of rank 3\nverified      roles: prefill took 8 of 8 requests\n"
)

CASES = [
    Case(
        "failed, with a report of some lines",
        replace(WELL, jobs=(FAILED_JOB,), pods=(*WELL.pods, c.job_pod(JOB, **c.ended(REPORT, name="main")))),
        ((Cause.VERIFICATION, (f"job/{JOB}",)),),
        "it said: not verified transport: chat-decode-0 reads over tcp; cannot tell ranks: no table of rank 3; see",
    ),
    Case(
        "failed, while every pod is Ready",
        replace(WELL, jobs=(FAILED_JOB,), pods=(*WELL.pods, c.job_pod(JOB, **c.ended(TCP, name="main")))),
        ((Cause.VERIFICATION, (f"job/{JOB}",)),),
        "the verification failed (BackoffLimitExceeded: Job has reached the specified backoff limit); it said: error: "
        "KV transfer: chat-decode moved its KV cache over tcp",
        (
            f"`kubectl -n dynamo logs job/{JOB}` and docs/verification-failed.md",
            "run `pulumi up` again, which replaces",
        ),
    ),
    Case(
        "failed, and its pod is gone",
        replace(WELL, jobs=(c.job(JOB, FAILED),)),
        ((Cause.VERIFICATION, (f"job/{JOB}",)),),
        "the verification failed (BackoffLimitExceeded",
    ),
    Case(
        "failed because of its node",
        replace(
            WELL,
            jobs=(FAILED_JOB,),
            pods=(
                *WELL.pods,
                c.job_pod(
                    JOB,
                    reason="Terminated",
                    message="Pod was terminated in response to imminent node shutdown.",
                ),
            ),
        ),
        ((Cause.VERIFICATION, (f"job/{JOB}",)),),
        "it said: Terminated: Pod was terminated in response to imminent node shutdown.",
    ),
    Case(
        "running",
        replace(WELL, jobs=(c.job(JOB, labels=LABELS, active=1),)),
        ((Cause.VERIFICATION, (f"job/{JOB}",)),),
        "the verification has been running for 12 min; the endpoint follows once it passes",
    ),
    Case(
        "its image does not exist",
        replace(
            WELL,
            jobs=(c.job(JOB, labels=LABELS, active=1),),
            pods=(
                *WELL.pods,
                c.job_pod(
                    JOB,
                    phase="Pending",
                    conditions=[c.cond("PodScheduled", True), c.cond("Ready", False)],
                    containerStatuses=[
                        {
                            "name": "main",
                            "image": "nvcr.io/x:1",
                            "state": {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}},
                        }
                    ],
                ),
            ),
        ),
        ((Cause.IMAGE, (f"pod/{JOB}-0",)), (Cause.VERIFICATION, (f"job/{JOB}",))),
        "cannot pull nvcr.io/x:1: manifest unknown",
    ),
    Case(
        "passed",
        replace(WELL, jobs=(c.job(JOB, c.cond("Complete", True), labels=LABELS),)),
        ((Cause.READY, ("dynamographdeployment/chat",)),),
        "all is well",
    ),
    Case(
        "failed for an older graph, passed for this one",
        replace(
            WELL,
            jobs=(
                c.job("chat-proof-00000000", FAILED, labels=LABELS)
                | {"metadata": {"name": "chat-proof-00000000", "creationTimestamp": c.ago(900)}},
                c.job(JOB, c.cond("Complete", True), labels=LABELS),
            ),
        ),
        ((Cause.READY, ("dynamographdeployment/chat",)),),
        "all is well",
    ),
    Case(
        "failed for another graph",
        replace(WELL, jobs=(c.job("chat-2-proof-72e850f8", FAILED, labels={"dynamo-gke/proof": "chat-2"}),)),
        ((Cause.READY, ("dynamographdeployment/chat",)),),
        "all is well",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
