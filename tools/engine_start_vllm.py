"""Checks with vLLM's own code whether an engine would start, by building its configuration for a simulated H200.

Runs in the runtime's environment, not in this project's. Reads a JSON list of command lines of `dynamo.vllm` from
standard input and writes to the file named as argument, for each, why the configuration is refused, or null, and its
content. Does not check later steps (kernels, weights, memory).
"""

# ruff: noqa: E402 (the stand-in comes before what imports it)

import contextlib
import io
import json
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The CUDA platform's module imports compiled kernels, which the CPU build does not have.
sys.modules["vllm._C_stable_libtorch"] = types.ModuleType("vllm._C_stable_libtorch")

import dynamo.vllm.args
import vllm.config.vllm
import vllm.model_executor.models.gpt_oss
import vllm.model_executor.models.llama
import vllm.model_executor.models.qwen3
import vllm.model_executor.models.registry as registry
import vllm.platforms
import vllm.platforms.cuda as cuda
import vllm.v1.executor.multiproc_executor
from vllm.platforms.interface import DeviceCapability
from vllm.usage.usage_lib import UsageContext


class H200(cuda.CudaPlatformBase):
    """The platform as vLLM sees it on a node of eight H200 GPUs."""

    @classmethod
    def get_device_capability(cls, device_id: int = 0) -> DeviceCapability:
        return DeviceCapability(9, 0)

    @classmethod
    def get_device_name(cls, device_id: int = 0) -> str:
        return "NVIDIA H200"

    @classmethod
    def get_device_uuid(cls, device_id: int = 0) -> str:
        return "GPU-0"

    @classmethod
    def get_device_total_memory(cls, device_id: int = 0) -> int:
        return 143771 * 1024**2

    @classmethod
    def is_fully_connected(cls, physical_device_ids: Sequence[int]) -> bool:
        return True

    @classmethod
    def device_count(cls) -> int:
        return 8

    @classmethod
    def import_kernels(cls) -> None:
        """Does nothing: the CPU build has no kernels."""

    @classmethod
    def log_warnings(cls) -> None:
        """Does nothing: the warnings would be about GPUs."""


def main() -> None:
    # Set the platform after the import of the model classes, which choose CPU kernels on import. The configuration's
    # modules have their own references to the platform.
    vllm.platforms._current_platform = platform = H200()
    for name, module in sys.modules.items():
        if name.startswith(("vllm.config", "vllm.engine")) and hasattr(module, "current_platform"):
            module.current_platform = platform
    # The GPU image has Triton, and vLLM chooses the model runner accordingly.
    vllm.config.vllm.HAS_TRITON = True
    # A child process would detect the CPU again.
    registry._run_in_subprocess = lambda function: function()
    answers = [started(argv) for argv in json.load(sys.stdin)]
    Path(sys.argv[1]).write_text(json.dumps(answers), encoding="utf-8")


def started(argv: Sequence[str]) -> dict[str, Any]:
    """The result of the engine's configuration for a command line."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stderr(output), contextlib.redirect_stdout(output):
            arguments = dynamo.vllm.args.parse_args(list(argv))
            config = arguments.engine_args.create_engine_config(usage_context=UsageContext.OPENAI_API_SERVER)
    except SystemExit:
        return {"refused": (output.getvalue().strip().splitlines() or ["ended"])[-1]}
    except Exception as error:  # a configuration may raise anything
        return {"refused": f"{type(error).__name__}: {error}"}
    return {
        "refused": None,
        "connector": config.kv_transfer_config.kv_connector if config.kv_transfer_config else None,
        "tokens": config.scheduler_config.max_num_batched_tokens,
        "seqs": config.scheduler_config.max_num_seqs,
    }


if __name__ == "__main__":
    main()
