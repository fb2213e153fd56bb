"""Load results are read right, and the whole way works where the bench environment is installed."""

import json
import threading
from pathlib import Path

import pytest
from rich.console import Console

from ops.local import bench
from ops.local.bench import BENCH, LoadResult, load_result
from ops.local.environment import tiny_model_folder
from ops.local.session import Session
from tests.local.deployed import deployed
from tests.local.private import in_private_network


def test_a_result_is_read_from_the_export() -> None:
    export = {
        "time_to_first_token": {"unit": "ms", "p50": 90.5, "p99": 156.4, "avg": 101.3},
        "inter_token_latency": {"unit": "ms", "p50": 5.4, "p99": 6.1, "avg": 5.5},
        "request_throughput": {"unit": "requests/sec", "avg": 16.7},
    }
    want = LoadResult(
        concurrency=8, requests_per_second=16.7, errors=0, ttft_p50=90.5, ttft_p99=156.4, itl_p50=5.4, itl_p99=6.1
    )
    assert load_result(8, export) == want
    assert load_result(8, {**export, "error_request_count": {"avg": 3.0}}).errors == 3


@pytest.mark.usefixtures("dynamo")
@pytest.mark.skipif(not BENCH.is_complete, reason="`ops local --bench` has not made its environment (1.2 GB) yet")
@in_private_network
def test_aiperf_loads_the_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "CONCURRENCIES", (2,))
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results")
    console = Console(record=True, width=120)
    with deployed() as graph:
        session = Session(graph.plan, tmp_path, print, threading.Event())
        assert bench.bench(session, console, tiny_model_folder(), "simulated engine") == 0
    load = json.loads((tmp_path / "results" / "results.json").read_text())["loads"][0]
    assert load["concurrency"] == 2
    assert 0 < load["ttft_p50"] <= load["ttft_p99"]
    assert 0 < load["itl_p50"] <= load["itl_p99"]
    plot = (tmp_path / "results" / "latency.svg").read_text()
    assert plot.count("<svg") == 1
    assert "simulated engine" in console.export_text()
