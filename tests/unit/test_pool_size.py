"""How many nodes a pool has by its inputs, and how many an update of it releases."""

from typing import Any

import pytest

from ops.changes.losses import RECREATES, ReleasedNodes
from ops.changes.pool_size import Nodes, released, size
from policies.kinds import NODE_POOL
from tests.stacks import ROOT


def fixed(count: int, *zones: str) -> dict[str, Any]:
    return {"nodeCount": count, "nodeLocations": list(zones or ("a",))}


def scaled(minimum: int, maximum: int, *zones: str, **other: Any) -> dict[str, Any]:
    bounds = {"totalMinNodeCount": minimum, "totalMaxNodeCount": maximum}
    return {"autoscaling": bounds, "nodeLocations": list(zones or ("a",)), **other}


@pytest.mark.parametrize(
    ("pool", "minimum", "maximum"),
    [
        (fixed(2), 2, 2),
        (fixed(2, "a", "b"), 4, 4),
        (fixed(0), 0, 0),
        (scaled(1, 3, nodeCount=1), 1, 3),
        ({"autoscaling": {"minNodeCount": 1, "maxNodeCount": 3}, "nodeLocations": ["a", "b"]}, 2, 6),
        ({"autoscaling": {"totalMaxNodeCount": 3}}, 0, 3),
        ({"nodeCount": "[unknown]"}, 7, 7),
        ({}, 7, 7),
    ],
)
def test_the_size_of_a_pool(pool: dict[str, Any], minimum: int, maximum: int) -> None:
    assert size(pool, planned=7) == Nodes(minimum=minimum, maximum=maximum)


@pytest.mark.parametrize(
    ("before", "after", "moves", "minimum", "maximum"),
    [
        (fixed(3), fixed(1), False, 2, 2),
        (fixed(1), fixed(3), False, 0, 0),
        (scaled(1, 3), fixed(1), False, 0, 2),
        (scaled(2, 3), fixed(1), False, 1, 2),
        (scaled(1, 3), fixed(3), False, 0, 0),
        (scaled(1, 3), scaled(1, 2), False, 0, 1),
        (scaled(2, 3), scaled(1, 3), False, 0, 0),
        (scaled(1, 3), scaled(1, 5), False, 0, 0),
        (scaled(3, 3), scaled(1, 1), False, 0, 2),
        (fixed(3), scaled(1, 3), False, 0, 0),
        (fixed(3), scaled(0, 2), False, 0, 1),
        (fixed(2, "a"), fixed(2, "b"), True, 2, 2),
        (fixed(1, "a", "b"), fixed(1, "b"), True, 1, 1),
        (scaled(1, 3, "a"), scaled(1, 3, "b"), True, 1, 3),
        (scaled(1, 3, "a", "b"), scaled(1, 3, "b"), True, 0, 3),
        ({"nodeCount": 1}, fixed(1, "b"), True, 0, 1),
    ],
)
def test_what_an_update_releases(
    before: dict[str, Any], after: dict[str, Any], moves: bool, minimum: int, maximum: int
) -> None:
    assert released(before, after, (0, 0), moves) == Nodes(minimum=minimum, maximum=maximum)


def test_the_page_on_diff_quotes_what_is_printed() -> None:
    page = (ROOT / "docs/diff.md").read_text(encoding="utf-8")
    printed = [
        ReleasedNodes(nodes=Nodes(minimum=2, maximum=2), what="reserved H200"),
        ReleasedNodes(nodes=Nodes(minimum=2, maximum=4), what="spot H200"),
        ReleasedNodes(nodes=Nodes(minimum=0, maximum=2), what="spot H200"),
        RECREATES[NODE_POOL],
    ]
    assert all(f"`{words}`" in page for words in printed)
