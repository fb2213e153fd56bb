"""The Helm release and the operator."""

from dataclasses import replace

import pytest

from ops.diagnosis import Cause
from tests import clusters as c
from tests.unit.diagnosis.case import GRAPH, WELL, Case, check

UNSCALED = {
    "conditions": [c.cond("Available", True, "MinimumReplicasAvailable", "Deployment has minimum availability.")]
}
RECORD = "sh.helm.release.v1.dynamo-platform"

CASES = [
    Case("no operator", c.without(WELL, "operators"), ((Cause.OPERATOR, ()),), "is not in namespace dynamo-system"),
    Case(
        "operator down",
        replace(WELL, operators=(c.operator(available=False),)),
        ((Cause.OPERATOR, ("deployment/dynamo-platform-dynamo-operator-controller-manager",)),),
        "not available (Deployment does not have minimum availability.)",
    ),
    Case(
        "operator scaled to zero, which Kubernetes calls available",
        replace(WELL, operators=({**c.operator(), "spec": {"replicas": 0}, "status": UNSCALED},)),
        ((Cause.OPERATOR, ("deployment/dynamo-platform-dynamo-operator-controller-manager",)),),
        "not available (somebody scaled it to 0), so graphs cannot be changed, deleted or reconciled; `kubectl -n "
        "dynamo-system scale deployment dynamo-platform-dynamo-operator-controller-manager --replicas 2` starts it",
    ),
    Case(
        "operator just lost",
        replace(WELL, operators=({**c.operator(), "status": UNSCALED},)),
        ((Cause.OPERATOR, ("deployment/dynamo-platform-dynamo-operator-controller-manager",)),),
        "not available (it has no available replica)",
    ),
    Case(
        "the release is being installed",
        replace(c.without(c.without(WELL, "operators"), "graphs"), releases=(c.release(1, "pending-install", 4),)),
        ((Cause.RELEASE, (f"secret/{RECORD}.v1",)), (Cause.NOT_DEPLOYED, GRAPH)),
        "the Helm release dynamo-platform has been pending-install for 4 min: Helm is working; wait",
    ),
    Case(
        "an interrupted install",
        replace(c.without(c.without(WELL, "operators"), "graphs"), releases=(c.release(1, "pending-install", 40),)),
        ((Cause.RELEASE, (f"secret/{RECORD}.v1",)), (Cause.NOT_DEPLOYED, GRAPH)),
        "`another operation (install/upgrade/rollback) is in progress`",
        ("`helm -n dynamo-system uninstall dynamo-platform`, then `pulumi refresh` and `pulumi up`",),
    ),
    Case(
        "an interrupted upgrade",
        replace(
            WELL,
            releases=(
                c.release(9, "superseded", 9000),
                c.release(11, "pending-upgrade", 45),
                c.release(10, "deployed", 5000),
            ),
        ),
        ((Cause.RELEASE, (f"secret/{RECORD}.v11",)),),
        "pending-upgrade for 45 min: the operation was interrupted",
        ("`helm -n dynamo-system rollback dynamo-platform 10`",),
    ),
    Case(
        "an interrupted rollback",
        replace(WELL, releases=(c.release(2, "pending-rollback", 45), c.release(1, "superseded", 60))),
        ((Cause.RELEASE, (f"secret/{RECORD}.v2",)),),
        "`helm -n dynamo-system rollback dynamo-platform 1`",
    ),
    Case(
        "a failed release",
        replace(WELL, releases=(c.release(1, "failed", 45),)),
        ((Cause.RELEASE, (f"secret/{RECORD}.v1",)),),
        "has been failed for 45 min; see `helm -n dynamo-system history dynamo-platform`",
    ),
    Case(
        "the operator was deleted by hand",
        replace(c.without(WELL, "operators"), releases=(c.release(3, "deployed", 900),)),
        ((Cause.OPERATOR, ()),),
        "`pulumi up` changes nothing: `helm -n dynamo-system rollback dynamo-platform` creates it again",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
