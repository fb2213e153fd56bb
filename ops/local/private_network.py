"""A network namespace that contains only loopback.

Dynamo's ZMQ publishers bind every interface whatever their settings say, so the processes get no other interface. A
socket keeps the namespace in which it was opened: a listener opened before `enter` still serves the user's own
127.0.0.1. The calls go through ctypes, because Python has `os.unshare` only from 3.12 on, and the command `unshare`
would need another tool to bring loopback up.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

from ops.local.errors import LocalRunError

_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000  # linux/sched.h
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1  # linux/sockios.h, linux/if.h
# struct ifreq: the interface's name, its flags, and padding to the union's size.
_IFREQ = "16sH22x"
_LIBC = ctypes.CDLL(None, use_errno=True)


_UNISOLATED = "run with --no-isolation, but then Dynamo's event ports listen on every interface"


def enter(*, instead: str = _UNISOLATED, own_processes: bool = False, as_root: bool = False) -> None:
    """Move this process, which must have a single thread, into a private network with loopback up.

    With `own_processes`, the next fork starts a PID namespace, whose processes all end with that first one. Root needs
    no more; others get a user namespace, in which they keep their own identity, or are root if `as_root`: only root
    passes its capabilities on to the programs that it starts.
    Raises LocalRunError if the kernel permits neither, which then says what to do `instead`, or if an interface other
    than loopback is up afterwards.
    """
    user, group = os.geteuid(), os.getegid()
    wanted = _CLONE_NEWNET | (_CLONE_NEWPID if own_processes else 0)
    refusal = _unshare(wanted)
    if refusal == errno.EPERM:
        refusal = _unshare(_CLONE_NEWUSER | wanted)
        if not refusal:
            refusal = _map((0, user) if as_root else (user, user), (0, group) if as_root else (group, group))
    if refusal:
        raise LocalRunError(f"this machine permits no private network namespace ({os.strerror(refusal)}); {instead}")
    _raise_loopback()
    if leaks := interfaces_up() - {"lo"}:
        raise LocalRunError(f"the private network is not private: {', '.join(sorted(leaks))} is up beside loopback")


def interfaces_up() -> set[str]:
    """The interfaces that can carry traffic. Kernels with tunnel modules add theirs to every namespace, but down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        return {name for _, name in socket.if_nameindex() if _flags(probe, name) & _IFF_UP}


def _unshare(flags: int) -> int:
    """0, or the errno of the refusal."""
    return 0 if _LIBC.unshare(flags) == 0 else ctypes.get_errno()


def _map(user: tuple[int, int], group: tuple[int, int]) -> int:
    """Maps one user and one group, each given as inside and outside. 0, or the errno of the refusal."""
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user[0]} {user[1]} 1")
        Path("/proc/self/gid_map").write_text(f"{group[0]} {group[1]} 1")
    except OSError as error:
        return error.errno or errno.EPERM
    return 0


def _raise_loopback() -> None:
    """Brings loopback up, as `ip link set lo up` does; not every machine has iproute2."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        flags = _flags(probe, "lo") | _IFF_UP
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack(_IFREQ, b"lo", flags))


def _flags(probe: socket.socket, interface: str) -> int:
    answer = fcntl.ioctl(probe, _SIOCGIFFLAGS, struct.pack(_IFREQ, interface.encode(), 0))
    return struct.unpack(_IFREQ, answer)[1]
