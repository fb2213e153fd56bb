"""The model cards: what is known of each model. One card a file in this folder."""

from functools import cache
from pathlib import Path

from catalog.models.layout import Layout, Placement, RoleLayout
from catalog.models.model_card import Card, WeightsFile
from reading import entries

__all__ = ["FOLDER", "Card", "Layout", "Placement", "RoleLayout", "WeightsFile", "card", "card_names"]

FOLDER = Path(__file__).parent


def card_names() -> tuple[str, ...]:
    return entries.names(FOLDER)


@cache
def card(name: str) -> Card:
    """The card of that name.

    Raises FileNotFoundError without a file, ConfigInvalid with every error in it.
    """
    return entries.entry(Card, FOLDER, name)
