"""The API server at the address of its Service, as pods reach it: bytes are passed on, so TLS stays end to end."""

import socket
import socketserver
import threading
from contextlib import suppress

from ops.rehearsal.world import API_SERVER


class Forwarder(socketserver.ThreadingTCPServer):
    """Listens at `address`, port 443."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: str) -> None:
        super().__init__((address, 443), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        host, port = API_SERVER.split(":")
        with suppress(OSError), socket.create_connection((host, int(port))) as server:
            back = threading.Thread(target=_pass_on, args=(server, self.request), daemon=True)
            back.start()
            _pass_on(self.request, server)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Until one side ends, which ends the other."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
