"""The words that card and stack add to the command line of a role's workers, and where each is written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from catalog.flags.argv import Use, uses
from catalog.flags.table import Table


@dataclass(frozen=True)
class Word:
    """One word of a command line. `path` says where it is written, for errors."""

    path: str
    text: str


def merged(table: Table | None, sources: Sequence[Sequence[Word]]) -> tuple[Word, ...]:
    """The words of all sources in their order. Where several give a flag, the words of the last one count.

    A flag is the same under each of its spellings: alias, `--flag=value`, negative form. Without a table nobody knows
    them, so nothing is left out.
    """
    if table is None:
        return tuple(word for source in sources for word in source)
    return tuple(word for at, source in enumerate(sources) for word in _kept(table, source, sources[at + 1 :]))


def texts(words: Iterable[Word]) -> tuple[str, ...]:
    return tuple(word.text for word in words)


def _kept(table: Table, source: Sequence[Word], later: Sequence[Sequence[Word]]) -> Iterator[Word]:
    """The words of a source less the flags that later ones give."""
    given = {_name(table, use) for other in later for use in uses(texts(other))} - {None}
    dropped = {
        index
        for use in uses(texts(source))
        if _name(table, use) in given
        for index in (use.index, *(at for at, _ in use.values))
    }
    yield from (word for index, word in enumerate(source) if index not in dropped)


def _name(table: Table, use: Use) -> str | None:
    """The name of a flag, however it is spelt; None for one that the table does not have."""
    flag = table.spellings.get(use.name)
    return flag and flag.name
