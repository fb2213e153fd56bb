"""The rule on Google Cloud grants: only the program's own grants are allowed, each only to its account."""

import re

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
from planning import names
from policies import kinds
from policies.inputs import at
from policies.setting import Schema, exceptions

MORE_ROLES = exceptions(
    "further roles that may be granted, on any resource, to an account of the project", name="roles"
)

ACCOUNT = r"(?!service-\d)[a-z][a-z0-9-]*@{project}\.iam\.gserviceaccount\.com"
"""The pattern of a service account of the project; it matches no default account and no service agent."""
_NODES = f"serviceAccount:{ACCOUNT}"


def _pod(account: str) -> str:
    """The pattern of a Kubernetes service account of the project."""
    pattern = re.escape(names.principal("PROJECT", "NUMBER", "NAMESPACE", "ACCOUNT"))
    parts = {"PROJECT": "{project}", "NUMBER": r"\d+", "NAMESPACE": "[a-z0-9-]+", "ACCOUNT": account}
    return re.sub("|".join(parts), lambda part: parts[part[0]], pattern)


_RUNTIME = _pod(names.runtime_account("[a-z0-9-]+"))
# GKE's own account has the project's number, which no input contains.
_AGENT = "serviceAccount:" + re.escape(names.gke_agent("NUMBER")).replace("NUMBER", r"\d+")
# Members for a role that the environment allows: no default account and no service agent.
_ANY = f"{_NODES}|{_pod('(?!default$)[a-z0-9-]+')}"

# (Type, role) → the allowed members, in words and as a pattern.
_GRANTS = {
    (kinds.PROJECT_GRANT, "roles/artifactregistry.reader"): ("the nodes' account", _NODES),
    (kinds.PROJECT_GRANT, "roles/container.defaultNodeServiceAccount"): ("the nodes' account", _NODES),
    **{(kinds.PROJECT_GRANT, role): ("GKE's own account", _AGENT) for mode in rdma.MODES for role in mode.agent_roles},
    (kinds.KEY_GRANT, "roles/cloudkms.cryptoKeyEncrypterDecrypter"): ("GKE's own account", _AGENT),
    (kinds.SECRET_GRANT, "roles/secretmanager.secretAccessor"): ("the secret sync account", _pod(names.SECRET_SYNC)),
    (kinds.BUCKET_GRANT, "roles/storage.objectUser"): ("the weights writer", _pod(names.WEIGHTS_WRITER)),
    (kinds.BUCKET_GRANT, "roles/storage.objectViewer"): ("the pods of a graph", _RUNTIME),
}


def _known_grants(args: ResourceValidationArgs, report: ReportViolation) -> None:
    kind = args.resource_type
    if kind not in kinds.GRANTS:
        return
    role = at(args.props, "role")
    if role in MORE_ROLES.read(args.get_config()):
        who, pattern = "an account of the project", _ANY
    elif (kind, role) in _GRANTS:
        who, pattern = _GRANTS[kind, role]
    else:
        allowed = ", ".join(sorted(known for of, known in _GRANTS if of == kind))
        report(f"grants {role}, which the program does not need on this resource; grant one of {allowed}", None)
        return
    try:
        member = at(args.props, "member") or ""
    except UnknownValueError:
        return  # an account that this update creates; `pulumi up` checks it before it creates the grant
    project = at(args.props, "project") or (at(args.provider.props, "project") if args.provider else None) or ""
    if not re.fullmatch(pattern.replace("{project}", re.escape(project)), member):
        report(
            f"grants {role} to {member or 'nobody'}; grant it to {who}, of project {project or '(unset)'} only", None
        )


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="known-grants",
        description="Each grant gives an account of the project, no default account, a role that the program needs.",
        validate=_known_grants,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(MORE_ROLES),
        remediation_steps="Write the grant as the program does, or allow the role after a review.",
    )
]
