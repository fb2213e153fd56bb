"""HTTP servers of the stand-ins: each is a function from a request to a reply."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from ops.rehearsal.certificates import Certificate

# Linger 0 turns the close into a reset.
_RESET = struct.pack("ii", 1, 0)
# A graph has at most 1.5 MB, and the API server's question to a webhook holds it twice.
_MAX_BYTES = 8 << 20


@dataclass(frozen=True)
class Request:
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    """Of a POST."""
    at: tuple[str, int]
    """The address and port where it arrived."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    announced: int | None = None
    """Length that the header claims; None: the body's."""


Answer = Callable[[Request], Reply | None]
"""None resets the connection, as where nobody listens."""


class Server(ThreadingHTTPServer):
    """Answers each connection in its own thread, also the handshake, so that a silent client holds up nobody."""

    def __init__(self, address: tuple[str, int], answer: Answer, certificate: Certificate | None = None) -> None:
        self.answer = answer
        super().__init__(address, _Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.chain, certificate.key)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_: Any, **__: Any) -> None:
        """Prints nothing: clients are stopped while they wait for an answer."""


@contextmanager
def serving(*servers: BaseServer) -> Iterator[None]:
    """Answers requests while the block runs."""
    for each in servers:
        threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 0.1}).start()
    try:
        yield
    finally:
        for each in servers:
            each.shutdown()
            each.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._reply(None)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        if length > _MAX_BYTES:
            self.send_error(413)
        else:
            self._reply(self.rfile.read(length))

    def _reply(self, body: bytes | None) -> None:
        address, port, *_ = self.connection.getsockname()
        parts = urlsplit(self.path)
        request = Request(unquote(parts.path), parts.query, dict(self.headers), body, (address, port))
        reply = cast(Server, self.server).answer(request)
        if reply is None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True
            return
        self.send_response(reply.status)
        length = len(reply.body) if reply.announced is None else reply.announced
        for name, value in {**reply.headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: the pods' requests are no news, and the path of a real hub's redirect is signed."""
