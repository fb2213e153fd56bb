"""Dynamo's versions: which operator and runtime go together, and which are tried here."""

from collections.abc import Iterator

from catalog import versions
from planning.resolve import ResolvedStack
from reading.errors import Fault, join


def errors(stack: ResolvedStack) -> Iterator[Fault]:
    given = stack.settings.versions
    for key, message in versions.errors(given.platform, given.runtime):
        yield Fault(join("versions", key), message)


def warnings(stack: ResolvedStack) -> Iterator[str]:
    given = stack.settings.versions
    if given.platform != versions.PLATFORM:
        yield f"versions.platform: only {versions.PLATFORM} is tried here; others may not take the graphs as written"
    if given.runtime != versions.RUNTIME:
        yield f"versions.runtime: command lines are written for {versions.RUNTIME}; others may not know every flag"
