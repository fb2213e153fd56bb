"""A proxy in front of a provider: passes every call through, and makes one creation go wrong as told.

Knows the calls of Pulumi's provider protocol by name only, so that a provider of any version works behind it.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import grpc
from pulumi.runtime.proto import provider_pb2

LOOPBACK = "127.0.0.1:0"
SERVICE = "/pulumirpc.ResourceProvider/"
_STREAMED = f"{SERVICE}List"
# An error carries the partly created resource, such as a ConfigMap, in its metadata.
_METADATA_BYTES = 16 << 20
_UNLIMITED = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", _METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
)
# Waits of the program end long before; a call that nobody answers must not keep the proxy alive.
CALL_SECONDS = 3600
_CANCEL_SECONDS = 10
_Request = provider_pb2.CreateRequest | provider_pb2.CheckRequest | provider_pb2.ConfigureRequest
_CREATING: dict[str, Callable[[], Any]] = {
    f"{SERVICE}Create": provider_pb2.CreateRequest,
    # A provider is a resource that no call creates: the engine checks and configures it.
    f"{SERVICE}CheckConfig": provider_pb2.CheckRequest,
}


class Fault(StrEnum):
    REFUSED = "refused"
    """The creation fails, and nothing exists."""
    RESPONSE_LOST = "response lost"
    """The creation succeeds, but its answer never arrives."""


@dataclass
class Injection:
    """The one fault of a rehearsal. Shared by the proxies of all providers."""

    text: str
    """Part of a URN."""
    fault: Fault = Fault.REFUSED
    armed: threading.Event = field(default_factory=threading.Event)
    failed: str | None = None
    """URN of the resource that failed."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, urn: str) -> bool:
        """Whether the creation of this resource fails now: the first with the text, once."""
        with self._lock:
            if self.failed or not self.armed.is_set() or self.text not in urn:
                return False
            self.failed = urn
            return True

    def lost(self, urn: str) -> None:
        """Called when the resource exists and its answer is about to be lost."""

    def not_lost(self, urn: str) -> None:
        """Called when the creation failed by itself, so that no answer was lost."""


class Proxy:
    """Serves the engine's calls on a port of its own while the block runs."""

    def __init__(self, handler: grpc.GenericRpcHandler, *channels: grpc.Channel) -> None:
        self._channels = channels
        self._server = grpc.server(ThreadPoolExecutor(max_workers=64), options=_UNLIMITED)
        self._server.add_generic_rpc_handlers((handler,))
        self.port = self._server.add_insecure_port(LOOPBACK)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=None).wait()
        for channel in self._channels:
            channel.close()


def connected(port: int) -> grpc.Channel:
    """A channel to a provider on loopback."""
    return grpc.insecure_channel(f"127.0.0.1:{port}", options=_UNLIMITED)


def cancel(port: int) -> None:
    """Makes a provider end what it waits for, as the engine does after Ctrl-C."""
    with connected(port) as channel:
        channel.unary_unary(f"{SERVICE}Cancel")(b"", timeout=_CANCEL_SECONDS)


class FaultProxy(Proxy):
    """Serves a provider, one creation of which may go wrong."""

    def __init__(self, provider_port: int, injection: Injection) -> None:
        channel = connected(provider_port)
        super().__init__(_Forwarding(channel, injection), channel)


class _Forwarding(grpc.GenericRpcHandler):
    def __init__(self, channel: grpc.Channel, injection: Injection) -> None:
        self._channel = channel
        self._injection = injection

    def service(self, handler_call_details: Any) -> Any:
        method: str = handler_call_details.method
        if method == _STREAMED:
            stream = self._channel.unary_stream(method)
            return grpc.unary_stream_rpc_method_handler(
                lambda request, context: answered(context, lambda: stream(request, timeout=CALL_SECONDS))
            )
        call = self._channel.unary_unary(method)
        creating = _CREATING.get(method)

        def forward(request: bytes, context: grpc.ServicerContext) -> bytes:
            urn = self._created(creating, request) if creating else ""
            if urn:
                return self._with_fault(urn, call, request, context)
            return answered(context, lambda: call(request, timeout=CALL_SECONDS))

        return grpc.unary_unary_rpc_method_handler(forward)

    def _created(self, kind: Callable[[], Any], request: bytes) -> str:
        """URN of the resource that the call creates; empty in a preview."""
        message = kind()
        message.ParseFromString(request)
        return "" if getattr(message, "preview", False) else message.urn

    def _with_fault(
        self,
        urn: str,
        call: Callable[..., bytes],
        request: bytes,
        context: grpc.ServicerContext,
    ) -> bytes:
        injection = self._injection
        if injection.strikes(urn):
            if injection.fault is Fault.RESPONSE_LOST:
                try:
                    answered(context, lambda: call(request, timeout=CALL_SECONDS))
                except Exception:
                    injection.not_lost(urn)
                    raise
                injection.lost(urn)
            context.abort(grpc.StatusCode.UNKNOWN, f"rehearsed fault ({injection.fault}): {urn}")
        return answered(context, lambda: call(request, timeout=CALL_SECONDS))


def answered(context: grpc.ServicerContext, call: Callable[[], Any]) -> Any:
    """The provider's answer, or its error with all details, of which the engine reads a partly created resource."""
    try:
        return call()
    except grpc.RpcError as error:
        failed: Any = error
        context.set_trailing_metadata(failed.trailing_metadata() or ())
        context.abort(failed.code(), failed.details())
