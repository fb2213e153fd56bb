"""`engine.extraArgs`: words that a stack adds to the workers' command lines, and the flags it may not add."""

from collections.abc import Iterator, Sequence

from spec import flags
from spec.faults import TOKEN, Fault, join

_DYNAMO = "Dynamo's operator sets it, the same for frontend and workers"
_ROLE = "it follows from the role of the worker"
_ONE_POD = "an engine is one pod; `tensorParallel` of a role says over how many GPUs, `replicas` how many engines"
_ENDPOINT = "workers serve no HTTP, the frontend does; `endpoint` says where it is reached"
_BLOCK_SIZE = "both roles and the router count in blocks of one size"
_EVENTS = "without prefix caching a worker sends no KV events, and the router no longer knows where a prefix is"

# The flags that a stack may not give, and what to set instead. Each flag that this program writes is here; the others
# would undo what it decided.
_BOTH = {
    "--disaggregation-mode": _ROLE,
    "--max-model-len": "use `engine.maxModelLen`",
    "--kv-cache-dtype": "use `engine.kvCacheDtype`",
    "--block-size": _BLOCK_SIZE,
    "--no-enable-prefix-caching": _EVENTS,
    "--endpoint": _DYNAMO,
    "--namespace": _DYNAMO,
    "--discovery-backend": _DYNAMO,
    "--request-plane": _DYNAMO,
    "--response-plane": _DYNAMO,
    "--event-plane": _DYNAMO,
    "--host": _ENDPOINT,
    "--port": _ENDPOINT,
    "--api-key": _ENDPOINT,
}
OWNED: dict[str, dict[str, str]] = {
    "dynamo.vllm": {
        **_BOTH,
        "--model": "use `model`, the name of a card",
        "--revision": "the card of the model pins it",
        "--served-model-name": "clients ask for the model by the name of its card",
        "--hf-token": "use the secret `hfToken`; arguments are in plain text",
        "--tensor-parallel-size": "use `tensorParallel` of a role",
        "--dtype": "every card is served in bfloat16, the dtype of its config.json",
        "--gpu-memory-utilization": "use `engine.gpuMemoryUtilization`",
        "--kv-cache-memory-bytes": "use `engine.gpuMemoryUtilization`, from which the plan counts the KV cache",
        "--kv-transfer-config": _ROLE,
        "--kv-events-config": _ROLE,
        "--pipeline-parallel-size": _ONE_POD,
        "--prefill-context-parallel-size": _ONE_POD,
        "--data-parallel-size": _ONE_POD,
        "--data-parallel-size-local": _ONE_POD,
        "--nnodes": _ONE_POD,
        "--node-rank": _ONE_POD,
        "--master-addr": _ONE_POD,
        "--master-port": _ONE_POD,
        "--headless": _ONE_POD,
    },
    "dynamo.mocker": {
        **_BOTH,
        "--model-path": "use `model`, the name of a card",
        "--model-name": "clients ask for the model by the name of its card",
        "--num-workers": "use `replicas` of a role",
    },
}


def faults(path: str, module: str, given: Sequence[str]) -> Iterator[Fault]:
    """The faults of `extraArgs`, which is at `path`, for workers that run the module."""
    pasted = [index for index, word in enumerate(given) if TOKEN.match(word.rpartition("=")[2])]
    for index in pasted:
        yield Fault(join(path, index), "looks like a token; arguments are in plain text. Use the secret `hfToken`")
    if not pasted:
        for fault in flags.faults(module, given, OWNED[module]):
            yield Fault(join(path, fault.index), fault.message)


def words(given: Sequence[str]) -> tuple[str, ...]:
    """The words as they are rendered: flag and value apart, since the operator reads `--flag value` only."""
    return tuple(part for word in given for part in (word.split("=", 1) if flags.is_flag(word) else [word]))
