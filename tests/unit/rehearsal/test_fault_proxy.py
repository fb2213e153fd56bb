"""The proxy against a small provider, over real gRPC on loopback."""
# ruff: noqa: N802 - names of the protocol

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from ops.rehearsal.engine.fault_proxy import Fault, FaultProxy, Injection

POOL = "urn:pulumi:dev::dynamo-gke::gcp:container/nodePool:NodePool::decode-pool"
VPC = "urn:pulumi:dev::dynamo-gke::gcp:compute/network:Network::vpc"
UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
DETAILS = (("grpc-status-details-bin", b"the state of a partly created resource"),)


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self) -> None:
        self.created: list[str] = []

    def Create(self, request: Any, context: Any) -> Any:
        if not request.preview:
            self.created.append(request.urn)
        return provider_pb2.CreateResponse(id=request.urn, properties=request.properties)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Update(self, request: Any, context: Any) -> Any:
        context.set_trailing_metadata(DETAILS)
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota")

    def List(self, request: Any, context: Any) -> Any:
        yield from (provider_pb2.ListResponse(), provider_pb2.ListResponse())

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def injection() -> Injection:
    asked = Injection(text="NodePool")
    asked.armed.set()
    return asked


@pytest.fixture
def calls(provider: Provider, injection: Injection) -> Iterator[Any]:
    """The calls of the provider, through the proxy."""
    server = grpc.server(ThreadPoolExecutor(4), options=UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with FaultProxy(port, injection) as proxy, grpc.insecure_channel(f"127.0.0.1:{proxy.port}", UNLIMITED) as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(None).wait()


def create(calls: Any, urn: str, *, preview: bool = False) -> Any:
    properties = struct_pb2.Struct()
    properties.update({"name": "n" * 5_000_000})  # more than gRPC's default limit of a message
    return calls.Create(provider_pb2.CreateRequest(urn=urn, preview=preview, properties=properties))


def refusal(call: Any) -> Any:
    with pytest.raises(grpc.RpcError) as refused:
        call()
    return refused.value


def test_the_first_creation_with_the_text_fails_and_only_it(
    calls: Any, provider: Provider, injection: Injection
) -> None:
    assert create(calls, POOL, preview=True).id == POOL
    assert create(calls, VPC).id == VPC
    error = refusal(lambda: create(calls, POOL))
    assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, f"rehearsed fault (refused): {POOL}")
    assert injection.failed == POOL
    assert create(calls, POOL).id == POOL
    assert provider.created == [VPC, POOL]


def test_nothing_fails_before_the_fault_is_armed(calls: Any, injection: Injection) -> None:
    injection.armed.clear()
    assert create(calls, POOL).id == POOL
    assert injection.failed is None


def test_a_lost_response_leaves_the_resource(calls: Any, provider: Provider, injection: Injection) -> None:
    injection.fault = Fault.RESPONSE_LOST
    assert "response lost" in refusal(lambda: create(calls, POOL)).details()
    assert provider.created == [POOL]


def test_a_provider_fails_when_it_is_checked(calls: Any, injection: Injection) -> None:
    urn = "urn:pulumi:dev::dynamo-gke::pulumi:providers:gcp::google"
    injection.text = "providers:gcp"
    assert urn in refusal(lambda: calls.CheckConfig(provider_pb2.CheckRequest(urn=urn))).details()
    calls.CheckConfig(provider_pb2.CheckRequest(urn=urn))


def test_an_error_of_the_provider_arrives_with_its_details(calls: Any) -> None:
    error = refusal(lambda: calls.Update(provider_pb2.UpdateRequest(urn=POOL)))
    assert (error.code(), error.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota")
    assert [tuple(pair) for pair in error.trailing_metadata()] == list(DETAILS)


def test_streams_pass_through(calls: Any) -> None:
    assert len(list(calls.List(provider_pb2.ListRequest()))) == 2


def test_an_unknown_call_is_the_providers_to_refuse(calls: Any) -> None:
    """The engine asks for newer calls and goes on without them if they are not implemented."""
    error = refusal(lambda: calls.Handshake(provider_pb2.ProviderHandshakeRequest()))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
