"""The model cards: what is known of each model. One card a file in this folder."""

from functools import cache
from pathlib import Path

from catalog.models.layout import Layout, Placement, RoleLayout
from catalog.models.model_card import Card, WeightsFile
from reading import entries

__all__ = ["FOLDER", "SIMULATED", "Card", "Layout", "Placement", "RoleLayout", "WeightsFile", "card", "card_names"]

FOLDER = Path(__file__).parent

# The same on every card: no GPUs to divide a model over, so nothing depends on the model.
SIMULATED = "simulated"
_SIMULATED_LAYOUT = Layout(
    placement=Placement.CPU,
    engine="mocker",
    why="Dynamo's mocker in place of the engine: the real frontend, router and discovery, on CPU nodes",
    prefill=RoleLayout(replicas=1, tensor_parallel=1),
    decode=RoleLayout(replicas=1, tensor_parallel=1),
)


def card_names() -> tuple[str, ...]:
    return entries.names(FOLDER)


@cache
def card(name: str) -> Card:
    """The card of that name, with the simulated layout that every card has.

    Raises FileNotFoundError without a file, ConfigInvalid with every error in it.
    """
    read = entries.entry(Card, FOLDER, name)
    return read.model_copy(update={"layouts": {SIMULATED: _SIMULATED_LAYOUT, **read.layouts}})
