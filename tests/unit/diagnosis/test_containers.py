"""Pods on a node that are not Ready."""

import pytest

from ops.diagnosis import Cause
from tests import clusters as c
from tests.unit.diagnosis.case import (
    BACK_OFF,
    DECODE,
    DECODE_NODE,
    DECODE_POD,
    FUSE_DENIED,
    IMAGE,
    LOADING,
    NOT_FOUND,
    OOM,
    WELL,
    Case,
    check,
    waiting,
)

CASES = [
    Case(
        "node reclaimed",
        c.without(c.contained(WELL, "decode", state={"running": {"startedAt": c.ago(80)}}), "nodes", DECODE_NODE),
        ((Cause.CAPACITY, DECODE_POD),),
        f"is on node {DECODE_NODE}, which is gone",
    ),
    Case(
        "node reclaimed, and the pod still looks Ready",
        c.without(WELL, "nodes", DECODE_NODE),
        ((Cause.CAPACITY, DECODE_POD),),
        f"is on node {DECODE_NODE}, which is gone",
    ),
    Case(
        "image not found",
        c.with_events(
            c.contained(WELL, "decode", **waiting("ImagePullBackOff", BACK_OFF)),
            c.event("Pod", DECODE, "Failed", NOT_FOUND),
            c.event("Pod", DECODE, "Failed", "Error: ErrImagePull"),
        ),
        ((Cause.IMAGE, DECODE_POD),),
        f"cannot pull {IMAGE}: failed to pull and unpack image",
    ),
    Case(
        "image refused",
        c.contained(
            WELL,
            "decode",
            **waiting(
                "ErrImagePull",
                "rpc error: code = Unknown desc = failed to fetch anonymous token: 401 Unauthorized",
            ),
        ),
        ((Cause.IMAGE, DECODE_POD),),
        "401 Unauthorized; give the namespace a pull secret",
    ),
    Case(
        "image being pulled, after a retried mount",
        c.with_events(
            c.contained(WELL, "decode", **waiting("ContainerCreating")),
            c.event("Pod", DECODE, "FailedMount", FUSE_DENIED, 6),
            c.event("Pod", DECODE, "Pulling", f'Pulling image "{IMAGE}"', 4),
        ),
        ((Cause.IMAGE, DECODE_POD),),
        "has been pulling its image for 4 min",
    ),
    Case(
        "secret missing",
        c.contained(WELL, "decode", **waiting("CreateContainerConfigError", 'secret "hf-token" not found')),
        ((Cause.START, DECODE_POD),),
        'CreateContainerConfigError: secret "hf-token" not found',
    ),
    Case(
        "waiting, and no event says why",
        c.contained(WELL, "decode", **waiting("ContainerCreating")),
        ((Cause.UNEXPLAINED, DECODE_POD),),
        "has been waiting (ContainerCreating) for 90 min, and no event says why",
    ),
    Case(
        "crash loop",
        c.contained(
            WELL,
            "decode",
            restartCount=5,
            **waiting("CrashLoopBackOff", "back-off 5m0s restarting"),
            lastState={
                "terminated": {"exitCode": 1, "reason": "Error", "message": "Traceback\nValueError: no KV connector\n"}
            },
        ),
        ((Cause.CRASH, DECODE_POD),),
        "(Error, exit code 1: ValueError: no KV connector), restarted 5 times; see `kubectl",
    ),
    Case(
        "NIXL without UCX",
        c.contained(
            WELL,
            "decode",
            restartCount=2,
            **waiting("CrashLoopBackOff", "back-off 5m0s restarting"),
            lastState={
                "terminated": {
                    "exitCode": 1,
                    "reason": "Error",
                    "message": "ValueError: NIXL backend 'UCX' not found. Available: []\nscheduler hit an exception\n",
                }
            },
        ),
        ((Cause.CRASH, DECODE_POD),),
        "; NIXL did not find its UCX plugin: LD_LIBRARY_PATH",
    ),
    Case(
        "out of memory, loading after a restart",
        c.contained(WELL, "decode", restartCount=2, lastState={"terminated": OOM}, **LOADING),
        ((Cause.CRASH, DECODE_POD), (Cause.LOADING, DECODE_POD)),
        "(OOMKilled, exit code 137), restarted 2 times; it took",
    ),
    Case(
        "loading the model",
        c.contained(WELL, "decode", **LOADING),
        ((Cause.LOADING, DECODE_POD),),
        "decode has been loading the model for 6 min (restarted after 120 min); wait",
    ),
    Case(
        "readiness probe",
        c.with_events(
            c.contained(WELL, "decode", state={"running": {"startedAt": c.ago(80)}}),
            c.event("Pod", DECODE, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", 2),
            c.event("Pod", DECODE, "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500", 1),
        ),
        ((Cause.READINESS, DECODE_POD),),
        "readiness probe: Readiness probe failed: HTTP probe failed with statuscode: 503",
    ),
    Case(
        "sandbox",
        c.with_events(
            c.contained(WELL, "decode", **waiting("ContainerCreating")),
            c.event(
                "Pod",
                DECODE,
                "FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to set up\nCNI",
            ),
        ),
        ((Cause.START, DECODE_POD),),
        "decode has no sandbox yet: failed to set up CNI",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
