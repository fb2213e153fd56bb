"""`capacity`: how GPU nodes are bought. Its keys are those that the capacity mode declares."""

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from catalog.capacity import MODES, CapacitySettings

# Built from the modes that the catalog lists, so that none is named here. A type checker knows what all have in common.
if TYPE_CHECKING:
    Capacity = CapacitySettings
else:
    Capacity = Annotated[Union[tuple(mode.settings for mode in MODES)], Field(discriminator="mode")]  # noqa: UP007
