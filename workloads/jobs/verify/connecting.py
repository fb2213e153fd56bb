"""Connects to a host that may have many addresses, within one time limit for all of them."""

from __future__ import annotations

import socket

from .clock import Deadline


def connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first address of the host that answers.

    `socket.create_connection` grants its time limit to each address, and a hostile name can have any number of them.
    Here each address gets an equal share of the remaining time. Only the system's resolver can outlast the deadline.
    Raises OSError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    last: OSError = TimeoutError("timed out")
    for number, (family, kind, protocol, _, address) in enumerate(found):
        if (left := deadline.left()) == 0:
            break
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(left / (len(found) - number))
            sock.connect(address)
            # Limits the TLS handshake, which comes before the answer, as a whole.
            sock.settimeout(max(deadline.left(), 0.001))
        except OSError as error:
            sock.close()
            last = error
        else:
            return sock
    raise last
