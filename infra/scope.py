"""Prefix and parent of an environment's components."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Keeps two environments of one Pulumi stack apart: their components have the same names and types.

    A parent alone does not: a URN has the types of the parents, not their names.
    """

    prefix: str = ""
    """Before every logical name; empty for the names of a stack of this program."""
    parent: pulumi.Resource | None = None

    def name(self, name: str) -> str:
        return f"{self.prefix}-{name}" if self.prefix else name

    def options(
        self, providers: Sequence[pulumi.ProviderResource], after: Sequence[pulumi.Resource] = ()
    ) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self.parent, providers=list(providers), depends_on=list(after))
