"""Finds the programs of a rehearsal: those on PATH whose version fits, and else those that `make tools` has built."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from ops.local.lifeline import tied_to_this_process
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.pins import BINARIES, Binary, Version

LINUX_ONLY = "a rehearsal runs on Linux only: it needs private network namespaces"
# A program that answers later is broken, or waits for something.
_ANSWER_SECONDS = 20.0


class ProgramsMissing(RehearsalError):
    """Programs of a rehearsal are neither on PATH nor built."""


@dataclass(frozen=True, kw_only=True)
class Programs:
    """The binaries that a rehearsal runs."""

    pulumi: Path
    kubernetes_provider: Path
    kube_apiserver: Path
    kube_scheduler: Path
    kube_controller_manager: Path
    etcd: Path
    kwok: Path

    def to_wire(self) -> dict[str, str]:
        return {name: str(path) for name, path in asdict(self).items()}

    @classmethod
    def from_wire(cls, paths: Mapping[str, str]) -> "Programs":
        return cls(**{name: Path(path) for name, path in paths.items()})


def find() -> Programs:
    """The programs of this machine. Raises ProgramsMissing with what to run."""
    if sys.platform != "linux":
        raise ProgramsMissing(LINUX_ONLY)
    search = search_path()
    if search.missing:
        names = ", ".join(program.name for program in search.missing)
        verb = "is" if len(search.missing) == 1 else "are"
        note = "".join(f"; {sentence}" for sentence in search.unfit)
        raise ProgramsMissing(f"{names} {verb} missing: run `make tools`, which builds them once{note}")
    path = search.found
    return Programs(
        pulumi=path["pulumi"],
        kubernetes_provider=path["pulumi-resource-kubernetes"],
        kube_apiserver=path["kube-apiserver"],
        kube_scheduler=path["kube-scheduler"],
        kube_controller_manager=path["kube-controller-manager"],
        etcd=path["etcd"],
        kwok=path["kwok"],
    )


@dataclass(frozen=True, kw_only=True)
class Search:
    """Which programs exist. `unfit` says of binaries on PATH why they are not used, a sentence each."""

    found: dict[str, Path]
    missing: tuple[Binary, ...]
    unfit: tuple[str, ...]


def search_path(programs: Iterable[Binary] = BINARIES) -> Search:
    """Looks for the programs on PATH, then among the built ones."""
    found: dict[str, Path] = {}
    missing: list[Binary] = []
    unfit: list[str] = []
    for program in programs:
        on_path = shutil.which(program.name)
        if on_path:
            version, fitting = version_of(program, Path(on_path)), Range.of(program)
            if version and version in fitting:
                found[program.name] = Path(on_path)
                continue
            given = f"is {version}" if version else "tells no released version"
            unfit.append(f"{on_path} {given}, {fitting} fits")
        if program.built.exists():
            found[program.name] = program.built
        else:
            missing.append(program)
    return Search(found=found, missing=tuple(missing), unfit=tuple(unfit))


@dataclass(frozen=True)
class Range:
    """Versions that have the floor's first `same` numbers and are not below it."""

    floor: Version
    same: int

    @classmethod
    def of(cls, program: Binary) -> "Range":
        """What the rehearsal accepts from PATH: never less than what `make tools` would build.

        The engine and its provider keep their promises within a major version. The control plane changes with every
        minor version, its feature gates above all.
        """
        pinned = program.module.version
        if program.name in ("pulumi", "pulumi-resource-kubernetes"):
            return cls(pinned, 1)
        return cls(Version(pinned.major, pinned.minor), 2)

    def __contains__(self, version: Version) -> bool:
        return version[: self.same] == self.floor[: self.same] and version >= self.floor

    def __str__(self) -> str:
        within = ".".join(map(str, self.floor[: self.same])) + ".x"
        return f"{within} from {self.floor} on" if any(self.floor[self.same :]) else within


def version_of(program: Binary, binary: Path) -> Version | None:
    """The version that a binary reports; None if it reports none, or only a pre-release."""
    if not program.asks_version:
        return version_of_plugin(binary)
    try:
        answer = subprocess.run(
            [binary, *program.asks_version],
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Version.in_text(answer.stdout) if answer.returncode == 0 else None


def version_of_plugin(binary: Path) -> Version | None:
    """A Pulumi plugin has no option for its version: it prints the port of its server on loopback, which is asked."""
    try:
        process = subprocess.Popen(
            [binary],
            env={"PATH": os.defpath},  # it needs nothing of the caller's, such as credentials
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            preexec_fn=tied_to_this_process(),
        )
    except OSError:
        return None
    limit = threading.Timer(_ANSWER_SECONDS, process.kill)
    limit.daemon = True
    limit.start()
    with process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port.isdecimal():
                return None
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                info = ResourceProviderStub(channel).GetPluginInfo(Empty(), timeout=_ANSWER_SECONDS)
            return Version.in_text(info.version)
        except grpc.RpcError:
            return None
        finally:
            limit.cancel()
            process.kill()
