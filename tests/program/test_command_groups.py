"""Commands are loaded one by one, and yet listed and suggested together."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ops.__main__ import app
from ops.commands.models import ModelCommands
from ops.commands.usage import Commands
from tests.stacks import ROOT

COMMANDS = {*Commands.names, *ModelCommands.names}
FILES = {
    path.stem
    for path in (ROOT / "ops" / "commands").glob("*.py")
    if "\napp = typer.Typer(" in path.read_text(encoding="utf-8")
}


def test_every_command_file_is_a_command() -> None:
    assert FILES == COMMANDS


@pytest.mark.parametrize(
    ("words", "own"),
    [("preview", ["preview"]), ("models", ["models", *ModelCommands.names]), ("models show", ["models", "show"])],
)
def test_a_command_loads_no_other_command(words: str, own: list[str]) -> None:
    script = (
        "import sys; from ops.__main__ import app; app(standalone_mode=False); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words.split(), "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    loaded = done.stderr.split()
    assert {name for name in COMMANDS if f"ops.commands.{name}" in loaded} == set(own)
    assert not [name for name in loaded if name.startswith("ops.local")]


def test_models_list_is_models() -> None:
    def printed(words: str) -> str:
        done = CliRunner().invoke(app, words.split())
        assert done.exit_code == 0, done.output
        return done.output

    assert printed("models list") == printed("models")
    assert printed("models list --json") == printed("models --json") == printed("models --json list")


def test_help_lists_the_commands_in_their_order_without_old_names() -> None:
    lines = CliRunner().invoke(app, ["--help"]).output.splitlines()
    listed = [words[1] for line in lines if len(words := line.split()) > 2 and words[1] in {*COMMANDS, "proof"}]
    assert listed == list(Commands.names)
    shown = CliRunner().invoke(app, ["models", "--help"]).output
    assert all(f" {name} " in shown for name in ("list", *ModelCommands.names))


@pytest.mark.parametrize(
    ("words", "like"),
    [("prevew", "preview"), ("proofs", "proof"), ("models pinn", "pin"), ("models shwo", "show")],
)
def test_an_unknown_command_names_the_nearest(words: str, like: str) -> None:
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code == 2
    assert f"No such command '{words.split()[-1]}'. Did you mean '{like}'?" in done.output
