"""`python -m ops.rehearsal.engine.language_host`: the process that `pulumi import` starts before it imports anything.

The command asks Pulumi's host of a project's language which plugins the program needs, although it does not run the
program. `make tools` builds no such host, because the programs of a rehearsal run in the rehearsal's own process.
"""

import os
import shlex
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

from ops.offline.stackfile import project_root
from ops.rehearsal.world import World


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs no program and names no plugin: the engine is attached to providers that already run."""

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo()


def install(world: World) -> None:
    """Puts the host where Pulumi looks for it."""
    host = world.commands / "pulumi-language-python"
    root, python = shlex.quote(str(project_root())), shlex.quote(sys.executable)
    host.write_text(f"#!/bin/sh\ncd {root} && exec {python} -m {__spec__.name}\n")
    host.chmod(0o700)


def server_of(host: language_pb2_grpc.LanguageRuntimeServicer, threads: int) -> tuple[grpc.Server, int]:
    """A server of a host, not started yet, and its port on loopback."""
    server = grpc.server(ThreadPoolExecutor(max_workers=threads))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    return server, server.add_insecure_port("127.0.0.1:0")


def serve(host: language_pb2_grpc.LanguageRuntimeServicer, threads: int) -> None:
    """Prints the port, and serves a host until the engine ends this process."""
    # At once and without a word: the engine shows whatever a plugin prints.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    server, port = server_of(host, threads)
    print(port, flush=True)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    serve(LanguageHost(), threads=1)
