"""The words that card and stack add to the command line of a role's workers, with the key path of each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from catalog import flags
from catalog.flags.argv import Use, uses
from catalog.flags.given import Given
from catalog.flags.table import Table


@dataclass(frozen=True)
class Word:
    """One word of a command line. `path` is its key path, for errors."""

    path: str
    text: str


def merged(table: Table | None, sources: Sequence[Sequence[Word]]) -> tuple[Word, ...]:
    """The words of all sources in order. Where several set the same flag, the last one wins.

    All spellings of a flag are the same flag: alias, `--flag=value`, negative form. Without a table the spellings are
    unknown, so all words stay.
    """
    if table is None:
        return tuple(word for source in sources for word in source)
    return tuple(word for at, source in enumerate(sources) for word in _kept(table, source, sources[at + 1 :]))


def texts(words: Iterable[Word]) -> tuple[str, ...]:
    return tuple(word.text for word in words)


def valid(table: Table, words: Sequence[str]) -> Given:
    """The flags that have no error by themselves."""
    return Given(table, words, {error.index for error in flags.errors(table, words)})


def _kept(table: Table, source: Sequence[Word], later: Sequence[Sequence[Word]]) -> Iterator[Word]:
    """The words of a source without the flags that later sources set."""
    given = {_name(table, use) for other in later for use in uses(texts(other))} - {None}
    dropped = {
        index
        for use in uses(texts(source))
        if _name(table, use) in given
        for index in (use.index, *(at for at, _ in use.values))
    }
    yield from (word for index, word in enumerate(source) if index not in dropped)


def _name(table: Table, use: Use) -> str | None:
    """The name of a flag, for any of its spellings; None for a flag that is not in the table."""
    flag = table.spellings.get(use.name)
    return flag and flag.name
