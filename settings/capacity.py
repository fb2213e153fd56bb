"""`capacity`: how GPU nodes are bought. The capacity mode declares the keys."""

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from catalog.capacity import MODES, CapacitySettings

# Union of the catalog's modes, so that no mode is named here. Type checkers see their common base.
if TYPE_CHECKING:
    Capacity = CapacitySettings
else:
    Capacity = Annotated[Union[tuple(mode.settings for mode in MODES)], Field(discriminator="mode")]  # noqa: UP007
