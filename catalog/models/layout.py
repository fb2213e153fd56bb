"""A layout: the roles of a deployment, how many engines each has, over how many GPUs, and where they run."""

from enum import StrEnum

from pydantic import model_validator

from catalog.contracts import Role
from catalog.models.attention import Count
from reading.frozen import Frozen


class Placement(StrEnum):
    SHARED = "shared"
    """All roles of a graph on one node."""
    PER_ROLE = "perRole"
    """A node pool for each role."""
    CPU = "cpu"
    """No GPU: on the system pool."""


class RoleLayout(Frozen):
    replicas: Count
    tensor_parallel: Count
    """GPUs of one engine."""


class Layout(Frozen):
    placement: Placement
    engine: str | None = None
    """The engine that the layout is for, by its name; None where the stack chooses."""
    why: str
    """One sentence for the reader of a preview."""
    prefill: RoleLayout | None = None
    decode: RoleLayout | None = None
    worker: RoleLayout | None = None

    @model_validator(mode="after")
    def _roles_are_a_pair_or_one_worker(self) -> "Layout":
        given = set(self.roles)
        if given not in ({Role.PREFILL, Role.DECODE}, {Role.WORKER}):
            raise ValueError("a layout has prefill and decode, or worker alone")
        return self

    @property
    def roles(self) -> dict[Role, RoleLayout]:
        pairs = ((Role.PREFILL, self.prefill), (Role.DECODE, self.decode), (Role.WORKER, self.worker))
        return {role: layout for role, layout in pairs if layout}

    @property
    def gpus(self) -> int:
        """Of all engines together."""
        if self.placement is Placement.CPU:
            return 0
        return sum(role.replicas * role.tensor_parallel for role in self.roles.values())
