"""A real HTTP server on loopback, for the duration of a test."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server with this handler, http://127.0.0.1:<free port>. The server stops with the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.socket.close()


@contextmanager
def silent_addresses(
    monkeypatch: pytest.MonkeyPatch, number: int, last: tuple[str, int] | None = None
) -> Iterator[str]:
    """The URL of a name with this many addresses that never answer, followed by `last`."""
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # beyond its backlog, the system drops connection requests
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        places = [full.getsockname()] * number + ([last] if last else [])

        def resolved(host: str, *_: Any, **__: Any) -> list[Any]:
            assert host == "many.example"
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place) for place in places]

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        try:
            yield "http://many.example:1"
        finally:
            monkeypatch.undo()
