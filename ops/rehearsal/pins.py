"""Programs of a rehearsal: the Go modules in `tools/rehearsal` that pin them, and where the built ones are kept."""

import hashlib
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ops.local.environment import ROOT, cache_folder

MODULES = ROOT / "tools" / "rehearsal"


class Version(NamedTuple):
    """A released version. Pre-releases have none: they match no range."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def in_text(cls, text: str) -> "Version | None":
        """The first released version in a program's answer, such as `etcd Version: 3.6.14`."""
        found = re.search(r"(?<![\w.+-])v?(\d+)\.(\d+)\.(\d+)(?![\w.-])", text)
        return cls(*map(int, found.groups())) if found else None

    def __str__(self) -> str:
        return ".".join(map(str, self))


@dataclass(frozen=True, kw_only=True)
class Module:
    """One Go module. Programs share one only if they are built from the same: mixed, they lift each other's pins."""

    name: str
    """Folder of go.mod and go.sum in `tools/rehearsal`."""
    pin: str
    """Go module whose version is that of the programs."""
    linker_flags: str = "-s -w"
    """For the linker, with {version}, {major} and {minor} of the pin."""
    tags: str = ""
    embeds: tuple[str, str] | None = None
    """A Go module and a file in it that the folder's own main.go embeds."""

    @property
    def folder(self) -> Path:
        return MODULES / self.name

    @property
    def version(self) -> Version:
        """The pinned version; a replacement wins over a requirement, as it does for Go."""
        text = (self.folder / "go.mod").read_text(encoding="utf-8")
        module = re.escape(self.pin)
        found = re.search(rf"=> {module} (v\S+)", text) or re.search(rf"\s{module} (v\S+)", text)
        version = Version.in_text(found[1]) if found else None
        if version is None:
            raise ValueError(f"{self.folder}/go.mod pins no release of {self.pin}")
        return version

    @property
    def needs_go(self) -> Version:
        """The oldest Go that can build the programs, from the module's `go` directive."""
        found = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?$", (self.folder / "go.mod").read_text(), re.MULTILINE)
        if found is None:
            raise ValueError(f"{self.folder}/go.mod has no `go` directive")
        return Version(*(int(number or 0) for number in found.groups()))

    @property
    def build_flags(self) -> tuple[str, ...]:
        version = self.version
        linker_flags = self.linker_flags.format(version=version, major=version.major, minor=version.minor)
        return (f"-tags={self.tags}", f"-ldflags={linker_flags}")

    @property
    def kept_in(self) -> Path:
        """Folder of the binaries, keyed by all that decides them, so that a changed module alone is built again."""
        key = hashlib.sha256()
        for file in sorted(self.folder.iterdir()):
            key.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
        key.update("\0".join([*self.build_flags, *(self.embeds or ()), platform.machine()]).encode())
        return cache_folder() / f"tools-{self.name}-{key.hexdigest()[:12]}"


@dataclass(frozen=True, kw_only=True)
class Binary:
    """One binary."""

    name: str
    module: Module
    package: str
    """Go package of its main function."""
    asks_version: tuple[str, ...] = ("--version",)
    """Arguments for which it prints its version; none for a Pulumi plugin, which is asked over gRPC."""

    @property
    def built(self) -> Path:
        """Its place once it is built. A file here is whole: it was moved here after the build."""
        return self.module.kept_in / self.name


_PULUMI = Module(
    name="pulumi",
    pin="github.com/pulumi/pulumi/pkg/v3",
    linker_flags="-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}",
    tags="osusergo,grpcnotrace",
)
# Go knows the provider's module by its commit only. That commit is the tag v4.25.0, as which its SDK is pinned.
_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_PULUMI_KUBERNETES = Module(
    name="pulumi-kubernetes",
    pin="github.com/pulumi/pulumi-kubernetes/sdk/v4",
    linker_flags=f"-s -w -X {_PROVIDER}/pkg/version.Version={{version}}",
    embeds=(_PROVIDER, "cmd/pulumi-resource-kubernetes/schema.json"),
)
# Without these the programs report v0.0.0-master, which the provider refuses.
_KUBERNETES = Module(
    name="kubernetes",
    pin="k8s.io/kubernetes",
    linker_flags="-s -w -X k8s.io/component-base/version.gitVersion=v{version} "
    "-X k8s.io/component-base/version.gitMajor={major} -X k8s.io/component-base/version.gitMinor={minor}",
)
_ETCD = Module(name="etcd", pin="go.etcd.io/etcd/server/v3")
_KWOK = Module(name="kwok", pin="sigs.k8s.io/kwok")

# In the order of building: the longest last, so that a mistake of the machine shows early.
BINARIES = (
    Binary(name="etcd", module=_ETCD, package="go.etcd.io/etcd/server/v3"),
    Binary(name="kwok", module=_KWOK, package="sigs.k8s.io/kwok/cmd/kwok"),
    *(
        Binary(name=name, module=_KUBERNETES, package=f"k8s.io/kubernetes/cmd/{name}")
        for name in ("kube-apiserver", "kube-scheduler", "kube-controller-manager")
    ),
    Binary(
        name="pulumi",
        module=_PULUMI,
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        asks_version=("version",),
    ),
    Binary(name="pulumi-resource-kubernetes", module=_PULUMI_KUBERNETES, package=".", asks_version=()),
)
