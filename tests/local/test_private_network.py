"""The private network is private, and says what to do where it cannot be had."""

import errno
import socket
import subprocess
import sys
from pathlib import Path

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


def test_where_no_identity_can_be_mapped_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, _text: str) -> int:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    namespaces = iter([errno.EPERM, 0])  # the network alone, then with a user namespace
    monkeypatch.setattr(private_network, "_unshare", lambda _flags: next(namespaces))
    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(LocalRunError, match=r"\(Operation not permitted\); run with --no-isolation"):
        private_network.enter()


_MOUNTS = """
import subprocess
from ops.local import private_network
private_network.enter(as_root=True, own_processes=True)
subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "test", "/mnt"], check=True)
"""


def test_as_root_programs_of_another_user_can_mount() -> None:
    user = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if sys.platform != "linux" or subprocess.run([*user, "unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("this machine permits a user no namespaces")
    done = subprocess.run(
        [*user, sys.executable, "-c", _MOUNTS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_interface_that_leads_anywhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_network, "_unshare", lambda _flags: 0)
    monkeypatch.setattr(private_network, "_raise_loopback", lambda: None)
    monkeypatch.setattr(private_network, "interfaces_up", lambda: {"lo", "eth0"})
    with pytest.raises(LocalRunError, match="eth0 is up beside loopback"):
        private_network.enter()
