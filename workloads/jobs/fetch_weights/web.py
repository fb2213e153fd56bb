"""HTTP requests to an untrusted hub: limits on bytes and time, a min speed, checked redirects."""

from __future__ import annotations

import functools
import http.client
import io
import ipaddress
import socket
import ssl
import string
import time
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..verify.clock import Deadline  # noqa: TID252 - the Job has no absolute name for it
from ..verify.connecting import connected  # noqa: TID252
from .errors import FetchFailed, Interrupted
from .patience import Patience

# Min speed: at least STALL_BYTES (headers included) per STALL_SECONDS of waiting, or the connection counts as dead.
STALL_SECONDS = 60.0
STALL_BYTES = 1024**2
# How long a read waits before it checks the deadline again.
_SLICE_SECONDS = 0.5
_BUFFER = 256 * 1024
# Max bytes of an answer outside its body: headers and chunk sizes.
_BESIDE_BODY = 1024**2
MAX_REDIRECTS = 5

# Cloud metadata servers, which give out the machine's credentials, and link-local addresses.
_METADATA = [ipaddress.ip_network(text) for text in ("169.254.0.0/16", "fe80::/10", "fd20:ce::254", "fd00:ec2::254")]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class _TooMuch(OSError):
    """The server sent more than the limit."""


class _BoundedReader(io.RawIOBase):
    """The bytes of a socket, until the deadline, up to a limit, and no slower than the min speed."""

    def __init__(self, sock: socket.socket, patience: Patience, limit: int) -> None:
        self._sock, self._patience, self._left = sock, patience, limit
        self._waited, self._arrived = 0.0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_SLICE_SECONDS)
        while True:
            self._patience.check()
            begun = time.monotonic()
            try:
                count = self._sock.recv_into(buffer)
            except TimeoutError:
                count = None
            self._waited += time.monotonic() - begun
            if count != 0:  # 0 is the end of the answer
                self._count(count or 0)
            if count is not None:
                return count

    def _count(self, arrived: int) -> None:
        """Counts bytes. Raises _TooMuch beyond the limit, and TimeoutError below the min speed."""
        self._arrived += arrived
        self._left -= arrived
        if self._left < 0:
            raise _TooMuch("the answer is longer than its limit")
        if self._waited >= STALL_SECONDS:
            if self._arrived < STALL_BYTES:
                raise TimeoutError(f"too slow: {self._arrived} bytes in {self._waited:.0f} s")
            self._waited, self._arrived = 0.0, 0

    def close(self) -> None:
        if not self.closed:
            self._sock.close()
        super().close()


class _BoundedSocket:
    """The methods of a connected socket that http.client uses."""

    def __init__(self, sock: socket.socket, patience: Patience, limit: int) -> None:
        self._sock, self._patience, self._limit = sock, patience, limit
        self._reader: _BoundedReader | None = None

    def sendall(self, data: Any) -> None:
        self._patience.check()
        self._sock.settimeout(min(STALL_SECONDS, self._patience.left()) or _SLICE_SECONDS)  # bounds all of sendall
        self._sock.sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:
        self._reader = _BoundedReader(self._sock, self._patience, self._limit)
        return io.BufferedReader(self._reader, _BUFFER)

    def close(self) -> None:
        """Closes the socket, unless an answer is still being read; then the answer closes it."""
        if self._reader is None:
            self._sock.close()


@dataclass
class _Route:
    """The state of one request through redirects. `public` is None until the first server's address is known."""

    patience: Patience
    limit: int
    proxied: bool = False
    public: bool | None = None

    def guarded(self, sock: socket.socket) -> Any:
        """The connected socket with its limits. Raises FetchFailed if its address is not allowed."""
        if not self.proxied:
            address = ipaddress.ip_address(str(sock.getpeername()[0]).partition("%")[0])
            if self.public is None:
                self.public = _actual(address).is_global
            try:
                check_address(address, self.public)
            except FetchFailed:
                sock.close()
                raise
        return _BoundedSocket(sock, self.patience, self.limit)


def check_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address, from_public: bool) -> None:
    """Raises FetchFailed for a cloud metadata address, and for a private address if the hub's address is public."""
    actual = _actual(address)
    if any(actual in network for network in _METADATA):
        raise FetchFailed(f"the request leads to {actual}, a cloud metadata or link-local address")
    if from_public and not actual.is_global:
        raise FetchFailed(f"the hub, which has a public address, redirects to {actual}, which is not public")


def _actual(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address embedded in an IPv6 address, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _create_connection(address: tuple[str, int], seconds: float, *_: Any) -> socket.socket:
    return connected(*address, Deadline(seconds))


class _Http(http.client.HTTPConnection):
    """A connection whose socket the route guards once it is connected."""

    def __init__(self, *args: Any, route: _Route, **more: Any) -> None:
        super().__init__(*args, **more)
        self._route = route
        self._create_connection = _create_connection  # http.client's own hook

    def connect(self) -> None:
        super().connect()
        self.sock = self._route.guarded(self.sock)


class _Https(_Http, http.client.HTTPSConnection):
    """The same with TLS; the socket is guarded after the handshake."""


class _Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Handler of both schemes with the limits. `opened` handles redirects and error statuses."""

    def __init__(self, route: _Route) -> None:
        urllib.request.AbstractHTTPHandler.__init__(self)
        self._route = route

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self._open(req, functools.partial(_Http, route=self._route))

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self._open(req, functools.partial(_Https, route=self._route, context=_trust()))

    def _open(self, req: urllib.request.Request, connection: Any) -> http.client.HTTPResponse:
        # With a proxy from the environment, `host` is the proxy's.
        self._route.proxied = req.host != urllib.parse.urlsplit(req.full_url).netloc
        return self.do_open(connection, req)


@functools.cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


@dataclass(frozen=True)
class Call:
    """One GET request. The token is sent only to the origin of `url`, even after redirects."""

    url: str
    limit: int
    """Max bytes of the body."""
    offset: int = 0
    token: str | None = None

    def request(self, url: str) -> urllib.request.Request:
        """The request to one server of the redirect chain."""
        request = urllib.request.Request(url, headers={"Accept-Encoding": "identity", "User-Agent": "dynamo-gke"})
        if self.token and _origin(url) == _origin(self.url):
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        if self.offset:
            request.add_header("Range", f"bytes={self.offset}-")
        return request


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


@contextmanager
def opened(call: Call, patience: Patience) -> Generator[http.client.HTTPResponse]:
    """The answer, with any status but a redirect. Read it with `body`.

    Raises Interrupted without an answer, and FetchFailed for too many redirects and for redirects to another scheme or
    to an address that is not allowed.
    """
    route = _Route(patience, limit=call.limit + call.limit // 8 + _BESIDE_BODY)
    url = call.url
    for _ in range(MAX_REDIRECTS + 1):
        try:
            response = _answer(call.request(url), route)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Interrupted(f"no answer from {_shown(url)} ({_reason(error)})") from None
        with response:
            if response.status not in (301, 302, 303, 307, 308):
                yield response
                return
            url = _next(url, response.headers.get("Location"))
    raise FetchFailed(f"the hub redirects more than {MAX_REDIRECTS} times")


def _answer(request: urllib.request.Request, route: _Route) -> http.client.HTTPResponse:
    route.patience.check()
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler())
    opener.add_handler(_Handler(route))
    response = opener.open(request, timeout=min(STALL_SECONDS, route.patience.left()) or _SLICE_SECONDS)
    assert isinstance(response, http.client.HTTPResponse)  # the scheme is one of the two
    return response


def _next(url: str, location: str | None) -> str:
    """The target of a redirect. Raises FetchFailed if it is missing, has another scheme or contains a user name."""
    if not location:
        raise FetchFailed("the hub redirects without a target")
    try:
        there = urllib.parse.urljoin(url, urllib.parse.quote(location, safe=string.punctuation))
        parts = urllib.parse.urlsplit(there)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise FetchFailed("the hub redirects to an invalid address") from None
    schemes = {"https"} if url.startswith("https:") else {"http", "https"}
    if parts.scheme not in schemes or not host or "@" in parts.netloc:
        raise FetchFailed(
            f"the hub redirects to {_shown(there)}; only {' or '.join(sorted(schemes))} without a user name is allowed"
        )
    try:
        literal = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return there
    check_address(literal, from_public=False)
    return there


def _shown(url: str) -> str:
    """Scheme and host of an address, because its path may be signed and its user name a secret."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def body(response: http.client.HTTPResponse, limit: int) -> Iterator[bytes]:
    """The body as it arrives, until it exceeds `limit` bytes. Raises Interrupted if it ends early."""
    read = 0
    while read <= limit:
        try:
            chunk = response.read1(_BUFFER)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Interrupted(f"a broken connection ({_reason(error)})") from None
        if not chunk:
            if response.length:
                raise Interrupted(f"a broken connection ({response.length} bytes are missing)")
            return
        read += len(chunk)
        yield chunk
