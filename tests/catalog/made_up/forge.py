"""Forge, an engine that does not exist. Every fact differs from the engines of the catalog."""

from collections.abc import Sequence

from catalog.contracts import (
    EngineInput,
    EngineMetrics,
    EnvVar,
    MemoryInput,
    MemoryUse,
    Ports,
    Role,
    ScalingSignal,
    Series,
    TransferConnection,
    TransferEvidence,
    TransferMetrics,
)
from catalog.engines import Engine
from catalog.models import Card


class Forge(Engine):
    name = "forge"
    title = "Forge"
    module = "acme.forge"
    image = "registry.example.com/acme/forge"
    framework = None
    block_size = 48
    ports = Ports(metrics=7070)
    metrics = EngineMetrics(
        queue="forge:waiting",
        kv_cache_use="forge:cache_share",
        scaling={
            Role.PREFILL: (ScalingSignal(name="forge-waiting", gauge="forge:waiting", target="3"),),
            Role.DECODE: (ScalingSignal(name="forge-cache", gauge="forge:cache_share", target="600m"),),
        },
        transfer=TransferMetrics(
            source="Forge's shuttle",
            moved=Series(name="forge:shuttle_bytes_total", unit="By"),
            duration=Series(name="forge:shuttle_seconds", unit="s"),
            failures={"lost": "forge:shuttle_lost_total"},
        ),
    )
    transfer_evidence = TransferEvidence(
        role=Role.DECODE,
        moved=Series(name="forge:shuttle_bytes_total", unit="By"),
        transfers="forge:shuttles_total",
        failed="forge:shuttle_lost_total",
        absent="check that the shuttle is built in",
    )

    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        side = () if worker.role is Role.WORKER else ("--shuttle", worker.role.value)
        return ("--weights", worker.model, "--shards", str(worker.tensor_parallel), *side, *worker.extra_args)

    def memory(self, card: Card, inputs: MemoryInput) -> MemoryUse:
        overhead = inputs.gpu_bytes // 10
        return MemoryUse(kv_cache=inputs.gpu_bytes - inputs.weights - overhead, overhead=overhead, source="made up")

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        return (EnvVar(name="FORGE_HOST", field="status.podIP"),)

    def connection(self, argv: Sequence[str]) -> TransferConnection | None:
        role = argv[argv.index("--shuttle") + 1] if "--shuttle" in argv else None
        if role is None:
            return None
        return TransferConnection(connector="shuttle", sends=role == "prefill", receives=role == "decode")
