"""The API server at the address of its Service, as pods reach it: bytes are passed on, so TLS stays end to end.

Like GKE's load balancer, it leads to a ready API server only: one that has just started refuses what roles allow.
"""

import socket
import socketserver
import threading
from contextlib import suppress
from pathlib import Path
from typing import cast

import urllib3
from urllib3.exceptions import HTTPError

from ops.rehearsal.world import API_SERVER

_PROBE_SECONDS = 2.0


class Forwarder(socketserver.ThreadingTCPServer):
    """Listens at `address`, port 443. `ca`: the certificate of the API server's authority."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: str, ca: Path) -> None:
        super().__init__((address, 443), _Connection)
        self._http = urllib3.PoolManager(ca_certs=str(ca), retries=False, timeout=_PROBE_SECONDS)

    def is_ready(self) -> bool:
        """Whether the API server has read the roles, and everything else that it needs."""
        try:
            return self._http.request("GET", f"https://{API_SERVER}/readyz").status == 200
        except HTTPError:
            return False


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        host, port = API_SERVER.split(":")
        if not cast(Forwarder, self.server).is_ready():
            return
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
