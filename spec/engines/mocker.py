"""Dynamo's mocker: a worker that registers, schedules and times like an engine, but computes nothing."""

from typing import Literal

from spec.engines import DISAGGREGATION_MODES, IMAGES, CommandLine, DisaggregationMode, Process
from spec.plan import Graph, Worker
from spec.sizing import KvCacheDtype


class MockerArgs(CommandLine):
    """`dynamo.mocker`: what this program sets of its flags."""

    model_path: str
    model_name: str
    max_model_len: int
    kv_cache_dtype: KvCacheDtype
    block_size: int
    disaggregation_mode: DisaggregationMode


class Mocker:
    image = f"{IMAGES}/dynamo-planner"  # the image that holds the mocker; it has no shell
    framework: Literal["vllm"] | None = None
    block_size = 64

    def process(self, graph: Graph, worker: Worker) -> Process:
        args = MockerArgs(
            model_path=graph.card.repository,
            model_name=graph.served_name,
            max_model_len=graph.max_model_len,
            kv_cache_dtype=graph.kv_cache_dtype,
            block_size=self.block_size,
            disaggregation_mode=DISAGGREGATION_MODES[worker.role],
        )
        return Process(
            module="dynamo.mocker",
            command=("python3", "-m", "dynamo.mocker"),
            args=(*args.argv(), *graph.extra_args),
            # Under Kubernetes discovery the mocker would look for NATS, which this platform does not have.
            env={"DYN_EVENT_PLANE": "zmq"},
        )


ENGINE = Mocker()
