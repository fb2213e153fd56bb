"""vLLM under Dynamo: one engine of `dynamo.vllm` a pod, its KV cache moved by NIXL."""

import json
from typing import Literal

from spec.engines import DISAGGREGATION_MODES, DYNAMO_VERSION, IMAGES, Process, argv
from spec.model_base import Frozen
from spec.models import Role
from spec.plan import Graph, Worker

# KV events of the workers to the router; one worker a pod, so the port is free.
KV_EVENTS_PORT = 20080

# GKE mounts the driver's libraries there, outside the image's search path. They are put in front of it in a shell:
# LD_LIBRARY_PATH as an environment variable of the pod would replace the image's own, which holds NIXL and UCX, and
# the KV cache would go over TCP.
DRIVER_LIBRARIES = "/usr/local/nvidia/lib64"
_WRAPPER = f'export LD_LIBRARY_PATH={DRIVER_LIBRARIES}:$LD_LIBRARY_PATH; exec python3 -m dynamo.vllm "$@"'


class KvTransferConfig(Frozen):
    """One side of the KV cache transfer. Snake case on the command line, so no aliases are written."""

    kv_connector: Literal["NixlConnector"] = "NixlConnector"
    kv_role: Literal["kv_producer", "kv_consumer"]


class KvEventsConfig(Frozen):
    """Where a worker tells the router which blocks it holds."""

    enable_kv_cache_events: bool = True
    publisher: Literal["zmq"] = "zmq"
    topic: str = "kv-events"
    endpoint: str = f"tcp://*:{KV_EVENTS_PORT}"


def _on_command_line(config: Frozen) -> str:
    return json.dumps(config.model_dump(mode="json"), separators=(",", ":"))


class Vllm:
    image = f"{IMAGES}/vllm-runtime:{DYNAMO_VERSION}"
    framework: Literal["vllm"] | None = "vllm"
    block_size = 128

    def process(self, graph: Graph, worker: Worker) -> Process:
        transfer = {Role.PREFILL: "kv_producer", Role.DECODE: "kv_consumer"}.get(worker.role)
        flags: dict[str, str | int | float | None] = {
            "model": graph.card.repository,
            "revision": graph.card.revision,
            "served-model-name": graph.card.name,
            "tensor-parallel-size": worker.tensor_parallel,
            "max-model-len": graph.max_model_len,
            "dtype": "bfloat16",  # of activations; every card's config.json says the same
            "kv-cache-dtype": graph.kv_cache_dtype.value,
            "block-size": self.block_size,
            "gpu-memory-utilization": graph.gpu_memory_utilization,
            "disaggregation-mode": DISAGGREGATION_MODES[worker.role],
            "kv-transfer-config": transfer and _on_command_line(KvTransferConfig.model_validate({"kv_role": transfer})),
            # The router sends a prompt to the worker that holds its prefix; decode gets its blocks from prefill.
            "kv-events-config": None if worker.role is Role.DECODE else _on_command_line(KvEventsConfig()),
        }
        return Process(command=("/bin/bash", "-c", _WRAPPER, "dynamo-vllm"), args=argv(flags), env={})


ENGINE = Vllm()
