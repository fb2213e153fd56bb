"""Dynamo's mocker: a worker that registers, schedules and times like an engine, but computes nothing."""

from catalog.command_line import DISAGGREGATION_MODES, IMAGES, CommandLine, DisaggregationMode
from catalog.contracts import EngineInput, EnvVar, KvCacheDtype
from catalog.engines import Engine


class MockerArgs(CommandLine):
    """`dynamo.mocker`: what this program sets of its flags."""

    model_path: str
    model_name: str
    max_model_len: int
    kv_cache_dtype: KvCacheDtype
    block_size: int
    disaggregation_mode: DisaggregationMode


class Mocker(Engine):
    """The mocker. It stands in for vLLM, whose scheduler it imitates."""

    name = "mocker"
    title = "Dynamo's mocker"
    module = "dynamo.mocker"
    image = f"{IMAGES}/dynamo-planner"  # the image that holds the mocker; it has no shell
    simulated = True
    block_size = 64
    no_usage_reports = {"VLLM_NO_USAGE_STATS": "1"}

    def arguments(self, worker: EngineInput) -> tuple[str, ...]:
        args = MockerArgs(
            model_path=worker.repository,
            model_name=worker.served_name,
            max_model_len=worker.max_model_len,
            kv_cache_dtype=worker.kv_cache_dtype,
            block_size=self.block_size,
            disaggregation_mode=DISAGGREGATION_MODES[worker.role],
        )
        return (*args.argv(), *worker.extra_args)

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        # Under Kubernetes discovery the mocker would look for NATS, which this platform does not have.
        return (EnvVar(name="DYN_EVENT_PLANE", value="zmq"),)
