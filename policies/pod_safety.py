"""Rules on what pods run, what of their node they get, and what is written in plain."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from catalog.engines import all_engines, engine_that_runs
from catalog.flags import classes
from catalog.flags.argv import uses
from catalog.flags.frontend import frontend_flags
from policies import host_access, kinds
from policies.inputs import at, items, known_texts
from policies.pods import containers, pod_specs
from policies.setting import Schema, Setting
from reading.tokens import holds_token

HOST_ACCESS = Setting(
    name="allowed",
    type="array",
    default=[],
    description="Kubernetes names of the objects that may have it",
    stricter="less",
)

FOREIGN_CODE = Setting(
    name="allowed",
    type="array",
    default=[],
    description="flags of the engine that may run code of others",
    stricter="less",
)

_EXACT_VERSION = re.compile(r"v?\d+\.\d+\.\d+([-+.].+)?")
# A tag that names a version, such as 1.6.1, v2 or 25.11-py3; a branch or a channel names whatever is newest.
_VERSION_TAG = re.compile(r"v?\d+(\.\d+)*([-+._][A-Za-z0-9.+_-]+)?")
_MOVING = frozenset({"latest", "main", "master", "stable", "nightly", "edge", "dev", "head"})
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def _is_pinned(image: str) -> bool:
    name, at_sign, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]  # a colon before the last slash is a registry's port
    versioned = bool(_VERSION_TAG.fullmatch(tag)) and not _MOVING & set(re.split(r"[-+._]", tag.lower()))
    if at_sign:
        return bool(_DIGEST.fullmatch(digest)) and (versioned or not tag)
    return versioned


def _pinned(args: ResourceValidationArgs, report: ReportViolation) -> None:
    for pod in pod_specs(args.resource_type, args.props):
        for container in containers(pod):
            image = at(container, "image") or ""
            if not _is_pinned(image):
                report(f"image {image or 'without a name'} is not pinned; give it a version or a digest", None)
    if args.resource_type == kinds.RELEASE:
        version = at(args.props, "version") or ""
        if not _EXACT_VERSION.fullmatch(version):
            report(f"the chart's version is {version or 'unset'}; pin it as X.Y.Z", None)


def _no_host_access(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if not args.resource_type.startswith("kubernetes:"):
        return
    complaints = list(host_access.complaints(args.resource_type, args.props))
    if complaints and at(args.props, "metadata", "name") not in HOST_ACCESS.read(args.get_config()):
        for complaint in complaints:
            report(complaint, None)


def _no_foreign_code(args: ResourceValidationArgs, report: ReportViolation) -> None:
    allowed = set(FOREIGN_CODE.read(args.get_config()))
    of_graph = args.resource_type == kinds.GRAPH
    for pod in pod_specs(args.resource_type, args.props):
        for container in containers(pod):
            for name in sorted(_code_flags(container, of_graph=of_graph) - allowed):
                report(f"container {at(container, 'name')} has {name}, which lets the engine run code of others", None)


def _code_flags(container: Mapping[str, Any], *, of_graph: bool) -> set[str]:
    """The flags of a container that run code of others; none where its command starts no engine.

    What a graph runs besides its frontend is an engine. One without a table of flags, or that the catalog does not
    know, is judged by the tables of all others.
    """
    tables = [engine.flags for engine in all_engines().values() if engine.flags]
    command = " ".join(items(container, "command")).split()
    if command and not of_graph and not _starts(command):
        return set()
    words = [*command, *" ".join(items(container, "args")).split()]
    started = [table for table in tables if any(table.module in word for word in words)]
    unknown = engine_that_runs(words) or (of_graph and frontend_flags().module not in words)
    return {
        flag.name
        for table in started or (tables if unknown else ())
        for use in uses(words)
        if (flag := table.spellings.get(use.name)) and flag.name in classes.code_flags(table)
    }


def _starts(words: Sequence[str]) -> bool:
    """Whether an engine of the catalog is named in any of the words."""
    return any(engine.module in word for engine in all_engines().values() for word in words)


def _no_plain_secret(args: ResourceValidationArgs, report: ReportViolation) -> None:
    # Pulumi unwraps secrets before a rule sees them: where a token belongs, plain and secret look the same.
    if args.resource_type in (kinds.SECRET, kinds.SECRET_VERSION):
        return
    for path, text in known_texts(args.props):
        if holds_token(text):
            report(
                f"{path} looks like a token or a private key in plain; set it with `pulumi config set --secret`", None
            )


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="pinned",
        description="Images and charts have a version, which for an image is a tag: its publisher can still move it.",
        validate=_pinned,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Give images a tag other than latest, or a digest, and charts a version X.Y.Z.",
    ),
    ResourceValidationPolicy(
        name="no-host-access",
        description="Pods get nothing of their node: no privilege, capability, namespace, port or path of it.",
        validate=_no_host_access,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(HOST_ACCESS),
        remediation_steps="Take the host access out, or allow the object by its name in policies/config.<stack>.json.",
    ),
    ResourceValidationPolicy(
        name="no-foreign-code",
        description="Engines run the code of their image only.",
        validate=_no_foreign_code,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(FOREIGN_CODE),
        remediation_steps="Take the flag out of engine.extraArgs, or allow it in policies/config.<stack>.json.",
    ),
    ResourceValidationPolicy(
        name="no-plain-secret",
        description="No input holds a token or a private key in plain.",
        validate=_no_plain_secret,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Revoke the token, then set a new one with `pulumi config set --secret`.",
    ),
]
