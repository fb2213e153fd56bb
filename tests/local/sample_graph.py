"""A rendered graph of the simulated layout, as `pulumi up` would send it."""

from collections.abc import Mapping, Sequence
from typing import Any

MODEL = "qwen3-0.6b"
BLOCK_TOKENS = "64"
MIGRATION_LIMIT = "3"


def simulated_graph(
    prefill: int = 1, decode: int = 1, worker_args: Sequence[str] = (), migration_limit: str = MIGRATION_LIMIT
) -> dict[str, Any]:
    """A v1beta1 DynamoGraphDeployment with this many workers of each role; a role without workers is left out."""
    router = ["--router-mode", "kv", "--kv-cache-block-size", BLOCK_TOKENS, "--migration-limit", migration_limit]
    workers = [
        _component(role, replicas, "dynamo.mocker", _mocker_args(role, worker_args), _POD_ENV)
        for role, replicas in (("prefill", prefill), ("decode", decode))
        if replicas
    ]
    return {
        "apiVersion": "nvidia.com/v1beta1",
        "kind": "DynamoGraphDeployment",
        "metadata": {"name": "chat", "namespace": "dynamo"},
        "spec": {
            "backendFramework": "vllm",
            "env": [{"name": "DYN_EVENT_PLANE", "value": "zmq"}],
            "components": [_component("frontend", 1, "dynamo.frontend", router, ()), *workers],
        },
    }


_POD_ENV = (
    {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf-token-secret", "key": "HF_TOKEN"}}},
)


def _mocker_args(role: str, more: Sequence[str]) -> list[str]:
    model = ["--model-path", "Qwen/Qwen3-0.6B", "--model-name", MODEL]
    return [*model, "--block-size", BLOCK_TOKENS, "--disaggregation-mode", role, *more]


def _component(
    role: str, replicas: int, module: str, args: Sequence[str], env: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": "nvcr.io/nvidia/ai-dynamo/dynamo-planner:1.6.1",
        "command": ["python3", "-m", module],
        "args": list(args),
        "env": list(env),
    }
    return {
        "name": role,
        "type": role,
        "replicas": replicas,
        "podTemplate": {"spec": {"containers": [container]}},
    }
