"""Programs beside a rehearsal: their end is reported with their log, and none outlives its stop or its parent."""

import subprocess
import sys
from pathlib import Path

import pytest

from ops.rehearsal import certificates
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.processes import Program, ProgramFailed, environment
from ops.rehearsal.world import World
from tests.local.deployed import alive, eventually

STUBBORN = "trap '' TERM; echo started; while true; do sleep 0.1; done"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_program_that_dies_at_start_is_reported_with_the_end_of_its_log(world: World) -> None:
    program = Program(world, "etcd", ["sh", "-c", "seq 1 9; echo the port is taken; exit 3"])
    with pytest.raises(ProgramFailed) as caught:
        program.wait_until(lambda: False)
    assert "etcd ended with code 3" in str(caught.value)
    assert str(caught.value).endswith("6\n7\n8\n9\nthe port is taken")


def test_a_program_that_is_never_ready_is_reported_in_time(world: World) -> None:
    program = Program(world, "kwok", ["sleep", "60"])
    with pytest.raises(ProgramFailed, match="kwok was not ready within 0 s; it wrote nothing"):
        program.wait_until(lambda: False, seconds=0.1)
    program.stop()
    assert program.ended


def test_a_program_that_does_not_exist_is_reported(world: World) -> None:
    with pytest.raises(ProgramFailed, match="kwok did not start"):
        Program(world, "kwok", [str(world.folder / "missing")])


def test_stop_ends_a_program_that_ignores_sigterm_and_its_children(world: World) -> None:
    program = Program(world, "stubborn", ["sh", "-c", f"sleep 61 & echo $! > child; {STUBBORN}"])
    program.wait_until(lambda: "started" in program.log.read_text())
    child = int((world.folder / "child").read_text())
    program.stop(seconds=0.2)
    assert program.ended
    eventually(lambda: not alive(child), 5)


def test_a_program_dies_with_a_killed_parent(world: World) -> None:
    script = (
        "import sys; from pathlib import Path; from ops.rehearsal.processes import Program\n"
        "from ops.rehearsal.world import World\n"
        "print(Program(World(Path(sys.argv[1])), 'orphan', ['sleep', '62']).pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(world.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    eventually(lambda: not alive(pid), 5)


def test_programs_get_nothing_of_the_callers_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "PULUMI_ACCESS_TOKEN", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "of the caller")
    assert "of the caller" not in environment(world).values()


def test_a_certificate_is_signed_by_the_authority_for_its_names(world: World) -> None:
    certificates.create_authority(world)
    issued = certificates.issue(world, "server", ["127.0.0.1", "webhook.dynamo-system.svc"])
    for check in (["-verify_ip", "127.0.0.1"], ["-verify_hostname", "webhook.dynamo-system.svc"]):
        command = ["openssl", "verify", "-x509_strict", "-CAfile", str(world.ca), *check, str(issued.chain)]
        subprocess.run(command, check=True, capture_output=True, timeout=30)


def test_without_openssl_the_error_says_what_is_needed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(world.folder))
    with pytest.raises(RehearsalError, match="need the command openssl"):
        certificates.create_authority(world)
