"""HTTP requests to untrusted servers: one deadline, a limit on bytes, no redirects, no proxy."""

from __future__ import annotations

import http.client
import io
import json
import socket
import ssl
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from .clock import Deadline
from .connecting import connected
from .untrusted import plain

# Model lists and short answers are far smaller; up to 16 are read at the same time.
MAX_BYTES = 2**19
_CHUNK = 1 << 16


class UnreachableError(Exception):
    """No usable HTTP answer; the message gives the reason, in printable characters."""

    def __init__(self, message: object) -> None:
        super().__init__(plain(message, 400))


class _TooMuch(OSError):
    """The server sent more bytes than the limit."""


class _BoundedReader(io.RawIOBase):
    """The bytes of a socket. No read outlasts the deadline, even if the server sends single bytes slowly."""

    def __init__(self, sock: socket.socket, deadline: Deadline, limit: int) -> None:
        self._sock, self._deadline, self._left = sock, deadline, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if (left := self._deadline.left()) == 0:
            raise TimeoutError
        self._sock.settimeout(left)
        count = self._sock.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise _TooMuch("the answer is too long")
        return count


class _BoundedSocket:
    """The socket methods that http.client uses once it is connected."""

    def __init__(self, sock: socket.socket, deadline: Deadline, limit: int) -> None:
        self._sock, self._deadline, self._limit = sock, deadline, limit

    def sendall(self, data: Any) -> None:
        if (left := self._deadline.left()) == 0:
            raise TimeoutError
        self._sock.settimeout(left)  # limits the whole sendall
        self._sock.sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self._sock, self._deadline, self._limit), _CHUNK)

    def close(self) -> None:
        """Does nothing: http.client closes its socket before the answer is read; `opened` closes the real one."""


@contextmanager
def opened(
    url: str,
    deadline: Deadline,
    body: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
    trust: ssl.SSLContext | None = None,
    limit: int = MAX_BYTES,
) -> Generator[http.client.HTTPResponse]:
    """The answer to one request: GET, or POST of `body` as JSON. A redirect is an answer like any other.

    `limit` is the max size of the whole answer, including headers. Raises UnreachableError for every failure,
    also while the caller reads.
    """
    with ExitStack() as cleanup:
        try:
            connection = _connected(url, deadline, trust)
            cleanup.callback(connection.sock.close)
            connection.sock = _BoundedSocket(connection.sock, deadline, limit)
            headers = {"Accept-Encoding": "identity", "Connection": "close"}
            if body is not None:
                headers["Content-Type"] = "application/json"
            if token:
                headers["Authorization"] = f"Bearer {token}"
            data = None if body is None else json.dumps(body).encode()
            connection.request("GET" if data is None else "POST", _target(url), data, headers)
            yield connection.getresponse()
        except TimeoutError:
            raise UnreachableError("no answer in time") from None
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(_words(error)) from None


def _connected(url: str, deadline: Deadline, trust: ssl.SSLContext | None) -> http.client.HTTPConnection:
    try:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port
        connection = (
            http.client.HTTPSConnection(host, port, context=trust or ssl.create_default_context())
            if address.scheme == "https"
            else http.client.HTTPConnection(host, port)
        )
        connection._create_connection = lambda at, *_: connected(*at, deadline)  # type: ignore[attr-defined]
        connection.connect()
    except ValueError as error:  # no host name, no port; InvalidURL and UnicodeError are ValueErrors, too
        raise UnreachableError(f"{plain(url)} is not an address: {error}") from None
    return connection


def _target(url: str) -> str:
    address = urlsplit(url)
    return (address.path or "/") + (f"?{address.query}" if address.query else "")


def fetch(
    url: str,
    deadline: Deadline,
    body: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
    trust: ssl.SSLContext | None = None,
    limit: int = MAX_BYTES,
) -> tuple[int, str]:
    """Status and text of one request. Raises UnreachableError unless a complete answer arrives before the deadline."""
    with opened(url, deadline, body, token=token, trust=trust, limit=limit) as response:
        return response.status, response.read().decode(errors="replace")


def lines(response: http.client.HTTPResponse, longest: int) -> Iterator[str]:
    """The lines of an answer, one at a time and without their ends.

    Raises UnreachableError for a line above `longest` bytes, and for an answer shorter than its declared length:
    a cut answer must not pass as complete.
    """
    rest = b""
    while part := response.read(_CHUNK):
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
        if len(rest) > longest:
            raise UnreachableError(f"a line is longer than {longest} bytes")
    if response.length:
        raise UnreachableError("the answer ended early")
    if rest:
        yield rest.decode(errors="replace")


def _words(error: object) -> str:
    """The system's message, without its error number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
