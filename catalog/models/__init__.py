"""The model cards: facts about each model. One card per file in this folder."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from catalog.formats import BITS
from catalog.models.layout import Layout, Placement, RoleLayout
from catalog.models.model_card import Card, WeightsFile
from reading import entries
from reading.errors import ConfigInvalid

__all__ = [
    "FOLDER",
    "Card",
    "Layout",
    "Placement",
    "RoleLayout",
    "WeightsFile",
    "card",
    "card_name",
    "card_names",
    "file_of",
    "variants",
]

FOLDER = Path(__file__).parent


def card_names() -> tuple[str, ...]:
    return entries.names(FOLDER)


def card_name(given: str) -> str:
    """`given`, if it names a card of the catalog or a file. Raises ValueError, which says why it does not."""
    return entries.named(given, card_names())


def file_of(name: str) -> str:
    """The file of a card, as errors name it."""
    return entries.file_of(FOLDER, name)


@cache
def card(name: str) -> Card:
    """The card of that name. `name` may also be a file in the program's folder, such as `./cards/ours.yaml`.

    Raises FileNotFoundError without a file, ConfigInvalid with every error in it.
    """
    return entries.entry(Card, FOLDER, name)


_FORMAT_SUFFIX = re.compile(rf"-({'|'.join(BITS)})$")


def variants(of: Card) -> Iterator[Card]:
    """The catalog's other cards of the same model, by their names: `NAME`, `NAME-fp8`, `NAME-nvfp4`.

    Skips files with errors, which are reported where a stack names them.
    """
    stem = _FORMAT_SUFFIX.sub("", of.name)
    for name in card_names():
        if name != of.name and _FORMAT_SUFFIX.sub("", name) == stem:
            try:
                yield card(name)
            except ConfigInvalid:
                continue
