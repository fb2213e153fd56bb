"""What to do about a command line that cannot be read, where typer's own message does not say."""

from collections.abc import Sequence
from typing import Any

from catalog.defaults import default_machine
from catalog.engines import default_engine
from ops.local.timing import Timing

EXAMPLES = {
    "--stack": "prod",
    "-s": "prod",
    "--set": "models.chat.layout=single-node",
    "--base": "origin/main",
    "--diagram": "page.html",
    "--only": "DynamoGraphDeployment/chat",
    "--graph": "chat",
    "--context": "my-cluster",
    "--fail": "NodePool",
    "--fault": "all",
    "--swap": "models.chat.model=qwen3-0.6b",
    "--judge": "official",
    "--timing": Timing.SIMULATOR.value,
    "--port": "8001",
    "--speedup": "10",
    "--model-dir": "./tokenizer",
    "--machine": default_machine(),
    "--engine": default_engine().name,
    "--hub": "https://hub.example.com",
    "--revision": "main",
    "--project": "my-project",
    "--zone": "europe-west1-b",
    "--capacity": "spot",
    "--reservation": "my-reservation",
    "--model": "qwen3-0.6b",
    "--layout": "single-node",
    "--exposure": "internal",
    "--domain": "llm.example.com",
    "--allow": "203.0.113.0/24",
    "--owner": "ml-platform",
    "--cost-center": "ml-1234",
    "--fail-every": "type",
}
"""Option → a value, for whoever gave it none."""

STACK = ("--stack", "-s")


def hint(error: Any, words: Sequence[str], group: Any) -> str:
    """A sentence that follows the message of a usage error; empty where the message is enough.

    `words`: the command line below `group`, the command of all commands.
    """
    path, command = _meant(words, group)
    if "unexpected extra argument" in error.message:
        return _about_extra(error, command)
    if option := getattr(error, "option_name", None):
        return _about_option(error, option, path, command, words, group)
    missing = getattr(error, "param", None)  # of a missing option or argument
    return getattr(missing, "help", None) or "" if missing and not error.message else ""


def _meant(words: Sequence[str], group: Any) -> tuple[str, Any]:
    """The command that a command line is about: its words, empty for none, and itself."""
    names, command = list[str](), group
    for word in words:
        if word in getattr(command, "commands", ()):
            names, command = [*names, word], command.get_command(None, word)
    return " ".join(names), command


def _about_extra(error: Any, command: Any) -> str:
    extra = error.message.partition("(s) (")[2].removesuffix(")")
    own = _options(command)
    if "--set" in own and "=" in extra:
        return f"Give a change with --set, as in `--set {extra.split()[0]}`."
    named = error.ctx.get_parameter_source("stack")
    if "--stack" in own and (named is None or named.name != "COMMANDLINE"):
        return "Name a stack with --stack."
    return "Leave it out."


def _about_option(error: Any, option: str, path: str, command: Any, words: Sequence[str], group: Any) -> str:
    own = _options(command)
    if "requires an argument" in error.message:
        return f"Give one, such as `{option} {_example(own[option])}`" if option in own else ""
    if "No such option" not in error.message:
        return ""
    if not path and option in STACK:
        return f"Give it after a command, such as `./dynamo-gke preview {option} {EXAMPLES[option]}`"
    if not path:
        return "`./dynamo-gke --help` lists all"
    if option in own:
        value = "" if own[option].is_flag else f" {_value(option, words, path) or _example(own[option])}"
        return f"Give it after the command: `./dynamo-gke {path} {option}{value}`"
    if option in _options(group):
        return f"Give it before the command: `./dynamo-gke {option} {path}`"
    if option in STACK:
        named = any(param.name == "stack" for param in command.params)
        return (
            f"Give the name alone: `./dynamo-gke {path} STACK`" if named else f"`{path}` takes no stack: leave it out"
        )
    return "" if getattr(error, "possibilities", None) else f"`./dynamo-gke {path} --help` lists all"


def _options(command: Any) -> dict[str, Any]:
    """The options of a command, by each of their names."""
    return {name: param for param in command.params for name in param.opts if name.startswith("-")}


def _example(option: Any) -> str:
    """A value of an option: the first of its choices, if its help lists them."""
    choices = (option.metavar or "").split("|")
    return choices[0] if len(choices) > 1 else EXAMPLES[option.opts[0]]


def _value(option: str, words: Sequence[str], path: str) -> str:
    """The value that a command line gives an option; empty if that is the command itself."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option:
            return "" if following in path.split() else following
    return ""
