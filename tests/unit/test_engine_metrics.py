"""Dashboard and alerts of engines with other metrics: each engine's own series, and none of another."""

from typing import Any

import pytest

from catalog.engines import Engine
from manifests.alerts import MetricCondition, alerts
from manifests.dashboard import Tile, sections
from tests.made_up_engine import heron as heron  # a fixture
from tests.made_up_engine import otter as otter  # a fixture
from tests.stacks import planned

QWEN = {"model": "qwen3-32b", "layout": "multi-node"}
TRANSFER = "KV transfer from prefill to decode"


def stack(**engines: str) -> dict[str, Any]:
    """Graphs by name, each with its engine."""
    return {"models": {graph: QWEN | {"engine": {"name": name}} for graph, name in engines.items()}}


def tiles(changes: dict[str, Any]) -> dict[str, Tile]:
    found = [tile for section in sections(planned(changes)) for tile in section.tiles]
    assert len({tile.title for tile in found}) == len(found)
    return {tile.title: tile for tile in found}


def conditions(changes: dict[str, Any]) -> dict[str, str]:
    found = {alert.name: alert.condition for alert in alerts(planned(changes))}
    return {name: found.query for name, found in found.items() if isinstance(found, MetricCondition)}


@pytest.mark.usefixtures("heron")
def test_an_engine_is_shown_by_its_own_series() -> None:
    shown = tiles(stack(chat="heron"))
    assert not any("vllm" in query for tile in shown.values() for query in tile.queries)
    assert not any("agent_" in query for tile in shown.values() for query in tile.queries)
    assert "In use, fullest engine of a role" not in shown, "Heron does not say it"
    assert "Prompt tokens that decode got from prefill" not in shown
    moved, took = shown["Bytes transferred"], shown["Time of a transfer"]
    assert (moved.unit, took.unit) == ("MBy/s", "ms")
    assert "rate(heron_pushed_megabytes_total{" in moved.queries[0]
    assert "heron_push_milliseconds_bucket{" in took.queries[0]
    (failures,) = shown["Failures within 5m"].queries
    assert "heron_push_errors_total" in failures
    (section,) = [section for section in sections(planned(stack(chat="heron"))) if section.title == TRANSFER]
    assert section.subtitle == "Counted by Heron's pusher for each rank of an engine."


@pytest.mark.usefixtures("heron")
def test_an_engine_has_alerts_on_its_own_series() -> None:
    wanted = conditions(stack(chat="heron"))
    assert "kv-leases-expired" not in wanted, "Heron does not count it"
    assert "heron_push_errors_total{" in wanted["kv-transfer-failures"]
    assert not any("vllm" in query for query in wanted.values())
    (alert,) = [alert for alert in alerts(planned(stack(chat="heron"))) if alert.name == "kv-transfer-failures"]
    assert alert.meaning.startswith("Transfers of KV cache from prefill to decode workers fail")


def test_an_engine_that_counts_no_transfer_has_neither_tiles_nor_alerts_of_one(otter: Engine) -> None:
    changes = stack(chat=otter.name)
    changes["models"]["chat"]["decode"] = {"tensorParallel": 1}  # as prefill's, which Otter needs
    assert TRANSFER not in [section.title for section in sections(planned(changes))]
    assert not {"kv-transfer-failures", "kv-leases-expired"} & set(conditions(changes))
    assert "otter_waiting{" in tiles(changes)["Requests that wait in engines"].queries[0]


@pytest.mark.usefixtures("heron")
def test_two_engines_share_tiles_and_alerts() -> None:
    changes = stack(chat="heron", code="vllm")
    shown, wanted = tiles(changes), conditions(changes)
    waiting = shown["Requests that wait in engines"].queries
    assert [query.partition("{")[0] for query in waiting] == [
        "sum by (graph, role) (heron_queue",
        "sum by (graph, role) (vllm:num_requests_waiting",
    ]
    # Megabytes and bytes have an axis each.
    assert [tile.unit for title, tile in shown.items() if title.startswith("Bytes transferred")] == ["MBy/s", "By/s"]
    for part in wanted["kv-transfer-failures"].split(" or "):
        assert ('graph=~"chat"' in part) is ("heron_" in part)
    assert 'graph=~"chat"' not in wanted["kv-leases-expired"]


def test_two_graphs_of_one_engine_are_one_query() -> None:
    assert len(tiles(stack(chat="vllm", code="vllm"))["Requests that wait in engines"].queries) == 1
