"""vLLM under Dynamo: one engine of `dynamo.vllm` a pod, its KV cache moved by NIXL."""

from typing import Literal

from catalog.contracts import EngineInput, KvCacheDtype, Role
from catalog.engines import DISAGGREGATION_MODES, IMAGES, CommandLine, DisaggregationMode, Process
from catalog.sizing import BLOCK_SIZE
from reading.frozen import Frozen

# KV events of the workers to the router; one worker a pod, so the port is free.
KV_EVENTS_PORT = 20080

# GKE mounts the driver's libraries there, outside the image's search path. They are put in front of it in a shell:
# LD_LIBRARY_PATH as an environment variable of the pod would replace the image's own, which holds NIXL and UCX, and
# the KV cache would go over TCP.
DRIVER_LIBRARIES = "/usr/local/nvidia/lib64"
_WRAPPER = f'export LD_LIBRARY_PATH={DRIVER_LIBRARIES}:$LD_LIBRARY_PATH; exec python3 -m dynamo.vllm "$@"'


KvSide = Literal["kv_producer", "kv_consumer"]
_KV_SIDES: dict[Role, KvSide] = {Role.PREFILL: "kv_producer", Role.DECODE: "kv_consumer"}


class KvLease(Frozen):
    """What NIXL's connector reads besides. Both sides need it: prefill grants the lease, decode renews it in time."""

    kv_lease_duration: int


class KvTransferConfig(Frozen):
    """One side of the KV cache transfer."""

    kv_connector: Literal["NixlConnector"] = "NixlConnector"
    kv_role: KvSide
    kv_connector_extra_config: KvLease | None = None
    """None for the connector's own lease of 30 seconds."""


class KvEventsConfig(Frozen):
    """Where a worker tells the router which blocks it holds."""

    enable_kv_cache_events: bool = True
    publisher: Literal["zmq"] = "zmq"
    topic: str = "kv-events"
    endpoint: str = f"tcp://*:{KV_EVENTS_PORT}"


class VllmArgs(CommandLine):
    """`dynamo.vllm`: what this program sets of its flags."""

    model: str
    served_model_name: str
    tensor_parallel_size: int
    max_model_len: int
    load_format: Literal["runai_streamer"] | None
    dtype: Literal["bfloat16"] = "bfloat16"
    """Of the activations; every card's config.json says the same."""
    kv_cache_dtype: KvCacheDtype
    block_size: int
    gpu_memory_utilization: float
    disaggregation_mode: DisaggregationMode
    kv_transfer_config: KvTransferConfig | None
    kv_events_config: KvEventsConfig | None


class Vllm:
    image = f"{IMAGES}/vllm-runtime"
    framework: Literal["vllm"] | None = "vllm"
    block_size = BLOCK_SIZE

    def process(self, worker: EngineInput) -> Process:
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
                kv_role=side, kv_connector_extra_config=KvLease(kv_lease_duration=lease) if lease else None
            )
            if side
            else None,
            # The router sends a prompt to the worker that holds its prefix; decode gets its blocks from prefill.
            kv_events_config=None if worker.role is Role.DECODE else KvEventsConfig(),
        )
        return Process(
            module="dynamo.vllm",
            command=("/bin/bash", "-c", _WRAPPER, "dynamo-vllm"),
            args=(*args.argv(), *worker.extra_args),
            env={},
        )


ENGINE = Vllm()
