"""`./dynamo-gke init` on a terminal and in a script, in a copy of the program."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from settings.stack_schema import FIRST_LINE
from tests.catalog.tree import copy, run

SECONDS = 120
ANSWERS = ("--project", "my-project", "--zone", "us-central1-a", "--machine", "g2-standard-8", "--capacity", "spot",
           "--model", "qwen3-0.6b", "--exposure", "none")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy(tmp_path_factory.mktemp("init"))


def files(folder: Path, stack: str) -> list[str]:
    """Every file that names the stack, hidden ones too."""
    found = [*folder.glob(f"*{stack}*"), *folder.glob(f".*{stack}*"), *(folder / "policies").glob(f"*{stack}*")]
    return sorted(path.relative_to(folder).as_posix() for path in found)


class Terminal:
    """A command whose input and output are a terminal."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.shown = ""
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ops", *words],
            cwd=folder, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=_controlling_terminal,
        )  # fmt: skip
        os.close(slave)

    def answer(self, question: str, text: str) -> None:
        """Waits until the question is shown, and types the text."""
        self._read_until(question)
        os.write(self._master, text.encode())

    def ended(self, key: str = "") -> int:
        """The exit code. Presses a key again and again until then: Python misses an interrupt just before it reads."""
        self._read_until(None, key)
        os.close(self._master)
        return self._process.wait(timeout=SECONDS)

    def _read_until(self, text: str | None, key: str = "") -> None:
        seen, deadline = "", time.monotonic() + SECONDS
        while text is None or text not in seen:
            ready, _, _ = select.select([self._master], [], [], 1)
            if not ready:
                assert time.monotonic() < deadline, f"{text!r} was never shown: {self.shown}"
                os.write(self._master, key.encode())
                continue
            try:
                read = os.read(self._master, 4096).decode()
            except OSError:  # Linux's end of a terminal
                read = ""
            seen, self.shown = seen + read, self.shown + read
            if not read:
                assert text is None, f"{text!r} was never shown: {self.shown}"
                return


def _controlling_terminal() -> None:
    """Makes the terminal send an interrupt for Ctrl-C."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_questions_are_answered_and_a_wrong_answer_is_explained_at_once(folder: Path) -> None:
    terminal = Terminal(folder, "init", "asked")
    terminal.answer("Google Cloud project", "My Project\n")
    terminal.answer("did you mean", "my-project\n")
    terminal.answer("Zone of the GPU nodes", "us-central1-a\n")
    terminal.answer("GPU machine", "g2-standard-8\n")
    terminal.answer("(reservation, spot, flexStart, onDemand)", "spt\n")
    terminal.answer("did you mean spot?", "spot\n")
    terminal.answer("Model", "qwen3-0.6b\n")
    terminal.answer("(multi-node, aggregated, multi-node-aggregated)", "\n")
    terminal.answer("[internal]", "public\n")
    terminal.answer('"public" is not one of none, internal, gateway', "\n")
    assert terminal.ended() == 0, terminal.shown
    assert files(folder, "asked") == ["Pulumi.asked.yaml", "policies/config.asked.json"]
    last = terminal.shown.replace("\r", "").strip().splitlines()
    assert last[-1] == "next: ./dynamo-gke preview --stack asked"
    assert "resources to create" in terminal.shown
    assert "  aggregated: both phases in each engine" in terminal.shown
    assert "layout multi-node: one node for prefill, one for decode" in terminal.shown
    assert terminal.shown.count("(none, internal, gateway)") == 2  # once in each prompt
    assert (folder / "Pulumi.asked.yaml").read_text().startswith(FIRST_LINE)


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 1)], ids=["Ctrl-C", "Ctrl-D"])
def test_nothing_is_written_by_whoever_stops_answering(folder: Path, key: str, code: int) -> None:
    terminal = Terminal(folder, "init", "stopped")
    terminal.answer("Google Cloud project", "my-project\n")
    terminal.answer("Zone of the GPU nodes", key)
    assert terminal.ended(key) == code
    assert "Traceback" not in terminal.shown
    assert "nothing was written. To go on, run `./dynamo-gke init stopped` again" in terminal.shown
    assert files(folder, "stopped") == []


def test_a_script_gives_options_and_the_stack_passes_its_policies(folder: Path) -> None:
    done = run(folder, "ops", "init", "given", "--yes", *ANSWERS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("\nwrote Pulumi.given.yaml and policies/config.given.json\n")
    assert "layout multi-node: one node for prefill" in done.stdout
    assert "; others that fit, by --layout: aggregated, multi-node-aggregated\n" in done.stdout
    previewed = run(folder, "ops", "preview", "--stack", "given", "--json")
    assert previewed.returncode == 0, previewed.stdout[-2000:]
    shown = json.loads(previewed.stdout)
    assert shown["policies"] == []
    assert not [warning for warning in shown["plan"]["warnings"] if warning.startswith("polic")]


def test_a_stack_without_gpus_passes_its_policies_and_gets_no_gpu_by_the_stack_file_alone(folder: Path) -> None:
    assert run(folder, "ops", "init", "cpus", "--yes", *ANSWERS, "--layout", "simulated").returncode == 0
    assert run(folder, "ops", "preview", "--stack", "cpus").returncode == 0
    more = ("capacity.mode=spot", "capacity.machine=g2-standard-8", "models.chat.layout=multi-node-aggregated")
    done = run(folder, "ops", "preview", "--stack", "cpus", "--json", *(word for s in more for word in ("--set", s)))
    assert done.returncode == 3, done.stdout[-2000:]
    assert [verdict["policy"] for verdict in json.loads(done.stdout)["policies"]] == ["gpu-budget", "gpu-budget"]


def test_no_file_is_replaced(folder: Path) -> None:
    (folder / "policies" / "config.mine.json").write_text("{}")
    done = run(folder, "ops", "init", "mine", "--yes", *ANSWERS)
    assert (done.returncode, files(folder, "mine")) == (1, ["policies/config.mine.json"])
    assert "`rm policies/config.mine.json`; else choose another name" in done.stderr


def test_the_file_of_pulumi_stack_init_is_completed(folder: Path) -> None:
    salt = "encryptionsalt: v1:sIhCPqE0IxY=:v1:qPhtLE9plzLYrwd/:XuQ910zimy7mVDxGHzEbo0boANyZ9g==\n"
    (folder / "Pulumi.half.yaml").write_text(salt)
    done = run(folder, "ops", "init", "half", "--yes", *ANSWERS)
    assert done.returncode == 0, done.stderr
    assert (
        "completed Pulumi.half.yaml, in which Pulumi's own keys stay, and wrote policies/config.half.json"
        in done.stdout
    )
    assert salt in (folder / "Pulumi.half.yaml").read_text()
    assert files(folder, "half") == ["Pulumi.half.yaml", "policies/config.half.json"]
    again = run(folder, "ops", "init", "half", "--yes", *ANSWERS)
    assert (again.returncode, "Pulumi.half.yaml already exists" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("lone",), 1, "there is no terminal; give the answers as options, with --yes"),
        (("../lone", "--yes", *ANSWERS), 2, 'stack: "../lone" is not 1 to 16 lower-case letters'),
        (("lone", "--yes"), 2, "--project: is required with --yes"),
        (("lone", "--yes", *ANSWERS, "--capacity", "spt"), 2, "did you mean spot?"),
        (("lone", "--yes", *ANSWERS, "--exposure", "gateway"), 2, "--domain: is required with --yes"),
        (("lone", "--yes", *ANSWERS, "--domain", "llm.example.com"), 2, "--domain: has no effect with --exposure none"),
        (("lone", "--yes", *ANSWERS, "--reservation", "ours"), 2, "--reservation: has no effect with --capacity spot"),
        (("lone", "--yes", *ANSWERS, "--layout", "singlenode"), 2, "--layout: "),
        (("lone", "--yes", *ANSWERS, "--owner", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz"), 2, "looks like a Hugging Face token"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_stack_is_refused_before_a_file_is_written(
    folder: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    done = run(folder, "ops", "init", *words)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert files(folder, "lone") == []
