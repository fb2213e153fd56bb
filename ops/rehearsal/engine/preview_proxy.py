"""A proxy in front of Google's own provider, through which the engine can preview and do nothing else.

The provider judges resources. What the program looks up is answered by the stand-in, because no cloud is in reach.
"""

from collections.abc import Callable, Mapping
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2

from ops.rehearsal.engine.fault_proxy import CALL_SECONDS, SERVICE, Proxy, answered, connected

_JUDGES = (
    *("Handshake", "Attach", "GetPluginInfo", "GetSchema", "GetMapping", "GetMappings"),
    *("CheckConfig", "DiffConfig", "Configure", "Check", "Diff", "Cancel"),
)
"""Calls that change nothing, whatever they say."""
_PREVIEWS: Mapping[str, Callable[[], Any]] = {
    "Create": provider_pb2.CreateRequest,
    "Update": provider_pb2.UpdateRequest,
}
"""Calls that change nothing in a preview."""
_LOOKUP = "Invoke"


class PreviewProxy(Proxy):
    """Serves the provider's judgments and the stand-in's answers on one port while the block runs."""

    def __init__(self, provider_port: int, stand_in_port: int) -> None:
        provider, stand_in = connected(provider_port), connected(stand_in_port)
        super().__init__(_PreviewOnly(provider, stand_in), provider, stand_in)


class _PreviewOnly(grpc.GenericRpcHandler):
    def __init__(self, provider: grpc.Channel, stand_in: grpc.Channel) -> None:
        self._provider = provider
        self._stand_in = stand_in

    def service(self, handler_call_details: Any) -> Any:
        method: str = handler_call_details.method
        name = method.removeprefix(SERVICE)
        call = (self._stand_in if name == _LOOKUP else self._provider).unary_unary(method)

        def forward(request: bytes, context: grpc.ServicerContext) -> bytes:
            if not _allowed(name, request):
                context.abort(grpc.StatusCode.PERMISSION_DENIED, f"Google's provider may only preview: {name}")
            return answered(context, lambda: call(request, timeout=CALL_SECONDS))

        return grpc.unary_unary_rpc_method_handler(forward)


def _allowed(name: str, request: bytes) -> bool:
    """Whether a call can change nothing."""
    if kind := _PREVIEWS.get(name):
        message = kind()
        message.ParseFromString(request)
        return message.preview
    return name == _LOOKUP or name in _JUDGES
