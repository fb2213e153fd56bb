"""`pulumi-language-python` for policy packs alone: starts a pack as the official language host of Python does.

Pulumi's archive has the official one beside its CLI; no module registry has. This one runs no program.
"""
# ruff: noqa: N802 - names of the protocol

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from ops.local.lifeline import tied_to_this_process
from ops.rehearsal.engine import language_host

NAME = "pulumi-language-python"


class PolicyHost(language_pb2_grpc.LanguageRuntimeServicer):
    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version="3.0.0")

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def RunPlugin(self, request: Any, context: Any) -> Iterator[language_pb2.RunPluginResponse]:
        """Runs the pack until the engine hangs up."""
        assert request.kind == "analyzer", f"starts policy packs only, no {request.kind}"
        pack = subprocess.Popen(
            [sys.executable, "-u", "-m", "pulumi.policy", *request.args[:1], request.info.program_directory],
            cwd=request.pwd,
            env={**os.environ, **dict(pair.split("=", 1) for pair in request.env)},
            stdout=subprocess.PIPE,
            preexec_fn=tied_to_this_process(),
        )
        context.add_callback(pack.kill)
        assert pack.stdout
        for line in pack.stdout:
            yield language_pb2.RunPluginResponse(stdout=line)
        yield language_pb2.RunPluginResponse(exitcode=pack.wait())


if __name__ == "__main__":
    language_host.serve(PolicyHost(), threads=8)
