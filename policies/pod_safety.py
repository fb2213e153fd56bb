"""Rules on pinned versions, access of pods to their node, and secrets in plain text."""

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from policies import host_access, kinds
from policies.inputs import at, keys, known_texts
from policies.pods import containers, pod_specs
from policies.setting import Schema, exceptions
from reading.tokens import holds_token, masked

HOST_ACCESS = exceptions("Kubernetes names of the objects that may have host access")

# Allowed suffixes of a version: a build of NVIDIA's or GKE's, or a release candidate. Any other word may be a channel
# such as `nightly`, whose tag moves with each build.
_SUFFIX = r"([-.+_](py3|rc\.?\d+|gke\.\d+|cuda\d+(\.\d+)*|ubuntu\d\d\.\d\d|amd64|arm64|\d+))*"
_VERSION_TAG = re.compile(rf"v?\d+\.\d+(\.\d+)?{_SUFFIX}")
_CHART_VERSION = re.compile(rf"v?\d+\.\d+\.\d+{_SUFFIX}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


# The fields in which Kubernetes and Secret Manager keep tokens. Other fields of the same resource are not secret.
_PLACES_OF_TOKENS = {
    kinds.SECRET: ("data.", "stringData."),
    kinds.SECRET_VERSION: ("secretData",),
}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_LAYERS = 3  # nested encodings


def _is_pinned(image: str) -> bool:
    name, at_sign, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]  # a colon before the last slash is a registry's port
    versioned = bool(_VERSION_TAG.fullmatch(tag))
    if at_sign:
        return bool(_DIGEST.fullmatch(digest)) and (versioned or not tag)
    return versioned


def _pinned(args: ResourceValidationArgs, report: ReportViolation) -> None:
    for pod in pod_specs(args.resource_type, args.props):
        for container in containers(pod):
            image = at(container, "image") or ""
            if not _is_pinned(image):
                report(f"image {image or '(unset)'} is not pinned; set a version or a digest", None)
    if args.resource_type == kinds.RELEASE:
        version = at(args.props, "version") or ""
        if not _CHART_VERSION.fullmatch(version):
            report(f"the chart version is {version or 'unset'}; pin it as X.Y.Z", None)


def _no_host_access(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if not args.resource_type.startswith("kubernetes:"):
        return
    violations = list(host_access.violations(args.resource_type, args.props))
    if violations and at(args.props, "metadata", "name") not in HOST_ACCESS.read(args.get_config()):
        for violation in violations:
            report(violation, None)


def _no_plain_secret(args: ResourceValidationArgs, report: ReportViolation) -> None:
    # Pulumi unwraps secrets before a rule sees them, so in a token's field a plain and a secret value look the same.
    meant_for_it = _PLACES_OF_TOKENS.get(args.resource_type, ())
    for path, text in (*known_texts(args.props), *((f"a key of {path}", key) for path, key in keys(args.props))):
        if not path.startswith(meant_for_it) and _holds_token(text):
            report(
                f"{masked(path)} looks like a token or a private key in plain text; set it with `pulumi config set "
                "--secret`",
                None,
            )


@lru_cache(maxsize=1 << 14)
def _holds_token(text: str) -> bool:
    """Whether the text has a token, plain or in Base64. Resources have many texts in common, such as labels."""
    return any(map(holds_token, _readings(text)))


def _readings(text: str) -> Iterator[str]:
    """The text and its decoded Base64 parts, recursively."""
    texts = [text]
    for _ in range(_LAYERS):
        yield from texts
        texts = [decoded for given in texts for run in _BASE64.findall(given) if (decoded := _decoded(run))]


def _decoded(run: str) -> str:
    padded = run.translate(str.maketrans("-_", "+/")) + "=" * (-len(run) % 4)
    try:
        return base64.b64decode(padded).decode("utf-8", "ignore")
    except binascii.Error:
        return ""


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="pinned",
        description="Images and charts have a version; an image's tag can still be moved by its publisher.",
        validate=_pinned,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Give each image a tag X.Y or X.Y.Z, or a digest, and each chart a version X.Y.Z.",
    ),
    ResourceValidationPolicy(
        name="no-host-access",
        description="Pods get no access to their node: no privilege, capability, namespace, port or path of it.",
        validate=_no_host_access,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(HOST_ACCESS),
        remediation_steps="Remove the host access, or allow the object by its name in policies/config.<stack>.json.",
    ),
    ResourceValidationPolicy(
        name="no-plain-secret",
        description="No input holds a token or a private key in plain text.",
        validate=_no_plain_secret,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Revoke the token, then set a new one with `pulumi config set --secret`.",
    ),
]
