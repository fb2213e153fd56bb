"""Labels of a graph that Pulumi's provider kept from before its last update are told from drift."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ops.offline.dry_run import planned
from ops.rehearsal.faults.lost_answers import LostAnswers
from ops.rehearsal.faults.scene import Scene
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.world import World
from policies import kinds

OLD, NEW = {"owner": "a"}, {"owner": "b"}


@pytest.mark.parametrize(
    ("given", "kept", "live", "outdated"),
    [
        (NEW, OLD, NEW, True),
        (NEW, NEW, NEW, False),
        (NEW, NEW, OLD, False),  # somebody else has changed it
        (NEW, OLD, OLD, False),  # the update never arrived
        (NEW, NEW, {**NEW, "of": "the operator"}, False),
    ],
)
def test_only_labels_that_arrived_and_are_not_kept_are_old(
    given: dict[str, str], kept: dict[str, str], live: dict[str, str], outdated: bool, tmp_path: Path
) -> None:
    def metadata(labels: dict[str, str]) -> dict[str, Any]:
        return {"metadata": {"name": "chat", "namespace": "dynamo", "labels": labels}}

    resources = [
        {"type": kinds.CONFIG_MAP, "inputs": metadata(NEW), "outputs": metadata(OLD)},
        {"type": kinds.GRAPH, "inputs": metadata(given), "outputs": metadata(kept)},
    ]
    stack: Any = SimpleNamespace(watchers=[], resources=lambda: resources)
    cluster: Any = SimpleNamespace(kube=SimpleNamespace(get=lambda *_: metadata(live)))
    process: Any = None
    scene = Scene(
        world=World(tmp_path), stack=stack, plan=planned("try", []), urns=[], cloud=Cloud(World(tmp_path).cloud),
        cluster=cluster, answers=LostAnswers(), process=process,
    )  # fmt: skip
    assert scene.has_old_labels() is outdated
