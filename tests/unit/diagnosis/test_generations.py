"""Rolling updates, and workers left over from them."""

from dataclasses import replace
from typing import Any

import pytest

from ops.diagnosis import Cause
from tests import clusters as c
from tests.unit.diagnosis.case import (
    DECODE,
    DECODE_POD,
    ELSEWHERE,
    GRAPH,
    PREFILL,
    WELL,
    Case,
    check,
    scheduler,
    second_decode_worker,
    with_pod,
)

OLD, NEW = "1f2e3d4c", "9a8b7c6d"


def younger(role: str) -> dict[str, Any]:
    """A worker of the new generation, created twenty minutes ago."""
    (component,) = [x for x in WELL.graphs[0]["spec"]["components"] if x["name"] == role]
    pod = c.pod(component, NEW)
    return {**pod, "metadata": {**pod["metadata"], "creationTimestamp": c.ago(20)}}


CASES = [
    Case(
        "rolling update",
        c.changed(
            with_pod(WELL, second_decode_worker()),
            "chat",
            {
                "status": {
                    "rollingUpdate": {"phase": "InProgress", "startTime": c.ago(9), "updatedComponents": ["prefill"]}
                }
            },
        ),
        ((Cause.ROLLING, GRAPH),),
        "in progress for 9 min, done: prefill",
    ),
    Case(
        "rolling update given up",
        c.changed(WELL, "chat", {"status": {"rollingUpdate": {"phase": "Failed"}}}),
        ((Cause.REFUSED, GRAPH),),
        "gave up its rolling update",
    ),
    Case(
        "two generations, and nothing says which is older",
        with_pod(WELL, second_decode_worker()),
        ((Cause.OLD_GENERATION, (f"pod/{PREFILL}", f"pod/{DECODE}", f"pod/{c.pod_name('decode', '9a8b7c6d')}")),),
        "2 of 1f2e3d4c, 1 of 9a8b7c6d",
    ),
    Case(
        "a generation left over, holding the GPUs of the new one",
        replace(
            waits := c.unplaced(
                with_pod(WELL, younger("decode")), "decode", scheduler("1 Insufficient nvidia.com/gpu", ELSEWHERE)
            ),
            components=(c.component_deployment("decode", OLD, 5000), c.component_deployment("decode", NEW, 20)),
        ),
        (
            (Cause.OLD_GENERATION, (f"dynamocomponentdeployment/chat-decode-{OLD}", f"pod/{PREFILL}", f"pod/{DECODE}")),
            (Cause.RESOURCES, DECODE_POD),
        ),
        f"the operator does not remove {OLD}, whose workers hold GPUs; current is {NEW}; delete the old ones "
        f"with `kubectl -n dynamo delete dynamocomponentdeployment chat-decode-{OLD}`",
    ),
    Case(
        "a rolling update whose new worker finds no GPUs",
        c.changed(
            c.unplaced(
                with_pod(WELL, younger("decode")), "decode", scheduler("1 Insufficient nvidia.com/gpu", ELSEWHERE)
            ),
            "chat",
            {"status": {"rollingUpdate": {"phase": "InProgress", "startTime": c.ago(30)}}},
        ),
        ((Cause.RESOURCES, DECODE_POD), (Cause.ROLLING, GRAPH)),
        "until enough new workers run: if this one needs their GPUs, it never finishes; then run `pulumi config set "
        "--path 'dynamo-gke:models.chat.updateStrategy' recreate`",
    ),
    Case(
        "a generation left over, by the graph's own annotation",
        c.changed(
            replace(
                WELL,
                components=(c.component_deployment("decode", OLD, 20), c.component_deployment("decode", NEW, 20)),
            ),
            "chat",
            {"metadata": {"annotations": {"nvidia.com/current-worker-hash": OLD}}},
        ),
        ((Cause.OLD_GENERATION, (f"dynamocomponentdeployment/chat-decode-{NEW}",)),),
        f"delete the old ones with `kubectl -n dynamo delete dynamocomponentdeployment chat-decode-{NEW}`",
    ),
    Case(
        "a generation left over, identified by its pods alone",
        with_pod(WELL, younger("decode")),
        (
            (
                Cause.OLD_GENERATION,
                (
                    f"dynamocomponentdeployment/chat-decode-{OLD}",
                    f"dynamocomponentdeployment/chat-prefill-{OLD}",
                    f"pod/{PREFILL}",
                    f"pod/{DECODE}",
                ),
            ),
        ),
        f"delete dynamocomponentdeployment chat-decode-{OLD} chat-prefill-{OLD}`",
    ),
    Case(
        "a generation left over that is scaled to zero, and one that is being deleted",
        replace(
            WELL,
            components=(
                c.component_deployment("decode", NEW, 20, replicas=0),
                c.component_deployment("decode", OLD, 5000),
                {
                    **(gone := c.component_deployment("prefill", "00000000", 9000)),
                    "metadata": {**gone["metadata"], "deletionTimestamp": c.ago(1)},
                },
            ),
        ),
        ((Cause.READY, GRAPH),),
        "all is well",
    ),
    Case(
        "another graph's generation",
        replace(
            WELL,
            components=(
                c.component_deployment("decode", OLD, 5000),
                {
                    "metadata": {
                        "name": f"chat-2-decode-{NEW}",
                        "labels": {"nvidia.com/dynamo-graph-deployment-name": "chat-2"},
                    }
                },
            ),
        ),
        ((Cause.READY, GRAPH),),
        "all is well",
    ),
    Case(
        "old worker terminates",
        c.changed(with_pod(WELL, younger("decode")), DECODE, {"metadata": {"deletionTimestamp": c.ago(-5)}}),
        (
            (Cause.OLD_GENERATION, (f"dynamocomponentdeployment/chat-prefill-{OLD}", f"pod/{PREFILL}")),
            (Cause.OLD_GENERATION, DECODE_POD),
        ),
        "1 of 1f2e3d4c, 1 of 9a8b7c6d",
    ),
    Case(
        "a worker that does not terminate",
        c.changed(
            c.with_events(with_pod(WELL, second_decode_worker())), DECODE, {"metadata": {"deletionTimestamp": c.ago(9)}}
        ),
        (
            (Cause.OLD_GENERATION, DECODE_POD),
            (Cause.OLD_GENERATION, (f"pod/{PREFILL}", f"pod/{c.pod_name('decode', '9a8b7c6d')}")),
        ),
        "is 9 min past its grace period and still holds its GPUs",
        (f"delete pod {DECODE} --force`",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
