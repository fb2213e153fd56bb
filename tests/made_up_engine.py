"""An engine that does not exist, unlike vLLM in every respect, as one more file of `catalog/engines`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import engines

MODULE = '''
"""Otter: an engine that nobody makes."""

from catalog.contracts import EngineInput, EngineMetrics, EnvVar, MemoryInput, MemoryUse, Role, ScalingSignal
from catalog.engines import Engine
from catalog.models import Card


class Otter(Engine):
    name = "otter"
    title = "Otter"
    module = "rivers.otter"
    image = "registry.example.com/rivers/otter-runtime"
    block_size = 24
    memory_share = 0.5
    no_usage_reports = {"OTTER_SILENT": "yes"}
    metrics = EngineMetrics(
        queue="otter_waiting",
        scaling={Role.PREFILL: (ScalingSignal(name="otters", gauge="otter_waiting", target="7"),)},
    )

    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        return ("--weights", worker.model, "--paws", str(worker.tensor_parallel), *worker.extra_args)

    def memory(self, card: Card, asked: MemoryInput) -> MemoryUse:
        return MemoryUse(kv_cache=(asked.gpu_bytes - asked.weights) * asked.share, overhead=0, source="made up")

    def layout_errors(self, prefill, decode, card):
        if prefill.tensor_parallel != decode.tensor_parallel:
            yield "otters swim in pairs of one size"

    def transfer_environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        return (EnvVar(name="OTTER_MEET", field="status.podIP"),)

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        return (EnvVar(name="OTTER_IP", field="status.podIP"), EnvVar(name="OTTER_ROLE", value=worker.role.value))
'''


@pytest.fixture
def otter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[engines.Engine]:
    """The made-up engine, found for as long as the test runs."""
    (tmp_path / "otter.py").write_text(MODULE)
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    engines.all_engines.cache_clear()
    yield engines.engine("otter")
    monkeypatch.undo()
    sys.modules.pop("catalog.engines.otter", None)
    engines.all_engines.cache_clear()
