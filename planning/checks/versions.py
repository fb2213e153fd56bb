"""Checks that Dynamo's operator and runtime work together, and warns of untested versions."""

from collections.abc import Iterator

from catalog import versions
from planning.resolve import ResolvedStack
from reading.errors import Error, join


def errors(stack: ResolvedStack) -> Iterator[Error]:
    given = stack.settings.versions
    for key, message in versions.errors(given.platform, given.runtime):
        yield Error(join("versions", key), message)


def warnings(stack: ResolvedStack) -> Iterator[str]:
    given, ours = stack.settings.versions, versions.DYNAMO
    if given.platform != ours.platform:
        yield f"versions.platform: only {ours.platform} is tested here; other versions may reject these graphs"
    if given.runtime != ours.runtime:
        yield f"versions.runtime: command lines are written for {ours.runtime}; other versions may not know every flag"
