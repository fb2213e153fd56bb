"""Checks the clients that a public gateway admits."""

from collections.abc import Iterator

from planning.resolve import ResolvedStack
from settings import client_ranges


def warnings(stack: ResolvedStack) -> Iterator[str]:
    for cidr in stack.settings.endpoint.allowed_cidrs:
        if why := client_ranges.without_effect(cidr):
            yield f"endpoint.allowedCidrs: {why}"
