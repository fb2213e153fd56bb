"""The rule that a resource sets only inputs that this program sets itself, listed in known_inputs.json.

The other rules check the inputs they know. An unknown input could undo their effect: anonymous access to the API
server, a start-up script on nodes, a hook in a pod. `python -m tests.goldens` writes the table from recordings of the
program, and a test checks that the table is current.
"""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)
from pulumi_policy.proxy import UnknownValueError

from catalog import rdma
from catalog.contracts import NicRequest
from catalog.machines import gpu_machines
from policies import kinds
from policies.filled_in import filled_in
from policies.inputs import is_list, is_object
from policies.setting import Schema, exceptions

MORE_INPUTS = exceptions("further inputs that may be set, as type#path, including everything below the path")

TABLE = Path(__file__).parent / "known_inputs.json"
# Blocks whose keys the author chooses freely.
_FREE = frozenset({"data", "labels", "matchLabels", "nodeSelector", "resourceLabels", "stringData", "userLabels"})
_EMPTY = " (empty)"
# Stands for the name of a network, and matches each.
_NETWORK = "*"
_POD = "spec.components[*].podTemplate"
# Names of scalar inputs that the Google Cloud provider fills in by itself before the engine runs the policies.
_DEFAULTS = "__defaults"


def input_paths(value: Any, path: str = "") -> Iterator[str]:
    """The path of every set input, with `*` for indexes and free keys. An empty block yields its own path."""
    if is_object(value):
        defaults = value.get(_DEFAULTS) or ()
        keys = [key for key in value if key != _DEFAULTS]
        for key in keys:
            name = f"{path}.{_name(key, path)}".lstrip(".")
            if key not in defaults or not _is_plain(value, key):
                yield from _below(value, key, name)
        if not keys:
            yield path + _EMPTY
    elif is_list(value):
        for index in range(len(value)):
            yield from _below(value, index, f"{path}[*]")
        if not len(value):
            yield path + _EMPTY
    elif value is not None:
        yield path


def _name(key: str, path: str) -> str:
    """A key as the table writes it."""
    if path.rpartition(".")[2] in _FREE:
        return "*"
    return (
        next((form for form in _limits_of_rdma() if fnmatchcase(key, form)), key) if path.endswith(".limits") else key
    )


def _asked_by_rdma() -> Iterator[NicRequest]:
    """What each RDMA mode may add to a worker of any machine, with `*` for the name of a network."""
    most = max(machine.rdma_nics for machine in gpu_machines())
    yield from (mode.worker(nics, {_NETWORK: _NETWORK}) for mode in rdma.MODES for nics in range(1, most + 1))


@cache
def _limits_of_rdma() -> tuple[str, ...]:
    return tuple(dict.fromkeys(limit for asked in _asked_by_rdma() for limit in asked.limits))


@cache
def _set_by_rdma() -> frozenset[str]:
    """Paths in a graph that RDMA modes may set."""
    annotations = (f"{_POD}.metadata.annotations.{key}" for asked in _asked_by_rdma() for key in asked.annotations)
    limits = (f"{_POD}.spec.containers[*].resources.limits.{key}" for key in _limits_of_rdma())
    return frozenset((*annotations, *limits))


def _is_plain(parent: Any, key: str) -> bool:
    try:
        return not (is_object(parent[key]) or is_list(parent[key]))
    except UnknownValueError:
        return False


def _below(parent: Any, key: str | int, path: str) -> Iterator[str]:
    try:
        child = parent[key]
    except UnknownValueError:
        yield path
        return
    yield from input_paths(child, path)


@cache
def table() -> Mapping[str, frozenset[str]]:
    """Type → the paths of the inputs that the program sets."""
    return {kind: frozenset(paths) for kind, paths in json.loads(TABLE.read_text(encoding="utf-8")).items()}


def is_below(path: str, known: str) -> bool:
    """Whether a path equals the known path or lies below it."""
    return path == known or (path.startswith(known) and path[len(known)] in ".[")


def _known_inputs(args: ResourceValidationArgs, report: ReportViolation) -> None:
    kind = args.resource_type
    if not kind.startswith(("gcp:", "kubernetes:")):
        return
    known = table().get(kind, frozenset[str]()) | (_set_by_rdma() if kind == kinds.GRAPH else frozenset[str]())
    more = [each.partition("#") for each in MORE_INPUTS.read(args.get_config())]
    allowed = [*filled_in(kind, args.props), *(path for of, _, path in more if of == kind)]
    for path in sorted(set(input_paths(args.props))):
        block = path.removesuffix(_EMPTY)
        # A block with known inputs may be empty, because then it sets none of them.
        is_known = path in known or (block != path and any(is_below(one, block) for one in known))
        if not is_known and not any(is_below(block, one) for one in allowed):
            report(
                f"sets {block}, which the program never sets and no rule checks; remove it, or add {kind}#{block} to "
                "known-inputs.allowed in policies/config.<stack>.json after a review",
                None,
            )


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="known-inputs",
        description="Every resource sets only inputs that this program sets itself.",
        validate=_known_inputs,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(MORE_INPUTS),
        remediation_steps="Remove the input, or allow it in policies/config.<stack>.json after a review.",
    )
]
