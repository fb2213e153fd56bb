"""Dynamo's mocker: a worker that registers, schedules and times like an engine, but computes nothing."""

from typing import Literal

from spec.engines import DISAGGREGATION_MODES, DYNAMO_VERSION, IMAGES, Process, argv
from spec.plan import Graph, Worker


class Mocker:
    image = f"{IMAGES}/dynamo-planner:{DYNAMO_VERSION}"  # the image that holds the mocker; it has no shell
    framework: Literal["vllm"] | None = None
    block_size = 64

    def process(self, graph: Graph, worker: Worker) -> Process:
        flags: dict[str, str | int | float | None] = {
            "model-path": graph.card.repository,
            "model-name": graph.card.name,
            "max-model-len": graph.max_model_len,
            "kv-cache-dtype": graph.kv_cache_dtype.value,
            "block-size": self.block_size,
            "disaggregation-mode": DISAGGREGATION_MODES[worker.role],
        }
        # Under Kubernetes discovery the mocker would look for NATS, which this platform does not have.
        return Process(command=("python3", "-m", "dynamo.mocker"), args=argv(flags), env={"DYN_EVENT_PLANE": "zmq"})


ENGINE = Mocker()
