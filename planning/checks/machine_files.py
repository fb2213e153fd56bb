"""Checks the values of the stack's machine files against each other, and against the other folders of the catalog.

The schema of a machine file knows neither the RDMA modes, nor the capacity modes, nor Google Cloud's zones.
"""

import re
from collections.abc import Collection, Iterator

from catalog import capacity, locations, rdma
from catalog.defaults import default_machine
from catalog.formats import BITS
from catalog.machines import GpuMachine, file_of, gpu_machine, gpu_machine_names
from planning.resolve import ResolvedStack
from reading.errors import Error, closest, join, one_of, shown

# A series, perhaps words, the size, perhaps a suffix: n2-standard-16, x4-megamem-960-metal.
_MACHINE_TYPE = re.compile(r"[a-z]+[0-9]+[a-z]*(-[a-z]+)*-[0-9]+[a-z]*(-[a-z]+)?")

# us-central1, us-central1-a, us-south1-ai1b
_PLACE = re.compile(r"[a-z]+-[a-z]+[0-9]+(-[a-z0-9]+)?")


def errors(stack: ResolvedStack) -> Iterator[Error]:
    for name in _given(stack):
        machine = gpu_machine(name)
        allow_unlisted, in_catalog = stack.settings.location.allow_unlisted, name in gpu_machine_names()
        for key, message in value_errors(machine, allow_unlisted=allow_unlisted, in_catalog=in_catalog):
            yield Error(f"{file_of(name)}: {key}", message)


def warnings(stack: ResolvedStack) -> Iterator[str]:
    for name, path in _given(stack).items():
        machine = gpu_machine(name).name
        if name not in gpu_machine_names() and not _MACHINE_TYPE.fullmatch(machine):
            yield (
                f"{path}: the file's name is the machine type, and {machine} does not look like one; name the file "
                f"like {default_machine()}.yaml"
            )


def _given(stack: ResolvedStack) -> dict[str, str]:
    """Name or file of each machine that the stack names → a key path that names it."""
    given = {stack.settings.gpu_machine: "capacity.machine"}
    for deployment in stack.deployments:
        for role, override in deployment.settings.overrides.items():
            if override.machine:
                given.setdefault(override.machine, deployment.at(role, "machine"))
    return given


def value_errors(
    machine: GpuMachine, *, allow_unlisted: bool = False, in_catalog: bool = False
) -> Iterator[tuple[str, str]]:
    """Key and message of each value that is impossible, or unknown to the program.

    `in_catalog`: the file may name a mode that is still to be added, but no misspelled one.
    """
    yield from _unknown("gpus.formats", machine.gpus.formats or (), tuple(BITS))
    modes = (
        ("rdma.modes", machine.rdma.modes if machine.rdma else (), rdma.NAMES),
        ("sold", machine.sold, capacity.NAMES),
        ("prices", machine.prices, capacity.NAMES),
    )
    for key, given, allowed in modes:
        wrong = [name for name in given if not in_catalog or (name not in allowed and closest(name, allowed))]
        yield from _unknown(key, wrong, allowed)
    known = locations.known()
    for index, zone in enumerate(machine.zones):
        where = join("zones", index)
        if not _PLACE.fullmatch(zone):
            yield where, f"{shown(zone)} is neither a zone such as us-central1-a nor a region such as us-central1"
        elif zone not in known.zones and zone not in known.all_zones and not allow_unlisted:
            yield where, f"{shown(zone)} is neither a zone nor a region of Google Cloud{locations.unlisted()}"
    yield from _too_much(machine)


def _unknown(key: str, given: Collection[str], allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in given:
        if name not in allowed:
            yield key, one_of(name, allowed)


def _too_much(machine: GpuMachine) -> Iterator[tuple[str, str]]:
    """The error of workers that together request a whole node or more, so that they never start."""
    workers, share = machine.gpus.count, machine.worker_share
    of_workers = f"per GPU is too much: with {workers} GPU{'s' * (workers > 1)} the workers of a full node request"
    rest = "and the node's daemons need some as well"
    if share.cpu * workers >= machine.vcpus:
        yield (
            "workerShare.cpu",
            f"{share.cpu} {of_workers} {share.cpu * workers} of its {machine.vcpus} vCPUs, {rest}",
        )
    # Read as GiB, the larger unit, because Google's tables may mean it by GB.
    if share.memory_gib * workers >= machine.memory_gb:
        yield (
            "workerShare.memoryGib",
            f"{share.memory_gib} {of_workers} {share.memory_gib * workers} GiB of its {machine.memory_gb:g} GB of "
            f"memory, {rest}",
        )
