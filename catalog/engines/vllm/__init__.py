"""vLLM under Dynamo: each pod runs one `dynamo.vllm` engine, and NIXL moves the KV cache."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from catalog import nixl
from catalog.command_line import (
    DISAGGREGATION_MODES,
    IMAGES,
    REMOVED_ROLE_FLAGS,
    CommandLine,
    DisaggregationMode,
    with_driver_libraries,
)
from catalog.contracts import (
    KV_EVENTS_PORT,
    Compared,
    EngineInput,
    EngineMetrics,
    EnvVar,
    KvCacheDtype,
    KvLease,
    LocalRun,
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
from catalog.engines.vllm import batch, handshake, kv_split, relations, speculation, values
from catalog.engines.vllm.formats import FORMATS
from catalog.engines.vllm.memory import memory
from catalog.flags import ArgumentError, json_object
from catalog.flags.given import Given, Workers
from catalog.models import Card
from catalog.rdma import KvTransfer
from reading.frozen import Frozen

KvSide = Literal["kv_producer", "kv_consumer"]
_KV_SIDES: dict[Role, KvSide] = {Role.PREFILL: "kv_producer", Role.DECODE: "kv_consumer"}


class LeaseConfig(Frozen):
    """Lease setting of NIXL's connector. Both sides need it: prefill grants the lease, decode renews it in time."""

    kv_lease_duration: int


class KvTransferConfig(Frozen):
    """Connector settings of one side of the KV cache transfer."""

    kv_connector: Literal["NixlConnector"] = "NixlConnector"
    kv_role: KvSide
    kv_connector_extra_config: LeaseConfig | None = None
    """Lease setting; None for the connector's default lease of 30 seconds."""


class KvEventsConfig(Frozen):
    """Endpoint on which a worker publishes to the router which KV blocks it holds."""

    enable_kv_cache_events: bool = True
    publisher: Literal["zmq"] = "zmq"
    topic: str = "kv-events"
    endpoint: str = f"tcp://*:{KV_EVENTS_PORT}"


class VllmArgs(CommandLine):
    """The flags of `dynamo.vllm` that this program sets."""

    model: str
    served_model_name: str
    tensor_parallel_size: int
    max_model_len: int
    load_format: Literal["runai_streamer"] | None
    dtype: Literal["bfloat16"] = "bfloat16"
    """Type of the activations; every card's config.json has the same one."""
    kv_cache_dtype: KvCacheDtype
    block_size: int
    gpu_memory_utilization: float
    disaggregation_mode: DisaggregationMode
    kv_transfer_config: KvTransferConfig | None
    kv_events_config: KvEventsConfig | None


# Starting values, not measured on an H200. Prefill is the bottleneck when prompts queue; decode is when it runs out of
# KV cache blocks, and from 90 percent on it preempts.
_QUEUE = ScalingSignal(name="queued-requests", gauge="vllm:num_requests_waiting", target="4")
_KV_CACHE = ScalingSignal(name="kv-cache-use", gauge="vllm:kv_cache_usage_perc", target="700m")

# What decode read, and reads that failed.
_MOVED = Series(name="vllm:nixl_bytes_transferred_sum", unit="By")
_FAILED = "vllm:nixl_num_failed_transfers_total"


def _with_host_buffer(transfer_config: str) -> str:
    """The transfer settings with NIXL's buffer in host memory; its default buffer is in GPU memory."""
    return json.dumps({**json.loads(transfer_config), "kv_buffer_device": "cpu"})


_LOOPBACK = "127.0.0.1"


class Vllm(Engine):
    """vLLM, whose NIXL connector lets decode read the KV cache from prefill's memory."""

    name = "vllm"
    title = "vLLM"
    module = "dynamo.vllm"
    image = f"{IMAGES}/vllm-runtime"
    framework = "vllm"
    block_size = 128
    # Always set, because vLLM's default changed between versions. 0.92 is the default of 0.32.
    memory_share = 0.92
    formats = FORMATS
    # `TritonAttentionImpl.__init__` of vLLM 0.31.0 refuses FP8 on older GPUs; other backends were not checked.
    fp8_kv_cache_from = "8.9"
    # Default and min: `NixlBaseConnectorScheduler.__init__`, vLLM 0.31.0.
    kv_lease = KvLease(default=30, min=6, why_min="decode renews a lease each sixth of it, in whole seconds")
    metrics = EngineMetrics(
        queue=_QUEUE.gauge,
        kv_cache_use=_KV_CACHE.gauge,
        scaling={Role.PREFILL: (_QUEUE,), Role.DECODE: (_KV_CACHE,), Role.WORKER: (_QUEUE, _KV_CACHE)},
        transfer=TransferMetrics(
            source="vLLM's connector",
            moved=_MOVED,
            duration=Series(name="vllm:nixl_xfer_time_seconds", unit="s"),
            failures={
                "transfer": _FAILED,
                "notification": "vllm:nixl_num_failed_notifications_total",
            },
            expired="vllm:nixl_num_kv_expired_reqs_total",
            after_expiry="vllm:nixl_num_notifications_after_expiry_total",
            received=("vllm:external_prefix_cache_hits_total", "vllm:external_prefix_cache_queries_total"),
        ),
    )
    ports = Ports(nixl_telemetry=nixl.TELEMETRY_PORT)
    transfer_evidence = TransferEvidence(
        role=Role.DECODE,
        moved=_MOVED,
        transfers="vllm:nixl_xfer_time_seconds_count",
        failed=_FAILED,
        used="vllm:external_prefix_cache_hits_total",
        absent="vLLM counts only with --kv-transfer-config: look at the arguments of the decode workers",
        carrier="NIXL",
    )
    known_failures = nixl.KNOWN_FAILURES
    transport_evidence = TransportEvidence(role=Role.DECODE, operation="read")
    no_usage_reports = {"VLLM_NO_USAGE_STATS": "1"}
    local = LocalRun(
        environment={
            "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_HOST_IP": _LOOPBACK,
            "VLLM_NIXL_SIDE_CHANNEL_HOST": _LOOPBACK,
            "UCX_TLS": "tcp,self",
            "UCX_NET_DEVICES": "lo",
            # NIXL's progress thread occupies a core: on two cores a request may wait longer than the default 5 s.
            "DYN_TCP_REQUEST_TIMEOUT": "60",
        },
        flags=("--enforce-eager",),  # compiling would take longer than the rest of a local run
        edits={"--kv-transfer-config": _with_host_buffer},
        port_variable="VLLM_NIXL_SIDE_CHANNEL_PORT",
    )
    removed_flags = REMOVED_ROLE_FLAGS

    @property
    def command(self) -> tuple[str, ...]:
        return with_driver_libraries(self.module)

    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        """Arguments with the same model string, dtype and block size for both roles: NIXL's handshake compares them."""
        side = _KV_SIDES.get(worker.role)
        lease = worker.kv_lease_seconds
        args = VllmArgs(
            model=worker.model,
            served_model_name=worker.served_name,
            tensor_parallel_size=worker.tensor_parallel,
            max_model_len=worker.max_model_len,
            load_format="runai_streamer" if worker.streams_weights else None,
            kv_cache_dtype=worker.kv_cache_dtype,
            block_size=self.block_size,
            gpu_memory_utilization=worker.gpu_memory_utilization,
            disaggregation_mode=DISAGGREGATION_MODES[worker.role],
            kv_transfer_config=KvTransferConfig(
                kv_role=side, kv_connector_extra_config=LeaseConfig(kv_lease_duration=lease) if lease else None
            )
            if side
            else None,
            # The router sends a prompt to the prefill worker with its prefix. Decode gets its blocks from prefill.
            kv_events_config=None if worker.role is Role.DECODE else KvEventsConfig(),
        )
        return (*args.argv(), *worker.extra_args)

    def memory(self, card: Card, inputs: MemoryInput) -> MemoryUse:
        return memory(card, inputs, self.given(inputs.arguments), self.block_size)

    def layout_errors(self, prefill: RoleShape, decode: RoleShape, card: Card) -> Iterator[str]:
        sizes = {"prefill": prefill.tensor_parallel, "decode": decode.tensor_parallel}
        backend = handshake.given_backend(self.given(decode.arguments))
        if refusal := kv_split.refusal(card.attention, **sizes, backend=backend):
            yield refusal

    def transfer_environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        return (
            # vLLM would guess it from the host name: in a pod with several NICs, possibly an unreachable address.
            EnvVar(name="VLLM_NIXL_SIDE_CHANNEL_HOST", field="status.podIP"),
            *nixl.environment("read"),
            # `NixlBaseConnectorWorker.__init__` of vLLM 0.31.0 asserts it for layers with a linear state.
            *((EnvVar(name="VLLM_SSM_CONV_STATE_LAYOUT", value="DS"),) if worker.linear_state else ()),
        )

    def transport_environment(self, transport: KvTransfer) -> tuple[EnvVar, ...]:
        return nixl.over(transport)

    def owned_flags(self, workers: Workers) -> Mapping[str, str]:
        return values.owned(workers)

    def usable_values(self, workers: Workers) -> Mapping[str, Sequence[str]]:
        return values.usable(workers)

    def argument_errors(self, given: Given, workers: Workers) -> Iterator[ArgumentError]:
        for rules in (values, relations, speculation, batch):
            yield from rules.errors(given, workers)

    def compared(self, given: Given, workers: Workers) -> Mapping[str, Compared]:
        return handshake.compared(given, workers)

    def argument_warnings(self, given: Given) -> Iterator[str]:
        if draft := speculation.draft(given):
            yield f"the plan does not count the memory of the draft model {draft}"

    def connection(self, argv: Sequence[str]) -> TransferConnection:
        flag = "--kv-transfer-config"
        given = json_object(argv[argv.index(flag) + 1]) if flag in argv[:-1] else {}
        config = {} if isinstance(given, str) else given
        connector, role = config.get("kv_connector"), config.get("kv_role")
        return TransferConnection(
            connector=str(connector) if connector else None,
            sends=role in ("kv_producer", "kv_both"),
            receives=role in ("kv_consumer", "kv_both"),
        )
