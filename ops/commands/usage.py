"""Groups of commands, which import a command's module on use. Usage errors mask tokens in arguments."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar

import typer.main
from typer.core import TyperGroup

from reading.tokens import masked


class LazyGroup(TyperGroup):
    """A group that imports a command's module when the command is used, so that no command pays for the others."""

    names: ClassVar[tuple[str, ...]]
    """The commands with modules of their own, in the order of `--help`: each is the `app` of `ops.commands.<name>`."""
    former: ClassVar[Mapping[str, str]] = {}
    """Hidden old name, which scripts still call → command."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        # typer lists and suggests commands by their names only.
        unloaded: dict[str, Any] = dict.fromkeys((*self.names, *self.former))
        self.commands = {**self.commands, **unloaded}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self.commands and self.commands[cmd_name] is None:
            module = import_module(f"ops.commands.{self.former.get(cmd_name, cmd_name)}")
            command = typer.main.get_command(module.app)
            command.name, command.hidden = cmd_name, cmd_name in self.former
            self.commands[cmd_name] = command
        return super().get_command(ctx, cmd_name)


class Commands(LazyGroup):
    """All commands."""

    names = (
        *("preview", "render", "status", "diff", "verify"),
        *("rollout", "local", "rehearse", "machines", "engines", "models", "init", "schema"),
    )
    former = {"proof": "verify"}

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _usage_errors_masked():
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        with _usage_errors_masked():
            return super().invoke(*args, **kwargs)


@contextmanager
def _usage_errors_masked() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # typer has no public class for its usage errors; it prints them with this method.
        if format_message := getattr(error, "format_message", None):
            message = masked(format_message())
            error.format_message = lambda: message  # pyright: ignore[reportAttributeAccessIssue]
        raise
