"""Runs the whole program in this process on Pulumi's mock monitor, and records every registration as sent.

Needs no cloud and no Pulumi binary. The only module, with `registrations`, that uses Pulumi's semi-private names, which
are pinned with Pulumi.
"""

import asyncio
import contextlib
import contextvars
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import mocks, settings
from pulumi.runtime import resource as runtime_resource
from pulumi.runtime import stack as runtime_stack
from pulumi.runtime.proto import resource_pb2, source_pb2

from ops.offline.canned_answers import Answers, Canned, computed, planned
from ops.offline.recorded import SECRET, ProgramFailed, Recording
from ops.offline.registrations import plain, resource, urn_of
from settings.stack_config import StackConfig

PROJECT = "dynamo-gke"


class _Cloud(mocks.Mocks):
    """A cloud that accepts every resource and returns its inputs, in `up` also an id and computed values."""

    def __init__(self, preview: bool, answers: Answers) -> None:
        self.preview = preview
        self.answers = answers

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        known, values = {**args.inputs, **planned(args)}, computed(args)
        if self.preview:  # an output that is not returned is unknown
            return "", {key: value for key, value in known.items() if key not in values}
        return f"{args.name}-id", {**known, **values}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return self.answers(args), []


class _Recorder(mocks.MockMonitor):
    """Monitor that keeps each request. Names resources as the real engine does, and rejects duplicate URNs."""

    def __init__(self, cloud: _Cloud) -> None:
        super().__init__(cloud)
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}
        self.outputs: struct_pb2.Struct | None = None

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        return urn_of(parent, type_, name)

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        if response.urn in self.requests:
            raise ProgramFailed(f"two resources have the same URN: {response.urn}")
        self.requests[response.urn] = request
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "::pulumi:pulumi:Stack::" in request.urn:
            self.outputs = request.outputs
        return super().RegisterResourceOutputs(request)


def record(
    root: Path, config: StackConfig, *, project: str = PROJECT, preview: bool = True, answers: Answers | None = None
) -> Recording:
    """Runs `__main__.py` of `root` for a stack of `project`. Raises ProgramFailed with the program's error."""
    return contextvars.copy_context().run(
        record_program,
        lambda: run_main(root),
        stack=config.stack,
        config={**config.values, **dict.fromkeys(config.secrets, SECRET)},
        secret_keys=sorted(config.secrets),
        preview=preview,
        project=project,
        answers=answers or Canned(config),
    )


def run_main(root: Path) -> None:
    """Runs the program of `root` as Pulumi's language host does."""
    runpy.run_path(str(root / "__main__.py"), run_name="__main__")


def record_program(
    program: Callable[[], None],
    *,
    stack: str,
    config: dict[str, str],
    secret_keys: list[str],
    preview: bool,
    project: str = PROJECT,
    answers: Answers | None = None,
) -> Recording:
    """Runs any Pulumi program in this context. Changes the context's config and settings: call it in a copy."""
    recorder = _Recorder(_Cloud(preview, answers or Canned()))
    pulumi.runtime.set_all_config(config, secret_keys)
    settings.set_root_resource(None)  # type: ignore[arg-type] - the SDK's own way to start afresh
    settings.configure(
        mocks.MockSettings(
            monitor=recorder,
            engine=_QuietEngine(None),
            callbacks=None,
            monitor_features=set(recorder.GetDeploymentInfo(None).supportedFeatures),
            project=project,
            stack=stack,
            organization="organization",
            dry_run=preview,
        )
    )
    state: Any = settings.SETTINGS
    # Outputs from before the program, such as those of an imported module, belong to a loop that never runs again.
    state.outputs.clear()
    loop = asyncio.new_event_loop()
    # One failed resource leaves hundreds of tasks behind, whose unretrieved exceptions would hide the cause below.
    loop.set_exception_handler(lambda _loop, _context: None)
    # The mock monitor creates an event loop in each calling thread and leaves it open: use one thread, and close it.
    thread = ThreadPoolExecutor(max_workers=1)
    loop.set_default_executor(thread)
    cwd, path = Path.cwd(), list(sys.path)
    try:
        asyncio.set_event_loop(loop)
        with in_a_hurry():
            loop.run_until_complete(runtime_stack.run_in_stack(program))
    except pulumi.RunError as error:
        raise ProgramFailed(str(error)) from error
    except ProgramFailed:
        raise
    except Exception as error:  # any error of the program, reported in one sentence
        raise ProgramFailed(f"the program failed: {type(error).__name__}: {error}") from error
    finally:
        left_over = asyncio.all_tasks(loop)
        for task in left_over:
            task.cancel()
        if left_over:
            loop.run_until_complete(asyncio.wait(left_over, timeout=5))
        thread.submit(_close_loop_of_thread).result()
        thread.shutdown()
        asyncio.set_event_loop(None)
        loop.close()
        # Leftovers of a failed run must not reach the next run's loop.
        settings._get_rpc_manager().clear()
        state.outputs.clear()
        os.chdir(cwd)
        sys.path[:] = path
    return _recording(recorder)


@contextlib.contextmanager
def in_a_hurry() -> Iterator[None]:
    """Lets Pulumi's SDK do without half of its work, which changes nothing of what a program registers."""
    with (
        mock.patch.object(runtime_stack, "wait_for_rpcs", _quiescence),
        # Where in the code each resource is created is shown by nobody, and costs a fifth of a preview.
        mock.patch.object(runtime_resource, "_get_stack_trace", source_pb2.StackTrace),
    ):
        yield


async def _quiescence(await_all_outstanding_tasks: bool = True) -> None:
    """Waits for all pending calls and outputs, like the SDK's own function but in linear time.

    The SDK waits for the first of the remaining outputs, again and again: quadratic, and half the time of a preview.
    Waiting for all of them, or for the first failure, has the same result.
    """
    manager = settings._get_rpc_manager()
    state: Any = settings.SETTINGS
    while manager.rpcs or (state.outputs and await_all_outstanding_tasks):
        while manager.rpcs:
            await asyncio.sleep(0)
            await manager.rpcs.pop()
        if manager.unhandled_exception is not None:
            raise manager.unhandled_exception.with_traceback(manager.exception_traceback)
        with state.lock:
            pending = list(state.outputs)
            state.outputs.clear()
        if pending:
            done, rest = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
            with state.lock:
                state.outputs.update(rest)
            for task in done:
                await task


def _close_loop_of_thread() -> None:
    with contextlib.suppress(RuntimeError):  # no loop exists if nothing was registered
        asyncio.get_event_loop().close()


class _QuietEngine(mocks.MockEngine):
    """Engine that drops the program's log messages. Its warnings are already shown from the plan."""

    def Log(self, request: Any) -> Any:
        return struct_pb2.Value()


def _recording(recorder: _Recorder) -> Recording:
    resources = [
        resource(urn, request) for urn, request in recorder.requests.items() if request.type != "pulumi:pulumi:Stack"
    ]
    outputs, _ = plain(recorder.outputs) if recorder.outputs else ({}, [])
    return Recording(resources=tuple(sorted(resources, key=lambda r: r.urn)), outputs=outputs)
