"""One role of a pair was restarted, and the other was not."""

from dataclasses import replace
from typing import Any

import pytest

from ops.diagnosis import Cause, Snapshot
from tests import clusters as c
from tests.stacks import planned
from tests.unit.diagnosis.case import DECODE, GRAPH, PREFILL, WELL, Case, check, with_pod


def restarted(snapshot: Snapshot, pod: str, minutes: float, *, ran: float = 80, loads: float = 10) -> Snapshot:
    """The snapshot with a worker that ran for `ran` minutes, crashed, loaded, and became Ready again `minutes` ago."""
    crashed = minutes + loads
    before = {
        "exitCode": 1,
        "reason": "Error",
        "startedAt": c.ago(crashed + ran),
        "finishedAt": c.ago(crashed),
    }
    (found,) = [p for p in snapshot.pods if p["metadata"]["name"] == pod]
    status: dict[str, Any] = {
        **found["status"]["containerStatuses"][0],
        "restartCount": 1,
        "state": {"running": {"startedAt": c.ago(crashed)}},
        "lastState": {"terminated": before},
    }
    ready = c.cond("Ready", True) | {"lastTransitionTime": c.ago(minutes)}
    return c.changed(
        snapshot, pod, {"status": {"containerStatuses": [status], "conditions": [c.cond("PodScheduled", True), ready]}}
    )


def recreated(snapshot: Snapshot, pod: str, minutes: float) -> Snapshot:
    """The snapshot with a worker's pod that replaced one deleted `minutes` ago."""
    (found,) = [p for p in snapshot.pods if p["metadata"]["name"] == pod]
    status = {**found["status"]["containerStatuses"][0], "state": {"running": {"startedAt": c.ago(minutes - 1)}}}
    change = {"metadata": {"creationTimestamp": c.ago(minutes)}, "status": {"containerStatuses": [status]}}
    return c.changed(snapshot, pod, change)


def flapped(snapshot: Snapshot, pod: str, minutes: float) -> Snapshot:
    """The snapshot with a worker that failed one probe and became Ready again `minutes` ago."""
    ready = c.cond("Ready", True) | {"lastTransitionTime": c.ago(minutes)}
    return c.changed(snapshot, pod, {"status": {"conditions": [c.cond("PodScheduled", True), ready]}})


def verified(snapshot: Snapshot, minutes: float) -> Snapshot:
    """The snapshot with a verification that passed `minutes` ago."""
    job = c.job("chat-proof-72e850f8", c.cond("Complete", True), completionTime=c.ago(minutes))
    return replace(snapshot, jobs=(job,))


WELL_SINCE = ((Cause.READY, GRAPH),)
DECODE_ALONE = ((Cause.STALE_PEERS, (f"pod/{DECODE}", f"pod/{PREFILL}")),)
PREFILL_ALONE = ((Cause.STALE_PEERS, (f"pod/{PREFILL}", f"pod/{DECODE}")),)

# Another decode worker of the same generation.
SECOND = c.pod(next(x for x in WELL.graphs[0]["spec"]["components"] if x["name"] == "decode"), replica=1)
AUTOSCALED = planned({"models.chat.autoscaling": {"decode": {"min": 1, "max": 2}}, "capacity.maxNodes": 3})
OLD = {"metadata": {"creationTimestamp": c.ago(9000)}}

CASES = [
    Case(
        "decode crashed",
        restarted(WELL, DECODE, 3),
        DECODE_ALONE,
        "decode was restarted 13 min ago but prefill was not: prefill workers may hold NIXL agents of the old engine",
        ("docs/runbooks/one-role-restarted.md", f"`kubectl -n dynamo delete pod {PREFILL}`"),
    ),
    Case(
        "prefill crashed",
        restarted(WELL, PREFILL, 3),
        PREFILL_ALONE,
        "prefill was restarted 13 min ago but decode was not",
        (f"`kubectl -n dynamo delete pod {DECODE}`",),
    ),
    Case(
        "decode crashed, at an unknown time",
        c.changed(
            WELL,
            DECODE,
            {
                "status": {
                    "containerStatuses": [
                        {
                            "name": "main",
                            "ready": True,
                            "restartCount": 2,
                            "state": {"running": {"startedAt": c.ago(4)}},
                            "lastState": {"terminated": {"exitCode": 137, "reason": "Error"}},
                        }
                    ]
                }
            },
        ),
        DECODE_ALONE,
        "decode was restarted 4 min ago",
    ),
    Case(
        "decode's pod was deleted",
        recreated(WELL, DECODE, 20),
        DECODE_ALONE,
        "decode was restarted 19 min ago but prefill was not",
    ),
    Case(
        "decode's pod was deleted after a rolling update",
        c.changed(
            recreated(WELL, DECODE, 20),
            "chat",
            {"status": {"rollingUpdate": {"phase": "Completed", "endTime": c.ago(40)}}},
        ),
        DECODE_ALONE,
        "decode was restarted 19 min ago",
    ),
    Case(
        "decode crashed, and then prefill was restarted",
        recreated(restarted(WELL, DECODE, 30), PREFILL, 10),
        WELL_SINCE,
        "all is well",
    ),
    Case(
        "prefill was restarted in place after decode",
        restarted(restarted(WELL, DECODE, 60), PREFILL, 5),
        WELL_SINCE,
        "all is well",
    ),
    Case(
        "both crashed once, a day apart",
        restarted(
            restarted(
                c.changed(c.changed(WELL, PREFILL, OLD), DECODE, OLD),
                PREFILL,
                1440,
            ),
            DECODE,
            3,
            ran=1400,
        ),
        DECODE_ALONE,
        "decode was restarted 13 min ago but prefill was not",
    ),
    Case("both pods replaced together", recreated(recreated(WELL, DECODE, 20), PREFILL, 20), WELL_SINCE, "all is well"),
    Case("verified since", verified(restarted(WELL, DECODE, 3), 1), WELL_SINCE, "all is well"),
    Case("verified before", verified(restarted(WELL, DECODE, 3), 60), DECODE_ALONE, "decode was restarted 13 min ago"),
    Case(
        "decode crashed while it loaded for the first time",
        restarted(WELL, DECODE, 3, ran=2, loads=10),
        WELL_SINCE,
        "all is well",
    ),
    Case(
        "a rolling update replaces pods one by one",
        c.changed(
            recreated(WELL, DECODE, 50),
            "chat",
            {"status": {"rollingUpdate": {"phase": "Completed", "startTime": c.ago(95), "endTime": c.ago(5)}}},
        ),
        WELL_SINCE,
        "all is well",
    ),
    Case(
        "an autoscaler added a worker",
        recreated(with_pod(WELL, SECOND), SECOND["metadata"]["name"], 20),
        WELL_SINCE,
        "all is well",
        plan=AUTOSCALED,
    ),
    Case(
        "the only pod of an autoscaled role was replaced",
        recreated(WELL, DECODE, 10),
        DECODE_ALONE,
        "decode was restarted 9 min ago but prefill was not",
        plan=AUTOSCALED,
    ),
    Case(
        "prefill crashed after it had served, and failed one probe since",
        flapped(restarted(WELL, PREFILL, 60, ran=15), PREFILL, 5),
        PREFILL_ALONE,
        "prefill was restarted 70 min ago but decode was not",
    ),
    Case(
        "prefill crashed after it had served for less than 10 min, and failed one probe since",
        flapped(flapped(restarted(WELL, PREFILL, 60, ran=8), PREFILL, 5), DECODE, 77),
        PREFILL_ALONE,
        "prefill was restarted 70 min ago but decode was not",
    ),
    Case(
        "decode crashed, and its verification failed",
        replace(
            restarted(WELL, DECODE, 3),
            jobs=(c.job("chat-proof-72e850f8", c.cond("Failed", True, "BackoffLimitExceeded", "too often")),),
        ),
        ((Cause.VERIFICATION, ("job/chat-proof-72e850f8",)), *DECODE_ALONE),
        "the verification failed",
    ),
    Case(
        "decode crashed, and a rolling update replaces both",
        c.changed(
            restarted(WELL, DECODE, 3),
            "chat",
            {"status": {"rollingUpdate": {"phase": "InProgress", "startTime": c.ago(9)}}},
        ),
        ((Cause.ROLLING, GRAPH),),
        "in progress for 9 min",
    ),
    Case(
        "decode crashed, and the operator is down",
        replace(restarted(WELL, DECODE, 3), operators=(c.operator(available=False),)),
        ((Cause.OPERATOR, ("deployment/dynamo-platform-dynamo-operator-controller-manager",)), *DECODE_ALONE),
        "",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
