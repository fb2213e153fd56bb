"""Containers that the kubelet killed because a probe failed."""

from typing import Any

import pytest

from ops.diagnosis import Cause, Snapshot
from tests import clusters as c
from tests.unit.diagnosis.case import DECODE, DECODE_POD, OOM, WELL, Case, check, waiting

STARTUP = "Container main failed startup probe, will be restarted"
LIVENESS = "Container main failed liveness probe, will be restarted"
REFUSED = 'Startup probe failed: Get "http://10.4.0.7:9090/live": dial tcp 10.4.0.7:9090: connect: connection refused'
TIMED_OUT = (
    'Liveness probe failed: Get "http://10.4.0.7:9090/live": context deadline exceeded (Client.Timeout exceeded while '
    "awaiting headers)"
)
KILLED = {"exitCode": 137, "reason": "Error", "startedAt": c.ago(125), "finishedAt": c.ago(5)}


def restarted(ended: dict[str, Any] = KILLED, **status: Any) -> Snapshot:
    """The decode container restarted four minutes ago, after ending as `ended` says."""
    status = {"started": False, "state": {"running": {"startedAt": c.ago(4)}}} | status
    return c.contained(WELL, "decode", restartCount=1, lastState={"terminated": ended}, **status)


def killing(message: str, minutes: float = 6) -> dict[str, Any]:
    return c.event("Pod", DECODE, "Killing", message, minutes)


def unhealthy(message: str, minutes: float = 7) -> dict[str, Any]:
    return c.event("Pod", DECODE, "Unhealthy", message, minutes)


PROBE = {"httpGet": {"path": "/live", "port": 9090}, "periodSeconds": 5}
BOTH = ((Cause.PROBE, DECODE_POD), (Cause.LOADING, DECODE_POD))

CASES = [
    Case(
        "startup probe",
        c.with_events(restarted(), killing(STARTUP), unhealthy(REFUSED), unhealthy("Readiness probe failed: x", 1)),
        BOTH,
        f"its startup probe (every 10 s, 720 failures allowed: 120 min), whose last answer was: {REFUSED}, restarted 1",
        ("the model took longer to load", f"`kubectl -n dynamo logs {DECODE} -c main --previous`"),
    ),
    Case(
        "startup probe with a known path",
        c.with_events(
            c.changed(restarted(), DECODE, {"spec": {"containers": [{"name": "main", "startupProbe": PROBE}]}}),
            killing(STARTUP),
        ),
        BOTH,
        "its startup probe (GET /live on port 9090 every 5 s, 3 failures allowed: 15 s), restarted",
    ),
    Case(
        "liveness probe",
        c.with_events(restarted(), killing(LIVENESS), unhealthy(TIMED_OUT)),
        BOTH,
        "was killed by its liveness probe, whose last answer was: Liveness probe failed: Get",
        ("the engine hung, or was too busy to answer",),
    ),
    Case(
        "liveness probe, in a crash loop",
        c.with_events(
            c.contained(
                WELL,
                "decode",
                restartCount=6,
                lastState={"terminated": KILLED},
                **waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container"),
            ),
            killing(LIVENESS),
        ),
        ((Cause.PROBE, DECODE_POD),),
        "was killed by its liveness probe, restarted 6 times",
    ),
    Case(
        "liveness probe, being killed now",
        c.with_events(
            c.contained(WELL, "decode", state={"running": {"startedAt": c.ago(80)}}),
            killing(LIVENESS, 1),
            unhealthy(TIMED_OUT, 1),
        ),
        ((Cause.PROBE, DECODE_POD), (Cause.READINESS, DECODE_POD)),
        "was killed by its liveness probe",
    ),
    Case(
        "the container's own exit code after the kill",
        c.with_events(restarted({**KILLED, "exitCode": 143}), killing(STARTUP)),
        BOTH,
        "was killed by its startup probe",
    ),
    Case(
        "out of memory, after an older kill",
        c.with_events(restarted({**KILLED, **OOM}), killing(LIVENESS, 50)),
        ((Cause.CRASH, DECODE_POD), (Cause.LOADING, DECODE_POD)),
        "(OOMKilled, exit code 137)",
    ),
    Case(
        "a crash, after an older kill",
        c.with_events(restarted({**KILLED, "exitCode": 139}), killing(LIVENESS, 50)),
        ((Cause.CRASH, DECODE_POD), (Cause.LOADING, DECODE_POD)),
        "(Error, exit code 139, SIGSEGV)",
    ),
    Case(
        "another container was killed",
        c.with_events(restarted(), killing("Container gke-gcsfuse-sidecar failed liveness probe, will be restarted")),
        ((Cause.CRASH, DECODE_POD), (Cause.LOADING, DECODE_POD)),
        "(Error, exit code 137, SIGKILL)",
    ),
    Case(
        "stopped, but not by a probe",
        c.with_events(restarted({**KILLED, "exitCode": 143}), killing("Stopping container main")),
        ((Cause.CRASH, DECODE_POD), (Cause.LOADING, DECODE_POD)),
        "(Error, exit code 143, SIGTERM)",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
