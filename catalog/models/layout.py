"""A layout: the roles of a deployment, the engines per role, the GPUs per engine, and the placement."""

from enum import StrEnum

from pydantic import model_validator

from catalog.contracts import Role
from catalog.models.attention import Count
from reading.frozen import Frozen


class Placement(StrEnum):
    SHARED = "shared"
    """All roles of a graph on one node."""
    PER_ROLE = "perRole"
    """One node pool per role."""
    CPU = "cpu"
    """On the system pool, without GPUs."""


class RoleLayout(Frozen):
    replicas: Count
    tensor_parallel: Count
    """GPUs of one engine."""


class Layout(Frozen):
    placement: Placement
    engine: str | None = None
    """Name of the only engine that the layout supports; None where the stack chooses."""
    why: str
    """Reason for the layout, one sentence that a preview shows."""
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
        """GPUs of all engines together."""
        if self.placement is Placement.CPU:
            return 0
        return sum(role.replicas * role.tensor_parallel for role in self.roles.values())
