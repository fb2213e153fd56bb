"""TensorRT-LLM under Dynamo: one engine of `dynamo.trtllm` a pod, its KV cache moved by NIXL."""

from collections.abc import Iterator, Mapping, Sequence

from catalog import nixl
from catalog.command_line import DISAGGREGATION_MODES, DRIVER_LIBRARIES, IMAGES, CommandLine, DisaggregationMode
from catalog.contracts import (
    Compared,
    EngineInput,
    EngineMetrics,
    EnvVar,
    KnownFailure,
    MemoryInput,
    MemoryUse,
    Role,
    ScalingSignal,
    Series,
    TransferConnection,
    TransferEvidence,
    TransferMetrics,
    TransportEvidence,
)
from catalog.engines import Engine
from catalog.engines.trtllm import kernels, keys, rules
from catalog.engines.trtllm.formats import FORMATS
from catalog.engines.trtllm.memory import memory, tokens_in_buffer
from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from catalog.flags.table import Flag
from catalog.models import Card
from catalog.rdma import KvTransfer
from reading.frozen import Frozen


class KvCacheConfig(Frozen):
    """The KV cache of one worker, including its share of memory. Dynamo's own flag for the share does not work here:
    it fills a `kv_cache_config` that any `--trtllm.kv_cache_config` key replaces as a whole."""

    dtype: str
    tokens_per_block: int
    free_gpu_memory_fraction: float
    enable_block_reuse: bool


class CacheTransceiverConfig(Frozen):
    """How KV cache moves between roles. Both roles need it; if unset, no KV cache moves."""

    backend: str = "DEFAULT"
    """NIXL over UCX, unless one of TensorRT-LLM's older variables says otherwise; this program sets none of them."""
    max_tokens_in_buffer: int


class EngineArgs(Frozen):
    """The engine's own arguments that this program sets, under the engine's names."""

    return_perf_metrics: bool = True
    """Fills the counters of the KV transfer."""
    enable_chunked_prefill: bool | None
    """Without it the engine refuses prompts longer than --max-num-tokens."""
    disable_overlap_scheduler: bool | None
    """Prefill cannot hand over its KV cache while the overlap scheduler is on."""
    kv_cache_config: KvCacheConfig
    cache_transceiver_config: CacheTransceiverConfig | None


class TrtllmArgs(CommandLine):
    """The flags of `dynamo.trtllm` that this program sets."""

    model: str
    served_model_name: str
    tensor_parallel_size: int
    max_seq_len: int
    kv_block_size: int
    disaggregation_mode: DisaggregationMode
    publish_metrics: bool = True
    publish_kv_events: bool


# Targets to start from, not measured. This version documents no gauge of waiting requests, so prefill scales by
# requests in flight. Each worker serves one series per endpoint, all but one of which stay at 0: whether the autoscaler
# adds them up is unverified.
_REQUESTS = ScalingSignal(name="requests-in-flight", gauge="dynamo_component_inflight_requests", target="8")
_KV_CACHE = ScalingSignal(name="kv-cache-use", gauge="trtllm_kv_cache_utilization", target="700m")

_MOVED = Series(name="trtllm_kv_transfer_bytes_sum", unit="By")

_BACKEND = "--trtllm.cache_transceiver_config.backend"


class Trtllm(Engine):
    """TensorRT-LLM's PyTorch backend, which loads checkpoints directly, without building an engine first."""

    name = "trtllm"
    title = "TensorRT-LLM"
    module = "dynamo.trtllm"
    image = f"{IMAGES}/tensorrtllm-runtime"
    framework = "trtllm"
    block_size = 32
    # Share of the memory that is free after the weights are loaded. NIXL, its buffer and NCCL need the rest later.
    memory_share = 0.85
    formats = FORMATS
    metrics = EngineMetrics(
        kv_cache_use=_KV_CACHE.gauge,
        scaling={Role.PREFILL: (_REQUESTS,), Role.DECODE: (_KV_CACHE,), Role.WORKER: (_REQUESTS, _KV_CACHE)},
        transfer=TransferMetrics(
            source="Dynamo's TensorRT-LLM worker",
            moved=_MOVED,
            duration=Series(name="trtllm_kv_transfer_latency_seconds", unit="s"),
        ),
    )
    transfer_evidence = TransferEvidence(
        role=Role.DECODE,
        moved=_MOVED,
        transfers="trtllm_kv_transfer_success_total",
        absent="the worker counts only with --publish-metrics and --trtllm.return_perf_metrics true: look at the "
        "arguments of the decode workers",
        carrier="KV cache",
    )
    known_failures = (
        *nixl.KNOWN_FAILURES,
        KnownFailure(
            pattern=r"Disaggregated serving is not enabled",
            remedy="the worker has no cache_transceiver_config: do not change the arguments that the program writes",
        ),
        KnownFailure(
            pattern=r"Extra inputs are not permitted",
            remedy="this runtime does not know a key of the engine's arguments: remove it from extraArgs, or set "
            "versions.runtime to the version of the flag tables",
        ),
    )
    # Prefill writes into decode's memory, according to the descriptions of its options; not seen in a log.
    transport_evidence = TransportEvidence(role=Role.PREFILL, operation="write")
    no_usage_reports = {"TRTLLM_NO_USAGE_STATS": "1"}
    removed_flags = {
        "--publish-events-and-metrics": "remove it, since this program publishes both",
        "--disaggregation-strategy": "remove it, since it follows from the role of the worker",
        # Flags of `trtllm-serve`, which most guides use.
        "--config": "--trtllm.KEY VALUE for each key of the file",
        "--extra-llm-api-options": "--trtllm.KEY VALUE for each key of the file",
        "--extra_llm_api_options": "--trtllm.KEY VALUE for each key of the file",
        "--kv_cache_free_gpu_memory_fraction": "engine.gpuMemoryUtilization",
        "--tp_size": "tensorParallel of a role",
        "--ep_size": "--expert-parallel-size",
        "--max_batch_size": "--max-batch-size",
        "--max_num_tokens": "--max-num-tokens",
        "--max_seq_len": "engine.maxModelLen",
    }

    @property
    def command(self) -> tuple[str, ...]:
        """Starts the worker with the driver's libraries at the end of the search path, as in NVIDIA's CUDA images.

        The image puts its NIXL and UCX first. In another order TensorRT-LLM loads a NIXL that does not match the
        plugins and fails with "NIXL agent creation failed" or "backend 'UCX' not found". Unverified on a GPU.
        """
        script = (
            f'export LD_LIBRARY_PATH="${{LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}}{DRIVER_LIBRARIES}"; '
            f'exec python3 -m {self.module} "$@"'
        )
        return ("/bin/bash", "-c", script, self.module.replace(".", "-"))

    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        """Arguments of one worker. Both roles get the same dtype, blocks and buffer of the KV cache. Prefill and
        aggregated workers compute prompts, so they reuse blocks and publish them to the router."""
        prompts, alone = worker.role is not Role.DECODE, worker.role is Role.WORKER
        args = TrtllmArgs(
            model=worker.model,
            served_model_name=worker.served_name,
            tensor_parallel_size=worker.tensor_parallel,
            max_seq_len=worker.max_model_len,
            kv_block_size=self.block_size,
            disaggregation_mode=DISAGGREGATION_MODES[worker.role],
            publish_kv_events=prompts,
        )
        engine = EngineArgs(
            enable_chunked_prefill=True if prompts else None,
            disable_overlap_scheduler=True if worker.role is Role.PREFILL else None,
            kv_cache_config=KvCacheConfig(
                dtype=worker.kv_cache_dtype.value,
                tokens_per_block=self.block_size,
                free_gpu_memory_fraction=worker.gpu_memory_utilization,
                enable_block_reuse=prompts,
            ),
            cache_transceiver_config=None
            if alone
            else CacheTransceiverConfig(max_tokens_in_buffer=tokens_in_buffer(worker.max_model_len, self.block_size)),
        )
        return (*args.argv(), *keys.words(engine), *worker.extra_args)

    def memory(self, card: Card, inputs: MemoryInput) -> MemoryUse:
        return memory(card, inputs, self.given(inputs.arguments), self.block_size)

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        """Allows Open MPI to start the engine's ranks as root, which takes two variables. Whether the image sets them
        already is unverified."""
        return (
            EnvVar(name="OMPI_ALLOW_RUN_AS_ROOT", value="1"),
            EnvVar(name="OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", value="1"),
        )

    def transfer_environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        """NIXL's interface and log. Its counters stay off: each rank has an agent, and sharing a port is untested."""
        return (
            # The interface whose address a rank gives its peers; by default it guesses among several NICs.
            EnvVar(name="TRTLLM_NIXL_INTERFACE", value=nixl.POD_INTERFACE),
            *nixl.transport_log("write"),
        )

    def transport_environment(self, transport: KvTransfer) -> tuple[EnvVar, ...]:
        return nixl.over(transport)

    def unlisted_flags(self) -> Mapping[str, Flag]:
        return keys.flags()

    def owned_flags(self, workers: Workers) -> Mapping[str, str]:
        return {**keys.refused(), **rules.owned(workers)}

    def usable_values(self, workers: Workers) -> Mapping[str, Sequence[str]]:
        return kernels.usable(workers)

    def argument_errors(self, given: Given, workers: Workers) -> Iterator[ArgumentError]:
        yield from rules.errors(given, workers)

    def compared(self, given: Given, workers: Workers) -> Mapping[str, Compared]:
        return rules.compared(given)

    def argument_warnings(self, given: Given) -> Iterator[str]:
        if given.on("--enable-attention-dp"):
            yield (
                "--enable-attention-dp gives each GPU all weights of the attention layers; the plan counts them as "
                "divided over the GPUs"
            )

    def connection(self, argv: Sequence[str]) -> TransferConnection:
        backend = argv[argv.index(_BACKEND) + 1] if _BACKEND in argv[:-1] else None
        mode = argv[argv.index("--disaggregation-mode") + 1] if "--disaggregation-mode" in argv[:-1] else None
        return TransferConnection(
            connector=backend, sends=bool(backend) and mode == "prefill", receives=bool(backend) and mode == "decode"
        )
