"""The graph itself: the operator's status, and pods whose creation failed."""

from dataclasses import replace

import pytest

from ops.diagnosis import Cause, Snapshot
from tests import clusters as c
from tests.unit.diagnosis.case import DECODE, GRAPH, WELL, Case, check


def deleted(*finalizers: str) -> Snapshot:
    """The graph, being deleted for seven minutes, with what keeps it."""
    return c.changed(WELL, "chat", {"metadata": {"deletionTimestamp": c.ago(7), "finalizers": [*finalizers]}})


CASES = [
    Case(
        "healthy",
        WELL,
        ((Cause.READY, GRAPH),),
        "all is well: every pod is Ready and routable, and the frontend lists",
    ),
    Case(
        "healthy, model list not readable",
        replace(WELL, models={"chat": "the API server answered 403 for it"}),
        ((Cause.READY, GRAPH),),
        "could not be read (the API server answered 403 for it)",
    ),
    Case(
        "graph never processed",
        c.changed(WELL, "chat", {"status": None}),
        ((Cause.OPERATOR, GRAPH),),
        "has written no status in the 2 h since the graph was created",
    ),
    Case(
        "last change not processed",
        c.changed(WELL, "chat", {"metadata": {"generation": 4}}),
        ((Cause.OPERATOR, GRAPH),),
        "has not processed the graph's latest version yet (3 of 4)",
    ),
    Case("no graph", c.without(WELL, "graphs"), ((Cause.NOT_DEPLOYED, GRAPH),), "port 9443"),
    Case(
        "being deleted",
        deleted("nvidia.com/finalizer", "foregroundDeletion"),
        ((Cause.DELETING, GRAPH),),
        "for 7 min; the operator removes its finalizer",
    ),
    Case(
        "being deleted while the operator is down",
        replace(deleted("nvidia.com/finalizer"), operators=(c.operator(available=False),)),
        (
            (Cause.OPERATOR, ("deployment/dynamo-platform-dynamo-operator-controller-manager",)),
            (Cause.DELETING, GRAPH),
        ),
        "the Dynamo operator is not available",
    ),
    Case(
        "kept by another controller's finalizer",
        deleted("example.com/keep", "foregroundDeletion"),
        ((Cause.DELETING, GRAPH),),
        "for 7 min; the controller that set finalizer example.com/keep has to remove it; if none does any more, "
        "`kubectl -n dynamo patch dynamographdeployment/chat --type merge --patch "
        """'{"metadata": {"finalizers": ["foregroundDeletion"]}}'` removes it""",
    ),
    Case(
        "deleted by Kubernetes, as nothing else keeps it",
        deleted("foregroundDeletion"),
        ((Cause.DELETING, GRAPH),),
        "for 7 min; Kubernetes deletes what the graph owns, and then the graph",
    ),
    Case(
        "rejected by the operator",
        c.changed(
            WELL,
            "chat",
            {
                "status": {
                    "state": "failed",
                    "conditions": [
                        c.cond("Ready", False, "failed_to_reconcile_the_resources", "component decode: no such secret")
                    ],
                }
            },
        ),
        ((Cause.REFUSED, GRAPH),),
        "failed_to_reconcile_the_resources: component decode: no such secret",
    ),
    Case(
        "pods refused",
        c.with_events(
            c.not_ready(c.without(WELL, "pods", DECODE)),
            c.event(
                "ReplicaSet",
                "chat-decode-1f2e3d4c-7d9f8",
                "FailedCreate",
                'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest"',
            ),
        ),
        ((Cause.REFUSED, ("replicaset/chat-decode-1f2e3d4c-7d9f8",)),),
        "decode has 0 of 1 pods, creation of the others was refused",
    ),
    Case(
        "pods refused by the admission policy",  # the words of an API server of 1.34
        c.with_events(
            c.not_ready(c.without(WELL, "pods", DECODE)),
            c.event(
                "ReplicaSet",
                "chat-decode-1f2e3d4c-7d9f8",
                "FailedCreate",
                "Error creating: pods \"x\" is forbidden: ValidatingAdmissionPolicy 'graph-pods' with binding "
                "'graph-pods' denied request: a container must not add capabilities",
            ),
        ),
        ((Cause.REFUSED, ("replicaset/chat-decode-1f2e3d4c-7d9f8",)),),
        "'graph-pods' denied request: a container must not add capabilities",
    ),
    Case(
        "quota of the namespace",
        c.with_events(
            c.not_ready(c.without(WELL, "pods", DECODE)),
            c.event(
                "ReplicaSet",
                "chat-decode-1f2e3d4c-7d9f8",
                "FailedCreate",
                'Error creating: pods "x" is forbidden: exceeded quota: gpus, requested: nvidia.com/gpu=8',
            ),
        ),
        ((Cause.QUOTA, ("replicaset/chat-decode-1f2e3d4c-7d9f8",)),),
        "exceeded quota: gpus",
    ),
    Case(
        "pods missing without an event",
        c.not_ready(c.without(WELL, "pods", DECODE)),
        ((Cause.UNEXPLAINED, GRAPH),),
        "no event says why; the operator says some_resources_are_not_ready: Resources",
    ),
    Case(
        "pods Ready, but the operator waits",
        c.not_ready(WELL),
        ((Cause.UNEXPLAINED, GRAPH),),
        "every pod is Ready, but the operator says some_resources_are_not_ready",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
