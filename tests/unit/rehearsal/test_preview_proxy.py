"""The proxy that lets Google's own provider preview only, over real gRPC on loopback."""
# ruff: noqa: N802 - names of the protocol

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from ops.rehearsal.engine.preview_proxy import PreviewProxy

METHODS = [method.name for method in provider_pb2.DESCRIPTOR.services_by_name["ResourceProvider"].methods]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Says which calls reached it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def Create(self, request: Any, context: Any) -> Any:
        self.calls.append("Create")
        return provider_pb2.CreateResponse()

    def Update(self, request: Any, context: Any) -> Any:
        self.calls.append("Update")
        return provider_pb2.UpdateResponse()

    def Diff(self, request: Any, context: Any) -> Any:
        self.calls.append("Diff")
        return provider_pb2.DiffResponse(diffs=["labels"])

    def Invoke(self, request: Any, context: Any) -> Any:
        self.calls.append("Invoke")
        return provider_pb2.InvokeResponse()


def _serving(provider: Provider) -> tuple[grpc.Server, int]:
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


@pytest.fixture
def official() -> Provider:
    return Provider()


@pytest.fixture
def stand_in() -> Provider:
    return Provider()


@pytest.fixture
def channel(official: Provider, stand_in: Provider) -> Iterator[grpc.Channel]:
    servers = [_serving(official), _serving(stand_in)]
    with (
        PreviewProxy(*(port for _, port in servers)) as proxy,
        grpc.insecure_channel(f"127.0.0.1:{proxy.port}") as channel,
    ):
        yield channel
    for server, _ in servers:
        server.stop(None).wait()


@pytest.fixture
def calls(channel: grpc.Channel) -> Any:
    return provider_pb2_grpc.ResourceProviderStub(channel)


def refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except grpc.RpcError as error:
        failed: Any = error
        return failed.code() is grpc.StatusCode.PERMISSION_DENIED
    return False


def test_it_judges_and_previews(calls: Any, official: Provider, stand_in: Provider) -> None:
    assert list(calls.Diff(provider_pb2.DiffRequest()).diffs) == ["labels"]
    calls.Create(provider_pb2.CreateRequest(preview=True))
    calls.Update(provider_pb2.UpdateRequest(preview=True))
    assert (official.calls, stand_in.calls) == (["Diff", "Create", "Update"], [])


def test_it_changes_nothing(calls: Any, official: Provider, stand_in: Provider) -> None:
    assert refused(lambda: calls.Create(provider_pb2.CreateRequest(properties=struct_pb2.Struct())))
    assert refused(lambda: calls.Update(provider_pb2.UpdateRequest()))
    assert refused(lambda: calls.Delete(provider_pb2.DeleteRequest()))
    assert (official.calls, stand_in.calls) == ([], [])


@pytest.mark.parametrize("method", METHODS)
def test_every_other_call_is_refused(method: str, channel: grpc.Channel) -> None:
    call = channel.unary_unary(f"/pulumirpc.ResourceProvider/{method}", empty_pb2.Empty.SerializeToString)
    passed = not refused(lambda: call(empty_pb2.Empty(), timeout=10))
    assert passed == (
        method
        in (
            *("Handshake", "Attach", "GetPluginInfo", "GetSchema", "GetMapping", "GetMappings", "Invoke"),
            *("CheckConfig", "DiffConfig", "Configure", "Check", "Diff", "Cancel"),
        )
    )


def test_the_stand_in_answers_what_the_program_looks_up(calls: Any, official: Provider, stand_in: Provider) -> None:
    calls.Invoke(provider_pb2.InvokeRequest(tok="gcp:organizations/getProject:getProject"))
    assert (official.calls, stand_in.calls) == ([], ["Invoke"])
