"""A program that Pulumi breaks off ends, and leaves no traceback; every other error still does."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import cast

import grpc
import pytest
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.sync_await import _sync_await

from ops.rehearsal.engine import broken_off
from ops.rehearsal.engine.broken_off import Running
from tests.stacks import ROOT

SECONDS = 30

ENDS_BROKEN_OFF = """
from ops.rehearsal.engine import broken_off

broken_off.say_nothing()

class Forever:
    def __await__(self):
        yield

async def program():
    try:
        await Forever()
    finally:
        raise RuntimeError("no running event loop")

running = program()
running.send(None)
del running
"""
FAILS_AT_ITS_END = """
class Broken:
    def __del__(self):
        raise ValueError("broken")

Broken()
"""


def stderr_of(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stderr


def test_the_program_says_nothing() -> None:
    assert stderr_of(ENDS_BROKEN_OFF) == ""


def test_another_error_is_shown() -> None:
    assert "ValueError: broken" in stderr_of(ENDS_BROKEN_OFF + FAILS_AT_ITS_END)


def _begun(running: Running, program: Callable[[], Awaitable[None]]) -> threading.Thread:
    """A thread in which the program runs as the SDK runs one that is a function."""
    began = threading.Event()

    async def run() -> None:
        running.add()
        began.set()
        await program()

    def thread() -> None:
        with suppress(SystemExit):
            asyncio.run(run())

    started = threading.Thread(target=thread, daemon=True)
    started.start()
    assert began.wait(SECONDS)
    return started


async def _awaits_nothing() -> None:
    await asyncio.get_running_loop().create_future()


async def _looks_up() -> None:
    """What a lookup without `await` does, after an error has stopped the loop: it turns without a pause."""
    asyncio.get_running_loop().stop()
    _sync_await(asyncio.get_running_loop().create_future())


@pytest.mark.parametrize("program", [_awaits_nothing, _looks_up])
def test_a_program_that_waits_in_vain_ends_with_its_command(program: Callable[[], Awaitable[None]]) -> None:
    running = Running()
    begun = _begun(running, program)
    begun.join(0.2)
    assert begun.is_alive()
    running.end()
    begun.join(SECONDS)
    assert not begun.is_alive()


def test_a_program_that_has_ended_is_left_alone() -> None:
    async def does_nothing() -> None:
        pass

    running = Running()
    _begun(running, does_nothing).join(SECONDS)
    running.end()


def _called(channel: grpc.Channel) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/service/Method")(b"", timeout=SECONDS)
    return cast("grpc.Call", failed.value).code()


def test_a_program_reaches_a_pulumi_on_the_port_of_one_that_broke_a_program_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each program has the connections that the SDK makes with its options."""
    options = [*_GRPC_CHANNEL_OPTIONS]
    monkeypatch.setattr(broken_off, "_GRPC_CHANNEL_OPTIONS", options)
    broken_off.share_no_connection()
    with socket.socket() as ended:
        ended.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{ended.getsockname()[1]}"
    with grpc.insecure_channel(address, options) as left_over:
        assert _called(left_over) is grpc.StatusCode.UNAVAILABLE
        server = grpc.server(ThreadPoolExecutor(max_workers=1))
        server.add_insecure_port(address)
        server.start()
        with grpc.insecure_channel(address, options) as program:
            assert _called(program) is grpc.StatusCode.UNIMPLEMENTED  # the server answers
        server.stop(None)
