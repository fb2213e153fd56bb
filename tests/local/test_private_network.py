"""The private network is private, and says what to do where it cannot be had."""

import errno
import socket

import pytest

from ops.local import private_network
from ops.local.errors import LocalRunError
from tests.local.private import in_private_network


@pytest.mark.usefixtures("dynamo")
@in_private_network
def test_loopback_is_up_and_alone() -> None:
    assert private_network.interfaces_up() == {"lo"}
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 5) as client:
        client.sendall(b"x")
        with server.accept()[0] as connection:
            assert connection.recv(1) == b"x"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # 192.0.2.1 is reserved for documentation; without a route the kernel refuses before anything is sent.
        assert probe.connect_ex(("192.0.2.1", 9)) == errno.ENETUNREACH


def test_where_the_kernel_permits_no_namespace_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_network, "_unshare", lambda _flags: errno.EPERM)
    with pytest.raises(
        LocalRunError, match=r"no private network namespace \(Operation not permitted\); run with --no-isolation"
    ):
        private_network.enter()


def test_an_interface_that_leads_anywhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_network, "_unshare", lambda _flags: 0)
    monkeypatch.setattr(private_network, "_raise_loopback", lambda: None)
    monkeypatch.setattr(private_network, "interfaces_up", lambda: {"lo", "eth0"})
    with pytest.raises(LocalRunError, match="eth0 is up beside loopback"):
        private_network.enter()
