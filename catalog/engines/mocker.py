"""Dynamo's mocker: a worker that registers, schedules and times like an engine, but computes nothing."""

from collections.abc import Iterator

from catalog.command_line import DISAGGREGATION_MODES, IMAGES, REMOVED_ROLE_FLAGS, CommandLine, DisaggregationMode
from catalog.contracts import EngineInput, EngineMetrics, EnvVar, KvCacheDtype, LocalRun, MemoryInput, MemoryUse
from catalog.engines import Engine
from catalog.flags import ArgumentError
from catalog.flags.argv import number
from catalog.flags.given import Given, Workers
from catalog.models import Card

# The mocker accepts 0 for these flags but cannot work with it.
_POSITIVE = (
    "--decode-speedup-ratio",
    "--kv-bytes-per-token",
    "--kv-transfer-bandwidth",
    "--max-num-batched-tokens",
    "--max-num-seqs",
    "--num-gpu-blocks-override",
    "--speedup-ratio",
)


class MockerArgs(CommandLine):
    """The flags of `dynamo.mocker` that this program sets."""

    model_path: str
    model_name: str
    max_model_len: int
    kv_cache_dtype: KvCacheDtype
    block_size: int
    disaggregation_mode: DisaggregationMode


class Mocker(Engine):
    """Dynamo's mocker, which imitates vLLM's scheduler and stands in for vLLM."""

    name = "mocker"
    title = "Dynamo's mocker"
    module = "dynamo.mocker"
    image = f"{IMAGES}/dynamo-planner"  # the image that holds the mocker; it has no shell
    simulated = True
    block_size = 64
    # The mocker serves these two gauges under vLLM's names.
    metrics = EngineMetrics(queue="vllm:num_requests_waiting", kv_cache_use="vllm:kv_cache_usage_perc")
    local = LocalRun()
    no_usage_reports = {"VLLM_NO_USAGE_STATS": "1"}
    removed_flags = REMOVED_ROLE_FLAGS

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

    def memory(self, card: Card, inputs: MemoryInput) -> MemoryUse:
        return MemoryUse(kv_cache=0, overhead=0, source="the mocker computes nothing")

    def environment(self, worker: EngineInput) -> tuple[EnvVar, ...]:
        # With Kubernetes discovery the mocker would connect to NATS, which this platform does not have.
        return (EnvVar(name="DYN_EVENT_PLANE", value="zmq"),)

    def argument_errors(self, given: Given, workers: Workers) -> Iterator[ArgumentError]:
        for name in _POSITIVE:
            value = given.text(name)
            if value is not None and number(value) <= 0:
                yield given.error(name, f"got {value}; must be more than 0")
