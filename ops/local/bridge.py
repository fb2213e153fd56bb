"""Forwards connections from the user's 127.0.0.1 into the private network, unchanged and in both directions."""

import asyncio
import socket
import threading
from contextlib import suppress

_CHUNK_BYTES = 1 << 16
# A frontend needs part of a second until it listens; until then clients get the answer of a Service without pods.
_NOT_YET = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 25\r\nConnection: close\r\n\r\n"
    b"frontend is not listening"
)


def listen(port: int) -> socket.socket:
    """A listener on the user's loopback; port 0 chooses a free one. Raises OSError if the port is not available."""
    return socket.create_server(("127.0.0.1", port), backlog=512)


def start(listener: socket.socket, port: int) -> None:
    """Serves the listener from a thread until this process ends, and forwards each connection to loopback's `port`."""
    threading.Thread(target=lambda: asyncio.run(_serve(listener, port)), name="bridge", daemon=True).start()


async def _serve(listener: socket.socket, port: int) -> None:
    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):  # the client disconnected
                await _join(reader, writer, port)
        finally:
            writer.close()

    async with await asyncio.start_server(join, sock=listener) as server:
        await server.serve_forever()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        writer.write(_NOT_YET)
        await writer.drain()
        return
    try:
        async with asyncio.TaskGroup() as directions:
            directions.create_task(_pump(reader, inner_writer))
            directions.create_task(_pump(inner_reader, writer))
    except* ConnectionError:
        # One side disconnected, so the other connection is of no use.
        pass
    finally:
        inner_writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Forwards bytes as they arrive, then the end of the stream. The other direction stays open."""
    while chunk := await source.read(_CHUNK_BYTES):
        sink.write(chunk)
        await sink.drain()
    sink.write_eof()
