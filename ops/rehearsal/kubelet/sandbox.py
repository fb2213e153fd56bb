"""Runs one command as a container would see the machine: its own root folder, its mounts at their paths, its hosts.

A mount namespace, no container: the program runs with the rehearsal's user, whatever the pod's `runAsUser`, without
limits of memory and CPU, without seccomp and with all capabilities. Instead of the image's files it finds this
machine's /usr and this Python interpreter.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ops.local.lifeline import tied_to_this_process

PATH = "/opt/image/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHARED = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/proc")
_DEVICES = ("null", "zero", "full", "random", "urandom")


@dataclass(frozen=True)
class Mount:
    """A folder or file of this machine at a path of the container."""

    source: Path
    path: str
    read_only: bool


@dataclass(frozen=True)
class Container:
    argv: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    mounts: Sequence[Mount]
    hosts: Mapping[str, str]
    read_only_root: bool
    trusts: Path
    """Certificate of the authority that the image's programs trust."""


def start(container: Container, root: Path) -> "subprocess.Popen[bytes]":
    """The container's command, with stdout and stderr in one pipe and in a process group of its own.

    `root`: an empty folder, which is created, on which the root of the container is mounted, for the container alone.
    Raises OSError; another attempt may follow.
    """
    etc = _etc(container, root.with_name("etc"))
    root.mkdir(exist_ok=True)
    mounts = [Mount(etc, "/etc", True), *container.mounts]
    return subprocess.Popen(
        [_command("unshare"), "--mount", "--", "/bin/sh", "-euc", _script(container, root, mounts)],
        env={"PATH": PATH, "SSL_CERT_FILE": "/etc/ssl/ca.pem", "HOME": "/", "LANG": "C.UTF-8", **container.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=tied_to_this_process(),
    )


def output(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _etc(container: Container, folder: Path) -> Path:
    (folder / "ssl").mkdir(parents=True, exist_ok=True)
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in container.hosts.items())]
    (folder / "hosts").write_text("".join(f"{line}\n" for line in lines))
    (folder / "nsswitch.conf").write_text("hosts: files\n")
    shutil.copy(container.trusts, folder / "ssl" / "ca.pem")
    cache = Path("/etc/ld.so.cache")
    if cache.exists():
        shutil.copy(cache, folder)
    return folder


def _script(container: Container, root: Path, mounts: Sequence[Mount]) -> str:
    """The commands that build the root and start the program in it. All mounts vanish with the last process."""
    place = str(root)
    python = Path(os.path.realpath(sys.executable))
    lines = [["mount", "-t", "tmpfs", "-o", "mode=755", "rehearsal", place]]
    for path in (*_SHARED, sys.base_prefix):
        lines += _shared(Path(path), root)
    lines += [["mkdir", "-p", f"{place}/opt/image/bin", f"{place}/tmp", f"{place}/dev"]]
    lines += [["ln", "-s", "/proc/self/fd", f"{place}/dev/fd"]]
    mounts = [*(Mount(Path("/dev", name), f"/dev/{name}", False) for name in _DEVICES), *mounts]
    lines += [["ln", "-s", str(python), f"{place}/opt/image/bin/python3"]]
    for mount in mounts:
        target = f"{place}{mount.path}"
        if mount.source.is_dir():
            lines += [["mkdir", "-p", target]]
        else:
            lines += [["mkdir", "-p", str(Path(target).parent)], ["touch", target]]
        lines += [["mount", "--bind", str(mount.source), target]]
        if mount.read_only:
            lines += [["mount", "-o", "remount,bind,ro", target]]
    lines += [["mkdir", "-p", f"{place}{container.folder}"]]
    if container.read_only_root:
        lines += [["mount", "-o", "remount,bind,ro", place]]
    lines += [["exec", _command("chroot"), place, "/usr/bin/env", "-C", container.folder, *container.argv]]
    return "\n".join(shlex.join(line) for line in lines)


def _shared(path: Path, root: Path) -> list[list[str]]:
    """The commands that show a folder of this machine at the same path."""
    target = f"{root}{path}"
    if path.is_symlink():
        return [["ln", "-s", str(path.readlink()), target]]
    if not path.is_dir() or (path.is_relative_to("/usr") and path != Path("/usr")):
        return []
    return [["mkdir", "-p", target], ["mount", "--rbind", str(path), target]]


def _command(name: str) -> str:
    return shutil.which(name) or f"/usr/sbin/{name}"
