"""`make tools` against a fake Go: what is built, what stays, and every way in which it can fail."""

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ops.local.environment import cache_folder
from ops.rehearsal import pins
from ops.rehearsal.pins import BINARIES
from tests.local.deployed import eventually
from tests.stacks import ROOT
from tests.unit.rehearsal.fake_go import FakeGo, installed
from tools import rehearsal_programs
from tools.go_build import BuildFailed, Unavailable
from tools.rehearsal_programs import build_missing

ALL = [binary.name for binary in BINARIES]
UNREACHABLE = (
    'go: example.org/a@v1.0.0: Get "https://modules.example/a": dial tcp: lookup modules.example: no such host'
)
# Whoever starts the tests in the background has them ignore Ctrl-C, and children inherit that.
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from tools.rehearsal_programs import main
sys.exit(main())
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    """A fake Go, an empty cache, and modules that a test may change."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(pins, "MODULES", Path(shutil.copytree(pins.MODULES, tmp_path / "pins")))
    (tmp_path / "go").mkdir()
    return installed(tmp_path / "go", monkeypatch)


def build() -> list[str]:
    """What a build says."""
    said: list[str] = []
    build_missing(said.append)
    return said


def kept() -> set[str]:
    """Every file below the cache folder but the lock, which is empty."""
    cache = cache_folder()
    files = {str(path.relative_to(cache)) for path in cache.rglob("*") if not path.is_dir()}
    return files - {"tools.lock"}


def places() -> set[str]:
    return {str(binary.built.relative_to(cache_folder())) for binary in BINARIES}


def run(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_program_is_built_once_and_only_binaries_stay(go: FakeGo) -> None:
    said = build()
    assert go.built == ALL
    assert kept() == places()
    assert {binary.built.read_text() for binary in BINARIES} == {"whole\n"}
    for number, binary in enumerate(BINARIES, 1):
        title = f"[{number}/{len(ALL)}] {binary.name} {binary.module.version}"
        steps = [line.removeprefix(title) for line in said if line.startswith(title)]
        assert ": compiling, of at most 2 packages" in steps
        assert steps[-1].startswith(": done, ")
    (there,) = build()
    assert there.startswith(f"the {len(ALL)} programs of a rehearsal are in ")
    assert go.built == ALL


def test_a_changed_module_alone_is_built_again(go: FakeGo) -> None:
    build()
    with (pins.MODULES / "kubernetes" / "go.sum").open("a") as sums:
        sums.write("example.org/x v1.0.0 h1:x=\n")
    build()
    assert go.built == [*ALL, "kube-apiserver", "kube-scheduler", "kube-controller-manager"]


def test_every_build_flag_and_file_decides_where_a_binary_is_kept(go: FakeGo) -> None:
    module = next(binary.module for binary in BINARIES if binary.name == "pulumi-resource-kubernetes")
    places = {module.kept_in}
    for other in (replace(module, tags="x"), replace(module, linker_flags="-s"), replace(module, embeds=("a", "b"))):
        places.add(other.kept_in)
    for name in ("go.mod", "go.sum", "main.go"):
        with (module.folder / name).open("a") as file:
            file.write("\n")
        places.add(module.kept_in)
    assert len(places) == 7


def test_what_is_on_path_is_not_built(go: FakeGo) -> None:
    etcd = go.folder / "bin" / "etcd"
    etcd.write_text("#!/bin/sh\necho etcd Version: 3.6.99\n")
    etcd.chmod(0o755)
    build()
    assert go.built == [name for name in ALL if name != "etcd"]
    etcd.write_text("#!/bin/sh\necho etcd Version: 3.5.9\n")
    said = build()
    assert f"{etcd} is 3.5.9, 3.6.x fits" in said
    assert go.built[-1] == "etcd"


def test_the_users_proxy_and_checksum_database_stay_and_what_changes_a_build_does_not(
    go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = {"GOPROXY": "https://modules.example", "GOSUMDB": "sums.example", "GOPRIVATE": "example.org/*"}
    unwanted = {
        "GOFLAGS": "-mod=vendor",
        "GOARCH": "riscv64",
        "GOTOOLCHAIN": "auto",
        "GOWORK": "/w",
        "GO111MODULE": "off",
    }
    for variable, value in {**users, **unwanted}.items():
        monkeypatch.setenv(variable, value)
    build()
    found = go.environment
    assert {variable: found.get(variable) for variable in users} == users
    assert "-mod=readonly" in found["GOFLAGS"].split()
    assert "GOARCH" not in found
    assert (found["GOTOOLCHAIN"], found["GOWORK"], found["GO111MODULE"]) == ("local", "off", "on")
    for variable in ("GOCACHE", "GOMODCACHE", "GOPATH", "GOTMPDIR"):
        assert Path(found[variable]).is_relative_to(cache_folder())
        assert not Path(found[variable]).exists()


def test_the_checkout_is_not_written_to_and_the_provider_embeds_its_schema(go: FakeGo) -> None:
    before = sorted(pins.MODULES.rglob("*"))
    build()
    assert sorted(pins.MODULES.rglob("*")) == before
    assert (go.folder / "embedded").read_text() == "{}"


def without_go(go: FakeGo) -> None:
    (go.folder / "bin" / "go").unlink()


UNAVAILABLE = {
    "no Go": (without_go, r"^Go is not on PATH; install Go 1\.\d+\.\d+ or newer, or put etcd, .* on PATH$"),
    "too old": (lambda go: go.tell("version", "go1.21.3"), r"is go1\.21\.3, and pulumi .* needs newer; install Go 1\."),
    "a broken Go": (lambda go: go.tell("version", "what?"), r"/go tells no version; install Go "),
    "no network": (
        lambda go: go.tell("unreachable", UNREACHABLE),
        r"^\[1/7\] etcd .*: its Go modules cannot be had: .*no such host$",
    ),
    "no proxy": (
        lambda go: go.tell("unreachable", "go: a@v1: module lookup disabled by GOPROXY=off"),
        r"cannot be had: .*GOPROXY=off$",
    ),
}


@pytest.mark.parametrize("case", UNAVAILABLE)
def test_a_machine_that_cannot_build_is_told_what_it_lacks(go: FakeGo, case: str) -> None:
    arrange, sentence = UNAVAILABLE[case]
    arrange(go)
    with pytest.raises(Unavailable, match=sentence):
        build()
    assert kept() == set()


def test_only_linux_has_what_a_rehearsal_needs(go: FakeGo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(Unavailable, match=r"runs on Linux only: .*; this is darwin"):
        build()


FAILED = {
    "another content than pinned": ("unreachable", "verifying a@v1: checksum mismatch", "checksum mismatch"),
    "a pin is missing": ("unreachable", "missing go.sum entry for module providing package a", "go.sum entry"),
    "no room for modules": ("unreachable", "go: write /m/a.zip: no space left on device", "no space left"),
    "does not compile": ("broken-etcd", "a.go:1:1: undefined: b", "etcd cannot be built; .* above"),
}


@pytest.mark.parametrize("case", FAILED)
def test_a_build_that_should_work_is_a_failure(go: FakeGo, case: str) -> None:
    where, text, sentence = FAILED[case]
    go.tell(where, text)
    with pytest.raises(BuildFailed, match=sentence):
        build()
    assert kept() == set()


def test_what_the_compiler_complains_of_is_shown(go: FakeGo) -> None:
    go.tell("broken-etcd", "a.go:1:1: undefined: b")
    said: list[str] = []
    with pytest.raises(BuildFailed):
        build_missing(said.append)
    assert "  a.go:1:1: undefined: b" in said


def test_programs_built_before_a_failure_stay(go: FakeGo) -> None:
    go.tell("broken-pulumi", "no")
    with pytest.raises(BuildFailed, match=r"^pulumi cannot be built"):
        build()
    assert kept() == {place for place in places() if "pulumi" not in place}
    go.forget("broken-pulumi")
    build()
    assert go.built == [*ALL[:-1], "pulumi", "pulumi-resource-kubernetes"]


def test_a_full_disk_is_seen_before_the_build(go: FakeGo, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=3 * 2**30)
    monkeypatch.setattr(rehearsal_programs.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(BuildFailed, match=r"dynamo-gke has 3\.0 GiB free, .*; free some, or let XDG_CACHE_HOME"):
        build()
    assert go.built == []


def test_a_cache_folder_that_cannot_be_made_is_named(
    go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(BuildFailed, match=r"file/dynamo-gke: Not a directory"):
        build()


@pytest.mark.parametrize("held_down", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_build_leaves_nothing(go: FakeGo, number: signal.Signals, held_down: bool) -> None:
    go.tell("slow", "60")
    process = run()
    building = go.folder / "building"
    eventually(lambda: building.exists() and building.read_text().strip())
    process.send_signal(number)
    started = time.monotonic()
    while held_down and process.poll() is None and time.monotonic() - started < 20:
        process.send_signal(number)
        time.sleep(0.005)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - started < 20
    # At its very end, Python itself takes the handlers away.
    assert process.returncode in ((130, -number) if held_down else (130,))
    assert errors.endswith("stopped; the programs that were done stay, and nothing else\n")
    assert kept() == set()
    # For a moment its exit status stays, for the parent that it got last.
    eventually(lambda: not Path(f"/proc/{building.read_text().strip()}").exists())


def test_half_a_binary_of_a_killed_build_is_never_taken_for_a_whole_one(go: FakeGo) -> None:
    go.tell("slow", "60")
    process = run()
    eventually(lambda: (go.folder / "building").exists() and (go.folder / "building").read_text().strip())
    process.kill()
    process.communicate(timeout=30)
    assert not places() & kept()
    go.forget("slow")
    build()
    assert kept() == places()
    assert {binary.built.read_text() for binary in BINARIES} == {"whole\n"}


def test_two_runs_at_once_build_everything_once(go: FakeGo) -> None:
    go.tell("slow", "0.2")
    runs = [run(), run()]
    errors = [process.communicate(timeout=60)[1] for process in runs]
    assert [process.returncode for process in runs] == [0, 0], errors
    real = pins.Module(
        name="etcd", pin="go.etcd.io/etcd/server/v3"
    ).kept_in  # of this test's copy, with the same content
    assert go.built == ALL
    assert (real / "etcd").read_text() == "whole\n"


def test_ci_goes_on_without_go_and_can_say_why(go: FakeGo) -> None:
    without_go(go)
    process = run("--or-explain")
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output[:18]) == (0, "Go is not on PATH;")
    process = run()
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors[:25]) == (1, "", "error: Go is not on PATH;")


def test_ci_does_not_go_on_with_a_build_that_should_work(go: FakeGo) -> None:
    go.tell("broken-etcd", "no")
    process = run("--or-explain")
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")


def test_ci_goes_on_when_its_time_is_up_and_keeps_what_is_built(go: FakeGo) -> None:
    go.tell("slow", "600")
    first, *others = BINARIES
    first.built.parent.mkdir(parents=True)
    first.built.write_text("whole\n")
    unbuilt = ", ".join(binary.name for binary in others)
    explained = f"{unbuilt}: not built in time; `make tools` builds them without a limit\n"
    for seconds in ("3", "0"):
        process = run("--or-explain", "--seconds", seconds)
        assert (process.communicate(timeout=60)[0], process.returncode) == (explained, 0)
        assert kept() == {str(first.built.relative_to(cache_folder()))}
    process = run("--seconds", "0")
    assert (process.communicate(timeout=60)[1].splitlines()[-1:], process.returncode) == (
        [f"error: {explained.rstrip()}"],
        1,
    )
