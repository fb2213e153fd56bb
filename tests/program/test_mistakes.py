"""Each mistake of the table is made for real, and ends in the exit code and the message that the docs show."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs
from typer.testing import CliRunner

from ops.__main__ import app
from ops.offline import stackfile
from ops.offline.canned_answers import Canned
from ops.offline.recorded import ProgramFailed
from ops.offline.recording import record
from tests.google_answers import CLUSTER, CloudError
from tests.mistakes import page
from tests.mistakes.mistake import Cli, Mistake, Ours, Program, Request, Shell
from tests.mistakes.table import STEPS
from tests.pulumi_cli import PULUMI
from tests.pulumi_cli import Cli as RealCli
from tests.stacks import ROOT

MISTAKES = [mistake for step in STEPS for mistake in step.mistakes]
# Words by which a message of this program says what to do.
REMEDY = re.compile(
    r"id you mean|paths begin|request more|such as|use |set |write |choose |give |run |remove |indent|`\w|install|"
    r"must end|close |Name a|lower|Give|Remove"
)


def of_kind(kind: type) -> pytest.MarkDecorator:
    found = [mistake for mistake in MISTAKES if isinstance(mistake.run, kind)]
    return pytest.mark.parametrize("mistake", found, ids=[mistake.what for mistake in found])


def says(mistake: Mistake, printed: str, port: int = 0) -> None:
    """Fails unless the message is in what was printed, whatever its line breaks and frames."""
    wanted = mistake.says.replace("{port}", str(port))
    pattern = ".*".join(re.escape(_flat(part)) for part in wanted.split("…"))
    assert re.search(pattern, _flat(printed)), printed
    assert "Traceback" not in printed


def _flat(text: str) -> str:
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the shipped stack files and their policies."""
    folder = tmp_path_factory.mktemp("mistakes") / "dynamo-gke"
    (folder / "policies").mkdir(parents=True)
    for path in (*ROOT.glob("Pulumi*.yaml"), ROOT / "__main__.py"):
        shutil.copy(path, folder)
    for path in (ROOT / "policies").glob("config.*.json"):
        shutil.copy(path, folder / "policies")
    subprocess.run(["git", "init", "--quiet", folder], check=True, timeout=60)
    return folder


@pytest.fixture
def root(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dynamo-gke"
    shutil.copytree(shipped, folder)
    monkeypatch.setattr(stackfile, "project_root", lambda: folder)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    return folder


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@of_kind(Ours)
def test_a_command_of_ours(mistake: Mistake, root: Path, busy_port: int) -> None:
    assert isinstance(mistake.run, Ours)
    if mistake.run.file:
        broken = root / mistake.run.file
        text = broken.read_text(encoding="utf-8")
        assert text.count(mistake.run.old) == 1
        broken.write_text(text.replace(mistake.run.old, mistake.run.new), encoding="utf-8")
    done = CliRunner().invoke(app, mistake.run.command.replace("{port}", str(busy_port)).split())
    assert done.exit_code == mistake.code, done.stderr
    says(mistake, done.output, port=busy_port)
    assert REMEDY.search(mistake.says)


@of_kind(Program)
def test_the_program(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    run = mistake.run
    assert isinstance(run, Program)
    given = stackfile.read(
        ROOT,
        run.stack,
        [
            *run.sets,
            *(["network.rdma=none", "models.chat.layout=aggregated"] if run.answers and run.stack == "prod" else []),
        ],
    )
    canned = Canned(given)
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: said.append(message))

    def answered(args: MockCallArgs) -> dict[str, Any]:
        answer = {CLUSTER: {}, **run.answers}.get(args.token)
        if isinstance(answer, CloudError):
            raise answer
        return canned(args) if answer is None else answer

    code = 0
    try:
        record(ROOT, given, preview=not run.up, answers=answered)
    except ProgramFailed as failed:
        code = 1
        said.append(str(failed))
    assert code == mistake.code, said
    says(mistake, "\n".join(said))
    assert REMEDY.search(mistake.says)


@pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")
@of_kind(Cli)
def test_the_pulumi_cli(mistake: Mistake, tmp_path: Path) -> None:
    run = mistake.run
    assert isinstance(run, Cli)
    cli = RealCli(tmp_path, ROOT)
    for command in run.before:
        before = cli(*command.split())
        assert before.returncode == 0, before.stderr
    if run.state:
        prepared(cli, run.state)
    if not run.passphrase:
        cli.env.pop("PULUMI_CONFIG_PASSPHRASE")
    elif run.passphrase != "right":
        cli.env["PULUMI_CONFIG_PASSPHRASE"] = run.passphrase
    done = cli(*run.command.split(), env=run.env)
    assert done.returncode == mistake.code, done.stdout + done.stderr
    says(mistake, done.stdout + done.stderr)


def prepared(cli: RealCli, state: str) -> None:
    """Gives the stack `try` a protected resource, the lock of an update that was killed, or a secret of no key."""
    if state == "secret":
        file = cli.project / "Pulumi.try.yaml"
        secret = "config:\n  dynamo-gke:hfToken: {secure: replace-me}\n"
        file.write_text(file.read_text(encoding="utf-8").replace("config:\n", secret), encoding="utf-8")
        return
    if state == "locked":
        lock = cli.state / ".pulumi/locks/organization/dynamo-gke/try/00000000-0000-4000-8000-000000000000.json"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text('{"pid": 1, "username": "me", "hostname": "laptop", "timestamp": "2026-11-28T10:00:00Z"}')
        return
    assert state == "protected"
    urn, stack = "urn:pulumi:try::dynamo-gke::", "pulumi:pulumi:Stack"
    root = {"urn": f"{urn}{stack}::dynamo-gke-try", "custom": False, "type": stack}
    kind = "dynamo-gke:infra:Cluster"
    cluster = {"urn": f"{urn}{kind}::cluster", "custom": False, "type": kind, "protect": True, "parent": root["urn"]}
    manifest = {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""}
    deployment = {"version": 3, "deployment": {"manifest": manifest, "resources": [root, cluster]}}
    imported = cli("stack", "import", "--stack", "try", given=json.dumps(deployment))
    assert imported.returncode == 0, imported.stderr


@of_kind(Shell)
def test_another_program(mistake: Mistake, tmp_path: Path) -> None:
    run = mistake.run
    assert isinstance(run, Shell)
    words = run.command.replace("{folder}", str(tmp_path)).replace("{port}", str(unused_port())).split()
    program = shutil.which(words[0])
    if program is None:
        pytest.skip(f"{words[0]} is not on PATH")
    (tmp_path / "sh").symlink_to("/bin/sh")  # all that a PATH without other programs has
    for name, script in run.programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    env = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "none")}
    if run.path is not None:
        env["PATH"] = run.path.replace("{folder}", str(tmp_path))
    done = subprocess.run(
        [program, *words[1:]], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == mistake.code, done.stderr
    says(mistake, done.stdout + done.stderr)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_every_step_of_the_guide_has_its_likeliest_mistakes() -> None:
    assert len(MISTAKES) >= 30
    assert all(len(step.mistakes) >= 3 for step in STEPS)
    whats = [mistake.what for mistake in MISTAKES]
    assert len(set(whats)) == len(whats)  # they are headings, which links name


def test_each_mistake_has_a_way_out() -> None:
    """Whatever another program says, the page says what to do: a command, a key or a page."""
    lacking = [m.what for m in MISTAKES if not isinstance(m.run, Ours | Program) and not re.search(r"`|\]\(", m.do)]
    assert lacking == []
    assert any(isinstance(mistake.run, Request) for mistake in MISTAKES)  # tests/local/test_call.py sends them


def test_the_page_is_generated() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.text(), "run `make goldens` if meant"
