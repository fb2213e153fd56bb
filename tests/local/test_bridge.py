"""The bridge passes bytes, ends and absences on."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from ops.local import bridge

SECONDS = 10


def bridged(serve: Callable[[socket.socket], None]) -> socket.socket:
    """A client's socket, connected through a bridge to a server that handles one connection."""
    server = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with server, server.accept()[0] as connection:
            connection.settimeout(SECONDS)
            serve(connection)

    threading.Thread(target=accept, daemon=True).start()
    return connected(server.getsockname()[1])


def connected(port: int) -> socket.socket:
    listener = bridge.listen(0)
    bridge.start(listener, port)
    return socket.create_connection(listener.getsockname(), timeout=SECONDS)


def received(client: socket.socket) -> bytes:
    parts: list[bytes] = []
    while part := client.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def test_a_stream_arrives_piece_by_piece() -> None:
    turn = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"first")
        assert turn.wait(SECONDS)
        connection.sendall(b"second")

    with bridged(serve) as client:
        # The server sends its second piece only after the first arrived: nothing may be held back.
        assert client.recv(5, socket.MSG_WAITALL) == b"first"
        turn.set()
        assert received(client) == b"second"


def test_a_client_that_is_done_sending_still_gets_the_answer() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(received(connection)[::-1])

    with bridged(serve) as client:
        client.sendall(b"abc")
        client.shutdown(socket.SHUT_WR)
        assert received(client) == b"cba"


def test_ten_megabytes_arrive_whole() -> None:
    sent = bytes(range(256)) * 40_000

    with bridged(lambda connection: connection.sendall(sent)) as client:
        assert received(client) == sent


def test_a_client_that_leaves_ends_the_servers_side() -> None:
    left = threading.Event()

    def serve(connection: socket.socket) -> None:
        with suppress(ConnectionError):
            received(connection)
        left.set()

    with bridged(serve) as client:
        client.sendall(b"abc")
    assert left.wait(SECONDS)


def test_where_nobody_listens_the_client_hears_503() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with connected(closed.getsockname()[1]) as client:
            answer = received(client)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n"


def test_a_taken_port_cannot_be_had() -> None:
    with bridge.listen(0) as first, pytest.raises(OSError, match="in use"):
        bridge.listen(first.getsockname()[1])
