"""Engines that do not exist, unlike vLLM in every respect, each as one more file of `catalog/engines`."""

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

    def memory(self, card: Card, inputs: MemoryInput) -> MemoryUse:
        return MemoryUse(kv_cache=(inputs.gpu_bytes - inputs.weights) * inputs.share, overhead=0, source="made up")

    def layout_errors(self, prefill, decode, card):
        if prefill.tensor_parallel != decode.tensor_parallel:
            yield "otters swim in pairs of one size"

    def transfer_environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        return (EnvVar(name="OTTER_MEET", field="status.podIP"),)

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        return (EnvVar(name="OTTER_IP", field="status.podIP"), EnvVar(name="OTTER_ROLE", value=worker.role.value))
'''


HERON = '''
"""Heron: prefill pushes KV cache to decode, and counts it."""

from catalog.contracts import (
    EngineInput,
    EngineMetrics,
    MemoryInput,
    MemoryUse,
    Ports,
    Role,
    ScalingSignal,
    Series,
    TransferConnection,
    TransferEvidence,
    TransferMetrics,
    TransportEvidence,
)
from catalog.engines import Engine
from catalog.models import Card


class Heron(Engine):
    name = "heron"
    title = "Heron"
    module = "birds.heron"
    image = "registry.example.com/birds/heron-runtime"
    block_size = 48
    ports = Ports(metrics=9477)
    metrics = EngineMetrics(
        queue="heron_queue",
        scaling={Role.DECODE: (ScalingSignal(name="herons", gauge="heron_busy", target="300m"),)},
        transfer=TransferMetrics(
            source="Heron's pusher",
            moved=Series(name="heron_pushed_megabytes_total", unit="MBy"),
            duration=Series(name="heron_push_milliseconds", unit="ms"),
            failures={"push": "heron_push_errors_total"},
        ),
    )
    transfer_evidence = TransferEvidence(
        role=Role.PREFILL,
        moved=Series(name="heron_pushed_megabytes_total", unit="MBy"),
        transfers="heron_pushes_total",
        failed="heron_push_errors_total",
        absent="Heron counts only with --beak: look at the arguments of the prefill workers",
    )
    transport_evidence = TransportEvidence(role=Role.PREFILL, operation="write")

    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        return ("--weights", worker.model, "--beak", worker.role.value, *worker.extra_args)

    def memory(self, card: Card, inputs: MemoryInput) -> MemoryUse:
        return MemoryUse(kv_cache=(inputs.gpu_bytes - inputs.weights) * inputs.share, overhead=0, source="made up")

    def connection(self, argv):
        side = argv[argv.index("--beak") + 1] if "--beak" in argv[:-1] else None
        return TransferConnection(
            connector="beak" if side else None, sends=side == "prefill", receives=side == "decode"
        )
'''


@pytest.fixture
def otter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[engines.Engine]:
    """An engine that counts no transfers."""
    yield from _found("otter", MODULE, tmp_path, monkeypatch)


@pytest.fixture
def heron(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[engines.Engine]:
    """An engine whose prefill workers write KV cache, and count it under other names."""
    yield from _found("heron", HERON, tmp_path, monkeypatch)


def _found(name: str, module: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[engines.Engine]:
    """The made-up engine, found for as long as the test runs."""
    (folder / f"{name}.py").write_text(module)
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(folder)])
    engines.all_engines.cache_clear()
    yield engines.engine(name)
    monkeypatch.undo()
    sys.modules.pop(f"catalog.engines.{name}", None)
    engines.all_engines.cache_clear()
