"""Commands are loaded one by one, and yet listed and suggested together."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from rich.text import Text
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


def every(command: Any, words: str = "") -> Iterator[tuple[str, Any]]:
    """A command with its words, and all below it."""
    yield words, command
    for name in getattr(command, "commands", ()):
        yield from every(command.get_command(None, name), f"{words} {name}".strip())


WORDS = dict(every(typer.main.get_command(app)))
EVERY = list(WORDS.values())


def said(words: str) -> str:
    """What a command line that cannot be read ends with, on one line and without typer's frame."""
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code == 2
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.output).split())


def test_no_help_text_loses_words_in_brackets() -> None:
    """typer hands them to rich, which reads `[default: x]` as a style."""
    texts = {param.help for command in EVERY for param in command.params if getattr(param, "help", None)}
    texts |= {command.help for command in EVERY}
    assert len(texts) > 40
    assert [text for text in texts if Text.from_markup(text).plain != text] == []


@pytest.mark.parametrize("words", ["", "preview", "init", "models", "models show", "verify"])
def test_h_is_help(words: str) -> None:
    short, long = (CliRunner().invoke(app, [*words.split(), option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)


def test_the_help_names_the_commands_that_need_more_than_this_program() -> None:
    """Only a rehearsal looks for the Pulumi CLI, and only `status` for a kubeconfig."""
    commands = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "ops" / "commands").glob("*.py")}
    looks = re.compile(r"rehearsal\.programs|import .*\bprograms\b")
    assert [name for name, text in commands.items() if looks.search(text)] == ["rehearse"]
    shown = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert "Only `status` needs a cluster, and only `rehearse` the Pulumi CLI." in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("preview prod", "(prod). Name a stack with --stack."),
        ("preview --stack prod dev", "(dev). Leave it out."),
        ("init --stack eu", "No such option: --stack. Give the name alone: `./dynamo-gke init STACK`"),
        ("init -s eu", "No such option: -s. Give the name alone: `./dynamo-gke init STACK`"),
        ("init --stack=eu", "Give the name alone: `./dynamo-gke init STACK`"),
        ("init eu us", "extra argument(s) (us). Leave it out."),
        ("schema prod", "extra argument(s) (prod). Leave it out."),
        *(
            (f"{name} --stack prod", f"`{name}` takes no stack: leave it out")
            for name in ("schema", "machines", "engines", "models", "models show")
        ),
        (
            "--stack prod preview",
            "No such option: --stack. Give it after the command: `./dynamo-gke preview --stack prod`",
        ),
        ("--stack=dev status", "Give it after the command: `./dynamo-gke status --stack dev`"),
        ("-s preview", "Give it after the command: `./dynamo-gke preview -s prod`"),
        ("-s prod machines", "`machines` takes no stack: leave it out"),
        ("--stack prod init eu", "Give the name alone: `./dynamo-gke init STACK`"),
        ("--stack prod", "Give it after a command, such as `./dynamo-gke preview --stack prod`"),
        ("preview --stack", "Option '--stack' requires an argument. Give one, such as `--stack prod`"),
        ("status -s", "Option '-s' requires an argument. Give one, such as `-s prod`"),
    ],
)
def test_a_stack_given_in_the_wrong_way_ends_with_the_right_one(words: str, says: str) -> None:
    assert says in said(words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("rollout -s prod models.chat.decode.replicas=2", "as in `--set models.chat.decode.replicas=2`."),
        ("preview models.chat.decode.replicas=2", "as in `--set models.chat.decode.replicas=2`."),
        ("--set a=b preview", "Give it after the command: `./dynamo-gke preview --set a=b`"),
        (
            "models --machine g2-standard-8 show q",
            "after the command: `./dynamo-gke models show --machine g2-standard-8`",
        ),
        ("--watch status", "Give it after the command: `./dynamo-gke status --watch`"),
        ("preview --debug", "No such option: --debug. Give it before the command: `./dynamo-gke --debug preview`"),
        ("machines --flavor", "No such option: --flavor. `./dynamo-gke machines --help` lists all"),
        ("--flavor", "No such option: --flavor. `./dynamo-gke --help` lists all"),
        ("preview --watch=3", "No such option: --watch. `./dynamo-gke preview --help` lists all"),
        ("diff", "Missing option '--base'. Deployed branch, tag or commit, such as origin/main."),
    ],
)
def test_an_option_or_word_in_the_wrong_place_is_told_the_right_one(words: str, says: str) -> None:
    assert says in said(words)


VALUED = [
    (command_words, option)
    for command_words, command in WORDS.items()
    for param in command.params
    for option in param.opts
    if option.startswith("--") and not param.is_flag
]


@pytest.mark.parametrize(("words", "option"), VALUED, ids=[" ".join(case) for case in VALUED])
def test_an_option_without_its_value_gets_an_example(words: str, option: str) -> None:
    assert re.search(
        rf"Option '{option}' requires an argument. Give one, such as `{option} \S+`", said(f"{words} {option}")
    )


LEAVES = [words for words, command in WORDS.items() if words not in ("", "models", *Commands.former)]
TABLE = re.findall(r"^\| `\./dynamo-gke ([^`]+)` \|", (ROOT / "docs" / "commands.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("words", LEAVES)
def test_the_docs_table_has_every_option_of_a_command(words: str) -> None:
    rows = [row for row in TABLE if re.sub(r"[][]", "", row).startswith(f"{words} ") or row == words]
    assert rows
    written = {option for row in rows for option in re.findall(r"--[a-z-]+", row)}
    if words == "verify":  # reads its own options, of which its Jobs need most
        shown = subprocess.run(
            [sys.executable, "-m", "ops", "verify", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        assert written <= set(re.findall(r"--[a-z-]+", shown))
    else:
        assert written == {name for param in WORDS[words].params for name in param.opts if name.startswith("--")}


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
