"""A program in the sandbox sees the container's files and hosts, and none of this machine's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.rehearsal.kubelet import sandbox
from ops.rehearsal.kubelet.sandbox import Container, Mount

PROGRAM = """
import json, os, socket, sys
def refused(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return error.strerror
print(json.dumps({
    "folder": os.getcwd(), "root": sorted(os.listdir("/")), "host": socket.gethostbyname("chat.dynamo.svc"),
    "variable": os.environ["A"], "home": os.path.exists("/home"), "args": sys.argv[1:],
    "root_write": refused("/file"), "script_write": refused("/jobs/file"), "scratch_write": refused("/scratch/file"),
}))
sys.exit(3)
"""


def mount_namespaces() -> bool:
    """Whether this machine permits them, which needs root or a user namespace with its mapping."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not mount_namespaces(), reason="needs root and Linux, for a mount namespace")
@pytest.mark.parametrize("read_only", [True, False])
def test_a_program_runs_among_its_own_files(tmp_path: Path, read_only: bool) -> None:
    script, scratch, ca = tmp_path / "script", tmp_path / "scratch", tmp_path / "ca.pem"
    for folder in (script, scratch):
        folder.mkdir()
    (script / "program.py").write_text(PROGRAM)
    ca.touch()
    container = Container(
        argv=["python3", "-m", "program", "two words", "$HOME"],
        folder="/jobs",
        environment={"A": "1"},
        mounts=[Mount(script, "/jobs", True), Mount(scratch, "/scratch", False)],
        hosts={"chat.dynamo.svc": "10.96.0.7"},
        read_only_root=read_only,
        trusts=ca,
    )
    process = sandbox.start(container, tmp_path / "root")
    with sandbox.output(process) as output:
        printed = output.read()
    assert process.wait(10) == 3, printed
    found = json.loads(printed)
    assert (found["folder"], found["host"], found["variable"]) == ("/jobs", "10.96.0.7", "1")
    assert found["args"] == ["two words", "$HOME"]
    assert {"jobs", "scratch", "usr"} <= set(found["root"])
    assert not {"home", "var", "srv"} & set(found["root"])
    assert found["root_write"] == ("Read-only file system" if read_only else None)
    assert (found["script_write"], found["scratch_write"]) == ("Read-only file system", None)
    assert list((tmp_path / "root").iterdir()) == []
    assert (scratch / "file").exists()
