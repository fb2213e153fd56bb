"""The timeline of an update, from its steps and the dependencies in the state."""

from io import StringIO

import pytest
from rich.console import Console

from ops.offline.dry_run import dry_run
from ops.rehearsal.engine import timeline_table
from ops.rehearsal.engine.events import Step, is_resource
from ops.rehearsal.engine.timeline import PHASES, Timeline, timeline
from tests.stacks import SHIPPED


def urn(component: str, name: str) -> str:
    return f"urn:pulumi:dev::dynamo-gke::dynamo-gke:x:{component}$gcp:a/b:Thing::{name}"


VPC, CLUSTER = urn("Network", "vpc"), urn("Cluster", "cluster")
BUCKET, POOL = urn("WeightsBucket", "bucket"), urn("GpuPool", "pool")


def step(of: str, began: float, ended: float, op: str = "create") -> Step:
    return Step(op=op, urn=of, began=began, ended=ended, failed=False, changed=())


STEPS = [
    step(VPC, 10, 12),
    step(BUCKET, 10, 11),
    step(CLUSTER, 12.5, 17),
    step(POOL, 17, 18),
    step("urn:pulumi:dev::dynamo-gke::dynamo-gke:x:Network::network", 9, 20),
]
STATE = [
    {"urn": VPC},
    {"urn": BUCKET, "dependencies": []},
    {"urn": CLUSTER, "dependencies": [VPC, BUCKET]},
    {"urn": POOL, "parent": "component"},
    {"urn": "component", "dependencies": [BUCKET], "parent": "outer"},
    {"urn": "outer", "provider": f"{CLUSTER}::id"},
]
WANT = timeline(STEPS, STATE)


def test_an_entry_waits_for_the_dependency_that_was_ready_last() -> None:
    assert [(entry.urn, entry.waited_for) for entry in WANT.entries] == [
        (VPC, None),
        (BUCKET, None),
        (CLUSTER, VPC),
        (POOL, CLUSTER),
    ]


def test_the_critical_path_leads_to_the_last_end() -> None:
    assert [entry.urn for entry in WANT.critical_path] == [VPC, CLUSTER, POOL]


def test_the_times_begin_with_the_first_resource_and_components_do_not_count() -> None:
    assert WANT.seconds == 8
    assert WANT.busy == 2 + 1 + 4.5 + 1
    assert WANT.max_parallel == 2


def test_an_update_without_changes_has_no_timeline() -> None:
    empty = timeline([step(VPC, 0, 0, op="same")], STATE)
    assert (empty.entries, empty.seconds, empty.max_parallel, empty.critical_path) == ((), 0, 0, ())


def test_the_json_of_a_timeline_gives_it_back() -> None:
    assert Timeline.from_wire(WANT.to_wire()) == WANT


def test_the_table_is_at_most_100_columns_wide_and_marks_the_critical_path() -> None:
    console = Console(width=timeline_table.WIDTH, file=StringIO(), color_system=None, record=True)
    console.print(timeline_table.table(WANT))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 100
    rows = {line.split()[1]: line for line in text.splitlines() if "Thing" in line[:10]}
    assert "■" in rows["cluster"]
    assert "□" in rows["bucket"]
    assert rows["cluster"].rstrip().endswith("Thing vpc")


@pytest.mark.parametrize("stack", SHIPPED)
def test_every_resource_of_a_shipped_stack_has_a_phase(stack: str) -> None:
    """A component without a phase would silently count to the first one."""
    known = {kind for kinds in PHASES.values() for kind in kinds}
    roots = {
        resource.urn.split("::")[2].partition("$")[0]
        for resource in dry_run(stack).recording.resources
        if is_resource(resource.urn)
    }
    assert {root.rpartition(":")[2] for root in roots if not root.startswith("pulumi:providers:")} <= known
