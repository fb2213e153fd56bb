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
from catalog.engines.trtllm import keys, rules
from catalog.engines.trtllm.formats import FORMATS
from catalog.engines.trtllm.memory import memory, tokens_in_buffer
from catalog.flags import ArgumentError
from catalog.flags.given import Given, Workers
from catalog.flags.table import Flag
from catalog.models import Card
from reading.frozen import Frozen


class KvCacheConfig(Frozen):
    """The KV cache of one worker. Its share of memory is here and not in Dynamo's own flag: Dynamo fills a
    `kv_cache_config` of its own from that flag, and any key below `--trtllm.kv_cache_config` replaces it whole."""

    dtype: str
    tokens_per_block: int
    free_gpu_memory_fraction: float
    enable_block_reuse: bool


class CacheTransceiverConfig(Frozen):
    """How KV cache moves between roles. Both need it: unset means that nothing moves."""

    backend: str = "DEFAULT"
    """NIXL over UCX, unless one of TensorRT-LLM's older variables says otherwise; this program sets none of them."""
    max_tokens_in_buffer: int


class EngineArgs(Frozen):
    """What this program sets of the engine's own arguments, by their names there."""

    return_perf_metrics: bool = True
    """The counters of the KV transfer are filled from it."""
    enable_chunked_prefill: bool | None
    """Else a prompt that is longer than --max-num-tokens is refused."""
    disable_overlap_scheduler: bool | None
    """Prefill cannot hand over its KV cache with it on."""
    kv_cache_config: KvCacheConfig
    cache_transceiver_config: CacheTransceiverConfig | None


class TrtllmArgs(CommandLine):
    """`dynamo.trtllm`: what this program sets of Dynamo's flags."""

    model: str
    served_model_name: str
    tensor_parallel_size: int
    max_seq_len: int
    kv_block_size: int
    disaggregation_mode: DisaggregationMode
    publish_metrics: bool = True
    publish_kv_events: bool


# Where to begin, not measured. No gauge of waiting requests is documented for this version, so prefill goes by the
# requests that it has. Each worker serves one series for each of its endpoints, and all but one of them stay at 0:
# whether the autoscaler adds them up is unverified.
_REQUESTS = ScalingSignal(name="requests-in-flight", gauge="dynamo_component_inflight_requests", target="8")
_KV_CACHE = ScalingSignal(name="kv-cache-use", gauge="trtllm_kv_cache_utilization", target="700m")

# Of the pod network, on GKE.
POD_INTERFACE = "eth0"

_BACKEND = "--trtllm.cache_transceiver_config.backend"


class Trtllm(Engine):
    """TensorRT-LLM's PyTorch backend, which reads the checkpoint as it is: no engine is built beforehand."""

    name = "trtllm"
    title = "TensorRT-LLM"
    module = "dynamo.trtllm"
    image = f"{IMAGES}/tensorrtllm-runtime"
    framework = "trtllm"
    block_size = 32
    # Of the memory that is free once the weights are loaded: what NIXL, its buffer and NCCL take later needs the rest.
    memory_share = 0.85
    formats = FORMATS
    metrics = EngineMetrics(
        kv_cache_use=_KV_CACHE.gauge,
        scaling={Role.PREFILL: (_REQUESTS,), Role.DECODE: (_KV_CACHE,), Role.WORKER: (_REQUESTS, _KV_CACHE)},
        transfer=TransferMetrics(
            source="Dynamo's TensorRT-LLM worker",
            moved=Series(name="trtllm_kv_transfer_bytes_sum", unit="By"),
            duration=Series(name="trtllm_kv_transfer_latency_seconds", unit="s"),
        ),
    )
    transfer_evidence = TransferEvidence(
        role=Role.DECODE,
        moved=Series(name="trtllm_kv_transfer_bytes_sum", unit="By"),
        transfers="trtllm_kv_transfer_success_total",
        absent="the worker counts only with --publish-metrics and --trtllm.return_perf_metrics true: look at the "
        "arguments of the decode workers",
        carrier="KV cache",
    )
    known_failures = (
        *nixl.KNOWN_FAILURES,
        KnownFailure(
            pattern=r"Disaggregated serving is not enabled",
            remedy="the worker has no cache_transceiver_config: leave its arguments as the program writes them",
        ),
        KnownFailure(
            pattern=r"Extra inputs are not permitted",
            remedy="this runtime does not know a key of the engine's arguments: take it out of extraArgs, or set "
            "versions.runtime to the version that the flag tables are made for",
        ),
    )
    # Prefill writes into decode's memory. Read in the descriptions of its options; not seen in a log.
    transport_evidence = TransportEvidence(role=Role.PREFILL, operation="write")
    no_usage_reports = {"TRTLLM_NO_USAGE_STATS": "1"}
    removed_flags = {
        "--publish-events-and-metrics": "nothing, since this program publishes both",
        "--disaggregation-strategy": "nothing, since it follows from the role of the worker",
        # Of `trtllm-serve`, which most guides on the net start.
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
        """The driver's libraries go to the end of the search path, as in NVIDIA's CUDA images.

        The image begins it with its NIXL and UCX. With another order TensorRT-LLM loads a NIXL that does not fit the
        plugins, and fails with "NIXL agent creation failed" or "backend 'UCX' not found". Unverified on a GPU.
        """
        script = (
            f'export LD_LIBRARY_PATH="${{LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}}{DRIVER_LIBRARIES}"; '
            f'exec python3 -m {self.module} "$@"'
        )
        return ("/bin/bash", "-c", script, self.module.replace(".", "-"))

    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        """Dtype, blocks and buffer of the KV cache are the same for both roles. Prefill and aggregated workers compute
        prompts, so they reuse blocks and tell the router of them."""
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
        assert self.flags is not None  # flags/trtllm.json
        return memory(card, inputs, Given(self.flags, inputs.arguments), self.block_size)

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        """Its ranks are MPI processes, and Open MPI starts none as root unless told so twice. Unverified whether the
        image says it already."""
        return (
            EnvVar(name="OMPI_ALLOW_RUN_AS_ROOT", value="1"),
            EnvVar(name="OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", value="1"),
        )

    def transfer_environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        """NIXL's own counters stay off: each rank has an agent, and nobody has tried here how they share a port."""
        return (
            # The interface whose address a rank tells its peers; else a guess, among several NICs.
            EnvVar(name="TRTLLM_NIXL_INTERFACE", value=POD_INTERFACE),
            *nixl.transport_log("write"),
        )

    def unlisted_flags(self) -> Mapping[str, Flag]:
        return keys.flags()

    def owned_flags(self, workers: Workers) -> Mapping[str, str]:
        return {**keys.refused(), **rules.owned(workers)}

    def usable_values(self, workers: Workers) -> Mapping[str, Sequence[str]]:
        return rules.usable(workers)

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
