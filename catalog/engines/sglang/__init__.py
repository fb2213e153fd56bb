"""SGLang under Dynamo: one engine of `dynamo.sglang` a pod, its KV cache moved by NIXL."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

from catalog import nixl
from catalog.command_line import IMAGES, REMOVED_ROLE_FLAGS, CommandLine, with_driver_libraries
from catalog.contracts import (
    KV_EVENTS_PORT,
    Compared,
    EngineInput,
    EngineMetrics,
    EnvVar,
    KvCacheDtype,
    MemoryInput,
    MemoryUse,
    Ports,
    Role,
    RoleShape,
    ScalingSignal,
    Series,
    TransferConnection,
    TransferEvidence,
    TransferMetrics,
    TransportEvidence,
)
from catalog.engines import Engine
from catalog.engines.sglang import equal_sides, experts, json_values, kernels, kv_split, parallel, relations
from catalog.engines.sglang.failures import BOOTSTRAP_PORT as BOOTSTRAP_PORT
from catalog.engines.sglang.failures import KNOWN_FAILURES
from catalog.engines.sglang.formats import FORMATS
from catalog.engines.sglang.memory import memory, memory_share
from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from catalog.machines import Gpus
from catalog.models import Card
from catalog.rdma import KvTransfer
from reading.frozen import Frozen

# The parser's value for each `engine.kvCacheDtype`. Both engines of a card use E4M3 for FP8.
_KV_CACHE: dict[KvCacheDtype, Literal["auto", "fp8_e4m3"]] = {KvCacheDtype.AUTO: "auto", KvCacheDtype.FP8: "fp8_e4m3"}
_MODES: dict[Role, Literal["prefill", "decode"]] = {Role.PREFILL: "prefill", Role.DECODE: "decode"}


class KvEventsConfig(Frozen):
    """Endpoint on which a worker publishes the pages that it holds, for the router."""

    publisher: Literal["zmq"] = "zmq"
    topic: str = "kv-events"
    endpoint: str = f"tcp://*:{KV_EVENTS_PORT}"


class SglangArgs(CommandLine):
    """The flags of `dynamo.sglang` that this program sets."""

    model_path: str
    served_model_name: str
    tp_size: int
    context_length: int
    dtype: Literal["bfloat16"] = "bfloat16"
    """Of the activations; every card's config.json says the same."""
    kv_cache_dtype: Literal["auto", "fp8_e4m3"]
    page_size: int
    mem_fraction_static: float
    host: Literal["0.0.0.0"] = "0.0.0.0"  # the bootstrap server binds it, and 127.0.0.1 without it
    enable_metrics: bool = True
    disaggregation_mode: Literal["prefill", "decode"] | None
    disaggregation_transfer_backend: Literal["nixl"] | None
    disaggregation_bootstrap_port: int | None
    kv_events_config: KvEventsConfig | None


# Targets to start from, not measured. Never the bootstrap queue of prefill, which grows when decode is too small.
_QUEUE = ScalingSignal(name="queued-requests", gauge="sglang:num_queue_reqs", target="4")
_KV_CACHE_USE = ScalingSignal(name="kv-cache-use", gauge="sglang:token_usage", target="700m")

# `observe_kv_transfer_metrics` of SGLang 0.5.21 divides bytes by 1024 × 1024, whatever unit its documentation names.
_MOVED = Series(name="sglang:kv_transfer_total_mb_sum", unit="MiBy")


class Sglang(Engine):
    """SGLang. Prefill writes the KV cache into decode's memory, over NIXL."""

    name = "sglang"
    title = "SGLang"
    module = "dynamo.sglang"
    image = f"{IMAGES}/sglang-runtime"
    framework = "sglang"
    # SGLang's default is 1, and some attention backends choose their own size: all but FA4 accept 64.
    block_size = 64
    formats = FORMATS
    metrics = EngineMetrics(
        queue=_QUEUE.gauge,
        kv_cache_use=_KV_CACHE_USE.gauge,
        scaling={Role.PREFILL: (_QUEUE,), Role.DECODE: (_KV_CACHE_USE,), Role.WORKER: (_QUEUE, _KV_CACHE_USE)},
        transfer=TransferMetrics(
            source="SGLang's prefill workers",
            moved=_MOVED,
            duration=Series(name="sglang:kv_transfer_latency_ms", unit="ms"),
            failures={
                "transfer": "sglang:num_transfer_failed_reqs_total",
                "bootstrap": "sglang:num_bootstrap_failed_reqs_total",
            },
        ),
    )
    ports = Ports(nixl_telemetry=nixl.TELEMETRY_PORT)
    # No counter of failures: SGLang shows one only after a first failure, so that its absence would leave every healthy
    # graph unverified. A prompt whose transfer failed gets no answer and counts no transfer.
    transfer_evidence = TransferEvidence(
        role=Role.PREFILL,
        moved=_MOVED,
        transfers="sglang:kv_transfer_total_mb_count",
        absent="SGLang shows it after a first transfer, and only with --enable-metrics: look at the arguments of the "
        "prefill workers, and in their log for a bootstrap that failed",
        carrier="NIXL",
    )
    known_failures = KNOWN_FAILURES
    transport_evidence = TransportEvidence(role=Role.PREFILL, operation="write")
    removed_flags = {
        **REMOVED_ROLE_FLAGS,
        "--cuda-graph-bs": "--cuda-graph-bs-decode or --cuda-graph-bs-prefill",
        "--cuda-graph-max-bs": "--cuda-graph-max-bs-decode or --cuda-graph-max-bs-prefill",
        "--disable-cuda-graph": "--cuda-graph-backend-decode disabled and --cuda-graph-backend-prefill disabled",
        "--nsa-decode-backend": "--dsa-decode-backend",
        "--nsa-prefill-backend": "--dsa-prefill-backend",
        "--prefill-round-robin-balance": "",
    }

    @property
    def command(self) -> tuple[str, ...]:
        return with_driver_libraries(self.module)

    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        """Arguments of one worker. Both roles get the same page size and KV dtype: SGLang compares them on connecting.

        SGLang reads several weights files at once by default, so a card's loader has no effect.
        """
        mode = _MODES.get(worker.role)
        args = SglangArgs(
            model_path=worker.model,
            served_model_name=worker.served_name,
            tp_size=worker.tensor_parallel,
            context_length=worker.max_model_len,
            kv_cache_dtype=_KV_CACHE[worker.kv_cache_dtype],
            page_size=self.block_size,
            mem_fraction_static=worker.gpu_memory_utilization,
            disaggregation_mode=mode,
            disaggregation_transfer_backend="nixl" if mode else None,
            disaggregation_bootstrap_port=BOOTSTRAP_PORT if mode else None,
            # The router sends a prompt to the worker that holds its prefix; decode keeps none of its own.
            kv_events_config=None if worker.role is Role.DECODE else KvEventsConfig(),
        )
        return (*args.argv(), *worker.extra_args)

    def memory(self, card: Card, inputs: MemoryInput) -> MemoryUse:
        return memory(card, inputs, self.given(inputs.arguments), self.block_size)

    def share_of(self, gpus: Gpus, arguments: Sequence[str] = ()) -> float:
        return memory_share(gpus, self.given(arguments))

    def layout_errors(self, prefill: RoleShape, decode: RoleShape, card: Card) -> Iterator[str]:
        sizes = {role.role.value: self.attention_size(role)[0] for role in (prefill, decode)}
        if refusal := kv_split.refusal(card.attention, **sizes):
            yield refusal

    def attention_size(self, role: RoleShape) -> tuple[int, str | None]:
        given = self.given(role.arguments)
        flag = "--dp-size" if parallel.groups(given) > 1 else None
        return parallel.attention_parallel(given, role.tensor_parallel), flag

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        return (
            # The address that prefill gives decode; by default that of the NIC with the default route, or a name's.
            EnvVar(name="SGLANG_HOST_IP", field="status.podIP"),
        )

    def transfer_environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        return nixl.environment("write")

    def transport_environment(self, transport: KvTransfer) -> tuple[EnvVar, ...]:
        return nixl.over(transport)

    def owned_flags(self, workers: Workers) -> Mapping[str, str]:
        return relations.owned(workers)

    def usable_values(self, workers: Workers) -> Mapping[str, Sequence[str]]:
        assert self.flags is not None  # flags/sglang.json
        return kernels.usable(workers, self.flags)

    def argument_errors(self, given: Given, workers: Workers) -> Iterator[ArgumentError]:
        for rules in (kernels, experts, parallel, relations):
            yield from rules.errors(given, workers)
        yield from json_values.errors(given)

    def compared(self, given: Given, workers: Workers) -> Mapping[str, Compared]:
        return equal_sides.compared(given, workers)

    def argument_warnings(self, given: Given) -> Iterator[str]:
        yield from parallel.warnings(given)

    def connection(self, argv: Sequence[str]) -> TransferConnection | None:
        values = dict(pairwise(argv))
        mode = values.get("--disaggregation-mode")
        return TransferConnection(
            connector=values.get("--disaggregation-transfer-backend") if mode else None,
            sends=mode == "prefill",
            receives=mode == "decode",
        )
