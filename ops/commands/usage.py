"""The group of all commands. Its usage errors mask tokens in arguments."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

from reading.tokens import masked


class Commands(TyperGroup):
    """The command group, whose usage errors mask tokens."""

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
