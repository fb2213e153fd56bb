"""What brings the objects of a cluster back after its replacement, as docs/upgrade-and-teardown.md says."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ops.changes.dependents import EMPTIED
from ops.rehearsal.programs import Programs
from tests.rehearsal.judge.forecast import forecast
from tests.rehearsal.judge.process import Deployed

# The subnet, and with it the cluster on it, is replaced. Its name and place stay, so the provider does too.
REPLACING = "network.ranges.nodes=10.64.0.0/20"


def in_cluster(done: dict[str, Any]) -> Counter[str]:
    """How many objects of the cluster the engine treated how."""
    return Counter(op for op, urn in done["steps"] if "kubernetes:" in urn and "pulumi:providers:" not in urn)


@pytest.mark.parametrize("beside", [(), ("models.chat.servedName=other",)], ids=["alone", "with another change"])
def test_refresh_and_up_create_the_objects_of_a_replaced_cluster(
    beside: tuple[str, ...], programs: Programs, tmp_path: Path
) -> None:
    deployed = Deployed("dev", tmp_path, programs)
    try:
        assert deployed.deployed["idlePolicies"] == []
        change = (REPLACING, *beside)
        comparison = forecast("dev", deployed.common, (*deployed.common, *change))
        assert [change.name for change in comparison.changes if EMPTIED in change.notes] == ["cluster-cluster"]

        replaced = deployed.run("up", *change)
        assert in_cluster(replaced)["create"] == 0
        # An object that changes in the same update is sent to an empty cluster, and the update stops there.
        assert replaced["ok"] is not bool(beside)
        refreshed = deployed.run("refresh", *change)
        assert refreshed["ok"], refreshed["errors"]
        again = deployed.run("up", *change)
        assert again["ok"], again["errors"]
        assert in_cluster(again).keys() == {"create"}
        assert in_cluster(deployed.run("up", *change)).keys() == {"same"}
    finally:
        deployed.close()
