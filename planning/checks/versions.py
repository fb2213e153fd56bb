"""Checks that Dynamo's operator and runtime work together, and warns of untested versions."""

from collections.abc import Iterator

from catalog import releases, versions
from planning.resolve import ResolvedStack
from reading.errors import Error, join


def errors(stack: ResolvedStack) -> Iterator[Error]:
    given = stack.settings.versions
    for key, message in versions.errors(given.platform, given.runtime):
        yield Error(join("versions", key), message)


def warnings(stack: ResolvedStack) -> Iterator[str]:
    given, ours = stack.settings.versions, releases.dynamo()
    if given.platform != ours.platform:
        yield f"versions.platform: only {ours.platform} is tested here; other versions may reject these graphs"
    if given.runtime not in releases.known():
        yield (
            f"versions.runtime: {given.runtime} is not one of the releases in catalog/dynamo.yaml "
            f"({', '.join(releases.known())}); unverified that it exists"
        )
    if releases.minor(given.runtime) != releases.minor(ours.runtime):
        yield f"versions.runtime: command lines are written for {ours.runtime}; other versions may not know every flag"
        yield from _other_engines(stack, given.runtime)


def _other_engines(stack: ResolvedStack, runtime: str) -> Iterator[str]:
    """Warnings of engine versions in the runtime that differ from the checked runtime."""
    checked = releases.dynamo().runtime
    for engine in {deployment.engine.name: deployment.engine for deployment in stack.deployments}.values():
        ours, its = releases.pins(checked).get(engine.name), releases.pins(runtime).get(engine.name)
        if engine.simulated:
            continue
        if not (ours and its):
            yield (
                f"versions.runtime: unverified which {engine.title} {runtime} contains, because catalog/dynamo.yaml "
                f"does not say; flags, values, memory and metrics were checked against {engine.title} in {checked}"
            )
        else:
            yield (
                f"versions.runtime: {runtime} contains {engine.title} {its.version} with NIXL {its.nixl} and UCX "
                f"{releases.ucx(runtime)}; flags, values, memory and metrics were checked against {engine.title} "
                f"{ours.version} with NIXL {ours.nixl} and UCX {releases.ucx(checked)}, those of {checked}"
            )
