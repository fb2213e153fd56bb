"""Plan → dashboard: the tiles of each stack, and JSON that Cloud Monitoring returns unchanged."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from manifests.dashboard import build, sections
from tests.stacks import planned

EVERYWHERE = ["What clients see", "Prefill and decode", "KV cache"]
TRANSFER, GPUS, PODS = "KV transfer from prefill to decode", "GPUs", "Pods"
QWEN = {"model": "qwen3-32b", "layout": "aggregated"}

CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("disaggregated on GPUs", {}, [*EVERYWHERE, TRANSFER, GPUS, PODS]),
    ("aggregated on GPUs", {"models.chat.layout": "aggregated"}, [*EVERYWHERE, GPUS, PODS]),
    ("simulated", {"models.chat.layout": "simulated"}, [*EVERYWHERE, PODS]),
    # Disaggregated and on GPUs, but not the same graph: nothing is transferred.
    (
        "one of each",
        {"models": {"real": QWEN, "trial": QWEN | {"layout": "simulated"}}},
        [*EVERYWHERE, GPUS, PODS],
    ),
]


@pytest.mark.parametrize(("changes", "titles"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_only_what_is_emitted_has_tiles(changes: dict[str, Any], titles: list[str]) -> None:
    assert [section.title for section in sections(planned(changes))] == titles


def tiles(changes: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return json.loads(build(planned(changes)))["mosaicLayout"]["tiles"]


def test_the_keys_are_sorted() -> None:
    text = build(planned())
    assert text == json.dumps(json.loads(text), sort_keys=True)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list) and value:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def test_no_default_is_written() -> None:
    """Zeros, empty texts and empty lists come back as nothing, and would be a difference after each refresh."""
    assert [leaf for leaf in leaves(json.loads(build(planned()))) if not leaf] == []


def test_no_two_tiles_overlap_and_none_leaves_the_grid() -> None:
    taken: set[tuple[int, int]] = set()
    for tile in tiles():
        x, y = tile.get("xPos", 0), tile.get("yPos", 0)
        cells = {(x + i, y + j) for i in range(tile["width"]) for j in range(tile["height"])}
        assert x + tile["width"] <= 48
        assert not cells & taken
        taken |= cells


def test_many_graphs_are_as_many_tiles_as_one() -> None:
    """Cloud Monitoring takes a limited number of widgets; graphs are lines, not tiles."""
    many = {f"{letter}-graph": QWEN | {"layout": "multi-node"} for letter in "abcdefgh"}
    assert len(tiles({"models": many})) == len(tiles())


def test_what_pods_of_graphs_emit_is_shown_by_graph() -> None:
    for section in sections(planned()):
        for tile in section.tiles:
            by_graph = all("sum by (graph" in q or "max by (graph" in q for q in tile.queries)
            assert by_graph is (section.title not in (GPUS, PODS)), tile.title


def test_several_lines_of_a_tile_have_names() -> None:
    for section in sections(planned()):
        for tile in section.tiles:
            if len(tile.queries) > 1:
                names = [query.split('"line", "')[1].split('"')[0] for query in tile.queries]
                assert len(set(names)) == len(names), tile.title
