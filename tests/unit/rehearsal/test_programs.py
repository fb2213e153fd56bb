"""Which binaries a rehearsal takes: fitting ones on PATH, then built ones; and the sentence for what is missing."""

import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from ops.rehearsal.pins import BINARIES, Binary, Version
from ops.rehearsal.programs import ProgramsMissing, Range, find

ETCD = next(binary for binary in BINARIES if binary.name == "etcd")
PLUGIN = """\
#!{python}
from concurrent import futures
import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc

class Provider(provider_pb2_grpc.ResourceProviderServicer):
    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="{version}")

server = grpc.server(futures.ThreadPoolExecutor())
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination(60)
"""


def plugin(version: str) -> str:
    """A plugin of Pulumi that only tells its version."""
    return PLUGIN.format(python=sys.executable, version=version)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH. The cache folder is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def put(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


def build_all() -> None:
    """Puts an empty file where each built program is expected."""
    for binary in BINARIES:
        put(binary.built, "")


# What the programs print, and whether the rehearsal takes them.
ANSWERS = [
    ("pulumi", "v3.274.1", True),
    ("pulumi", "v3.300.0", True),
    ("pulumi", "v3.274.0", False),
    ("pulumi", "v4.0.0", False),
    ("pulumi", "v3.280.0-alpha.x1a2b", False),
    ("kube-apiserver", "Kubernetes v1.34.4", True),
    ("kube-apiserver", "Kubernetes v1.34.0", True),
    ("kube-apiserver", "Kubernetes v1.34.9+k3s1", True),
    ("kube-apiserver", "Kubernetes v1.34.0-rc.1", False),
    ("kube-apiserver", "Kubernetes v1.33.9", False),
    ("kube-scheduler", "Kubernetes v1.35.0", False),
    ("etcd", "etcd Version: 3.6.1\\nGit SHA: a1b2c3d\\nGo Version: go1.24.3\\nGo OS/Arch: linux/amd64", True),
    ("etcd", "etcd Version: 3.5.21\\nGit SHA: a1b2c3d\\nGo Version: go3.6.3", False),
    ("etcd", "etcd Version: 3.6.0-rc.4\\nGit SHA: a1b2c3d\\nGo Version: go3.6.3", False),
    ("kwok", "kwok version v0.7.0 go1.24.4 (linux/amd64)", True),
    ("kwok", "kwok version v0.8.0 go1.24.4 (linux/amd64)", False),
    ("kwok", "what?", False),
]


@pytest.mark.parametrize(("name", "answer", "taken"), ANSWERS)
def test_a_program_on_path_is_taken_if_its_version_fits(commands: Path, name: str, answer: str, taken: bool) -> None:
    build_all()
    on_path = put(commands / name, f"#!/bin/sh\nprintf '{answer}'\n")
    found = find()
    path = {binary.name for binary in BINARIES if str(commands) in str(getattr(found, field(binary.name)))}
    assert path == ({name} if taken else set())
    assert (getattr(found, field(name)) == on_path) is taken


def field(name: str) -> str:
    return "kubernetes_provider" if name == "pulumi-resource-kubernetes" else name.replace("-", "_")


@pytest.mark.parametrize(("version", "taken"), [("4.25.0", True), ("4.34.2", True), ("4.24.0", False), ("", False)])
def test_a_plugin_is_asked_for_its_version_by_grpc(commands: Path, version: str, taken: bool) -> None:
    build_all()
    name = "pulumi-resource-kubernetes"
    on_path = put(commands / name, plugin(version))
    assert (find().kubernetes_provider == on_path) is taken


@pytest.mark.parametrize(
    "script", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho 1\n", "#!/bin/sh\necho what\n", "no program"]
)
def test_a_plugin_that_does_not_answer_is_not_taken(commands: Path, script: str) -> None:
    build_all()
    put(commands / "pulumi-resource-kubernetes", script)
    assert not find().kubernetes_provider.is_relative_to(commands)


def test_a_program_that_fails_or_never_answers_is_not_taken(commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.rehearsal.programs._ANSWER_SECONDS", 0.3)
    build_all()
    put(commands / "etcd", "#!/bin/sh\necho etcd Version: 3.6.14; exit 1\n")
    put(commands / "kwok", "#!/bin/sh\nexec /bin/sleep 60\n")
    found = find()
    assert not found.etcd.is_relative_to(commands)
    assert not found.kwok.is_relative_to(commands)


def test_what_is_missing_is_named_with_what_to_run(commands: Path) -> None:
    with pytest.raises(ProgramsMissing) as all_missing:
        find()
    names = ", ".join(binary.name for binary in BINARIES)
    assert str(all_missing.value) == f"{names} are missing: run `make tools`, which builds them once"
    build_all()
    ETCD.built.unlink()
    old = put(commands / "etcd", "#!/bin/sh\necho etcd Version: 3.5.21\n")
    with pytest.raises(ProgramsMissing) as one_missing:
        find()
    assert str(one_missing.value) == (
        f"etcd is missing: run `make tools`, which builds them once; {old} is 3.5.21, 3.6.x fits"
    )


def test_only_linux_rehearses(commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_all()
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ProgramsMissing, match="runs on Linux only"):
        find()


@pytest.mark.parametrize("binary", BINARIES, ids=lambda binary: binary.name)
def test_a_pinned_program_fits(binary: Binary) -> None:
    assert binary.module.version in Range.of(binary)
    assert binary.module.needs_go >= Version(1, 24)


def test_the_control_plane_pins_every_staged_module_of_its_release() -> None:
    """A forgotten one is taken from its v0.0.0 placeholder, or from another release."""
    (kubernetes,) = {binary.module for binary in BINARIES if binary.name.startswith("kube-")}
    text = (kubernetes.folder / "go.mod").read_text()
    staged = set(re.findall(r"=> k8s\.io/\S+ (v\S+)", text))
    assert staged == {f"v0.{kubernetes.version.minor}.{kubernetes.version.patch}"}
    required = set(re.findall(r"^\t(k8s\.io/\S+) v", text, re.MULTILINE))
    replaced = set(re.findall(r"^replace (k8s\.io/\S+) =>", text, re.MULTILINE))
    assert required - replaced == {f"k8s.io/{name}" for name in ("klog/v2", "kube-openapi", "kubernetes", "utils")}


def test_the_engine_is_not_older_than_the_library() -> None:
    engine = next(binary.module.version for binary in BINARIES if binary.name == "pulumi")
    library = Version.in_text(version("pulumi"))
    assert library
    assert engine >= library
