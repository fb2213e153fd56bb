"""Checks that Dynamo's operator and runtime work together, and warns of untested versions."""

import os
import shlex
from collections.abc import Iterator
from glob import glob

from catalog import releases, versions
from planning.platform import NAME, chart
from planning.resolve import ResolvedStack
from reading import entries
from reading.errors import Error, join


def errors(stack: ResolvedStack) -> Iterator[Error]:
    given = stack.settings.versions
    found = dict(versions.errors(given.platform, given.runtime))
    for key, message in found.items():
        yield Error(join("versions", key), message)
    if given.charts and "platform" not in found:
        yield from _charts(stack, given.charts)


def _charts(stack: ResolvedStack, charts: str) -> Iterator[Error]:
    version = stack.settings.versions.platform
    file = chart(version, charts)
    if not stack.settings.installs_platform:
        why = "has no effect, because cluster.existing.platform is shared and the stack installs no chart; remove it"
    elif charts.startswith("oci://") and charts.rpartition("/")[2].partition(":")[0] == NAME:
        why = f"{charts} is the chart itself; use {charts.rpartition('/')[0]}, to which {NAME} is added"
    elif "://" not in charts and not _exists(file):
        why = (
            f"there is no file {file}; paths begin at {entries.beginning()}{_others(charts)}. "
            f"`helm pull {chart(version)} --destination {shlex.quote(charts)}` fetches it"
        )
    else:
        return
    yield Error("versions.charts", why)


def _exists(file: str) -> bool:
    return os.path.isfile(entries.root() / file)  # noqa: PTH113  # Path.is_file raises OSError for a path that is too long


def _others(charts: str) -> str:
    found = sorted(glob(f"{NAME}-*.tgz", root_dir=entries.root() / charts))  # noqa: PTH207  # Path.glob raises OSError as well
    return f"; the folder has {', '.join(found)}" if found else ""


def warnings(stack: ResolvedStack) -> Iterator[str]:
    given, ours = stack.settings.versions, releases.dynamo()
    if given.charts and given.charts.startswith("http://"):
        yield (
            "versions.charts: the chart comes over http://, so whoever can change it on its way gets the rights of the "
            "operator; use https:// or oci://"
        )
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
