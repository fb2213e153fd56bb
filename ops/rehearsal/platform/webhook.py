"""The webhooks of Dynamo's operator: an HTTPS server that the API server asks before it writes a graph."""

import base64
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ops.rehearsal import certificates
from ops.rehearsal.platform import admission
from ops.rehearsal.world import World
from planning.platform import WEBHOOK_PORT

_HOST = "127.0.0.1"
_MAX_BYTES = 8 << 20
"""A graph has at most 1.5 MB, and a review holds it twice."""


@dataclass(frozen=True)
class Identity:
    """The running operator, as the API server knows it."""

    user: str
    version: str


class Webhook:
    """The server of both webhooks. While no operator runs it answers 503, and the API server refuses the write."""

    def __init__(self, world: World, running: Callable[[], Identity | None]) -> None:
        certificate = certificates.issue(world, "operator-webhook", [_HOST])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        self._server = ThreadingHTTPServer((_HOST, WEBHOOK_PORT), _handler(running))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="operator-webhook")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(path: str, request: dict[str, Any], operator: Identity) -> dict[str, Any]:
    """The response to the request of an AdmissionReview. `path`: /mutate or /validate."""
    response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
    graph = request["object"]
    if path == "/mutate":
        if patch := admission.defaults(graph, request["operation"], operator.version):
            text = base64.b64encode(json.dumps(patch).encode()).decode()
            response |= {"patchType": "JSONPatch", "patch": text}
        return response
    found = admission.errors(graph, request.get("oldObject"), request["userInfo"]["username"], operator.user)
    if found:
        response |= {"allowed": False, "status": {"code": 403, "message": "\n".join(found)}}
    return response


def _handler(running: Callable[[], Identity | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            operator, length = running(), int(self.headers.get("Content-Length") or 0)
            path = self.path.partition("?")[0]  # the API server adds its timeout
            if operator is None:
                self.send_error(503, "no operator is running")
            elif path not in ("/mutate", "/validate") or length > _MAX_BYTES:
                self.send_error(404)
            else:
                self._answer(path, operator, json.loads(self.rfile.read(length)))

        def _answer(self, path: str, operator: Identity, review: dict[str, Any]) -> None:
            content = json.dumps(
                {
                    "apiVersion": "admission.k8s.io/v1",
                    "kind": "AdmissionReview",
                    "response": answer(path, review["request"], operator),
                }
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Logs no request."""

    return Handler
