"""Layouts with which stacks are deployed, frozen in a file: another number restarts every worker, or moves a pool.

`make goldens` adds new cards and keeps the others. After a change that is meant, delete the card from the file first.
"""

import yaml

from catalog.models import card_names
from tests.stacks import ROOT, layouts

FILE = ROOT / "tests/data/frozen_layouts.yaml"


def derived(card: str) -> dict[str, str]:
    """Layout → its placement, and replicas and GPUs of each role's engines: `shared 4x1 1x4`, as of now."""
    return {
        name: " ".join((its.placement.value, *(f"{r.replicas}x{r.tensor_parallel}" for r in its.roles.values())))
        for name, its in layouts(card).items()
    }


def frozen() -> dict[str, dict[str, str]]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def with_new_cards() -> str:
    """The file's text with every card that it lacks, and without cards that no longer exist."""
    known = frozen()
    kept = {card: known.get(card) or derived(card) for card in card_names()}
    return yaml.safe_dump(kept, sort_keys=False, width=120)
