"""Groups of commands, which import a command's module on use, and the end of every command that failed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar

import typer
import typer.main
from typer.core import TyperGroup

from ops.commands.ending import Exit, Failed, asked_for_json, interrupted, is_interrupt
from reading.errors import Error
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

    _words: Sequence[str] = ()
    """The command line."""
    _as_json = False
    """Whether it asks for JSON."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **options: Any) -> Any:
        self._words, self._as_json = tuple(args), asked_for_json(args)
        with self._ended():
            return super().make_context(info_name, args, *more, **options)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        with self._ended():
            return super().invoke(*args, **kwargs)

    @contextmanager
    def _ended(self) -> Iterator[None]:
        """Ends a command that failed or that Ctrl-C interrupted."""
        try:
            with self._failures_printed():
                yield
        except (KeyboardInterrupt, typer.Abort) as end:
            if not is_interrupt(end):
                raise
            interrupted().show(as_json=self._as_json)
            raise typer.Exit(Exit.INTERRUPTED) from None

    @contextmanager
    def _failures_printed(self) -> Iterator[None]:
        """Prints why a command failed, as text or as JSON, and ends it. Usage errors without --json are typer's."""
        try:
            yield
        except Failed as failed:
            failed.show(as_json=self._as_json)
            raise typer.Exit(failed.code) from None
        except Exception as error:
            # typer has no public class for its usage errors; it prints them with this method.
            if not (format_message := getattr(error, "format_message", None)):
                raise
            from ops.commands.hints import hint

            message, advice = format_message(), hint(error, self._words, self)
            message = masked(f"{message.rstrip('.')}. {advice}" if advice else message)
            if self._as_json:
                Failed([Error(_place(error), message)], Exit.CONFIG_INVALID, [message], None).show(as_json=True)
                raise typer.Exit(Exit.CONFIG_INVALID) from None
            error.format_message = lambda: message  # pyright: ignore[reportAttributeAccessIssue]
            raise


def _place(error: Any) -> str:
    """The option or argument that a usage error is about."""
    names = getattr(getattr(error, "param", None), "opts", None) or ["command"]
    return getattr(error, "option_name", None) or names[0]
