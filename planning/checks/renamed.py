"""Warns of old key names in the stack file."""

from collections.abc import Iterator

from planning.resolve import ResolvedStack


def warnings(stack: ResolvedStack) -> Iterator[str]:
    for old, new in stack.settings.renamed.items():
        yield f"{old}: was renamed to {new.rpartition('.')[2]}; the old name still works"
