"""Failures that an engine's own message names, explained by `status` with a remedy."""

from dataclasses import replace

import pytest

from ops.diagnosis import Cause
from planning.types import Plan
from tests import clusters as c
from tests.stacks import planned
from tests.unit.diagnosis.case import Case, check

SGLANG = planned({"models.chat.engine": {"name": "sglang"}})
TRTLLM = planned({"models.chat.engine": {"name": "trtllm"}})
WELL = c.running(SGLANG)
JOB = "chat-proof-72e850f8"
FAILED = c.cond("Failed", True, "BackoffLimitExceeded", "Job has reached the specified backoff limit")


def verification(said: str) -> Case:
    report = f"not verified  answer sane: prompt 1 of 4 got no answer: HTTP 500: {said}\n"
    job = c.job(JOB, FAILED, labels={"dynamo-gke/proof": "chat"})
    return Case(
        "failed verification",
        replace(WELL, jobs=(job,), pods=(*WELL.pods, c.job_pod(JOB, **c.ended(report, name="main")))),
        ((Cause.VERIFICATION, (f"job/{JOB}",)),),
        said,
        plan=SGLANG,
    )


def crash(said: str, plan: Plan = SGLANG) -> Case:
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": f"{said}\nscheduler hit an exception\n"}}
    waits = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    return Case(
        "crash",
        c.contained(c.running(plan), "prefill", restartCount=2, state=waits, lastState=ended),
        ((Cause.CRASH, (f"pod/{c.pod_name('prefill')}",)),),
        "restarted 2 times",
        plan=plan,
    )


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Request 17 timed out after 300.0s in KVPoll.Bootstrapping", "port 30001 of prefill"),
        ("Prefill bootstrap failed for request rank=0", "port 30001 of prefill"),
        ("Decode handshake failed for request rank=0", "port 30001 of prefill"),
        ("Page size mismatch: prefill server has page_size=32", "started with different settings"),
    ],
)
def test_a_failed_verification_names_the_engines_failure(said: str, remedy: str) -> None:
    check(replace(verification(said), also=(remedy,)))


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("RuntimeError: NIXL agent creation failed", "NIXL could not start"),
        ("ValueError: NIXL backend 'UCX' not found. Available: []", "did not find its UCX plugin"),
        ("RuntimeError: Error fetching prefill server info from bootstrap: timeout", "port 30001 of prefill"),
    ],
)
def test_a_crash_names_the_engines_failure(said: str, remedy: str) -> None:
    check(replace(crash(said), also=(remedy,)))


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("RuntimeError: NIXL agent creation failed", "NIXL could not start"),
        ("E0514 nixl_agent.cpp:265] getPluginParams: backend 'UCX' not found", "did not find its UCX plugin"),
        ("Assertion failed: Disaggregated serving is not enabled", "has no cache_transceiver_config"),
        ("kv_cache_config.foo\n  Extra inputs are not permitted [type=extra_forbidden]", "remove it from extraArgs"),
    ],
)
def test_a_crash_of_tensorrt_llm_is_explained(said: str, remedy: str) -> None:
    check(replace(crash(said, TRTLLM), also=(remedy,)))


def test_an_unknown_failure_is_not_explained() -> None:
    case = crash("ValueError: something else")
    check(case)
    with pytest.raises(AssertionError):
        check(replace(case, also=("NIXL",)))
