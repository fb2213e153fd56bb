"""Dynamo's mocker: a worker that registers, schedules and times like an engine, but computes nothing."""

from typing import Literal

from catalog.contracts import EngineInput, KvCacheDtype
from catalog.engines import DISAGGREGATION_MODES, IMAGES, CommandLine, DisaggregationMode, Process


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

    def process(self, worker: EngineInput) -> Process:
        args = MockerArgs(
            model_path=worker.repository,
            model_name=worker.served_name,
            max_model_len=worker.max_model_len,
            kv_cache_dtype=worker.kv_cache_dtype,
            block_size=self.block_size,
            disaggregation_mode=DISAGGREGATION_MODES[worker.role],
        )
        return Process(
            module="dynamo.mocker",
            command=("python3", "-m", "dynamo.mocker"),
            args=(*args.argv(), *worker.extra_args),
            # Under Kubernetes discovery the mocker would look for NATS, which this platform does not have.
            env={"DYN_EVENT_PLANE": "zmq"},
        )


ENGINE = Mocker()
