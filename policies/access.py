"""Rules on who may do what: grants of Google Cloud, Roles of Kubernetes, firewall rules, NetworkPolicies."""

import re
from collections.abc import Mapping
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

from policies import kinds
from policies.addresses import is_inside
from policies.inputs import at, items
from policies.setting import Schema, Setting

MORE_ROLES = Setting(
    name="roles", type="array", default=[], description="further roles that may be granted", stricter="less"
)

_ROLES = frozenset(
    {
        "roles/artifactregistry.reader",
        "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        "roles/container.defaultNodeServiceAccount",
        "roles/secretmanager.secretAccessor",
        "roles/storage.objectUser",
        "roles/storage.objectViewer",
    }
)
# For GKE's own account only, which makes the networks of node pools.
_AGENT_ROLE = "roles/compute.networkAdmin"
_GKE_AGENT = re.compile(r"serviceAccount:service-\d+@container-engine-robot\.iam\.gserviceaccount\.com")
_ONE_ACCOUNT = re.compile(
    r"serviceAccount:[\w.-]+@[\w.:-]+\.gserviceaccount\.com"
    r"|serviceAccount:[\w.:-]+\.svc\.id\.goog\[[\w-]+/[\w-]+\]"
    r"|principal://iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/[\w.:-]+"
    r"/subject/ns/[\w-]+/sa/[\w-]+"
)
# Verbs with which a Role can be made to hold more than it says.
_ESCALATING = frozenset({"*", "bind", "escalate", "impersonate"})
# What gives every secret of a namespace, or a shell in its pods.
_SENSITIVE = frozenset({"*", "secrets", "pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token"})


def _known_grants(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type not in kinds.GRANTS:
        return
    role = at(args.props, "role")
    to_agent = role == _AGENT_ROLE and role not in MORE_ROLES.read(args.get_config())
    if not to_agent and role not in _ROLES and role not in MORE_ROLES.read(args.get_config()):
        report(f"grants {role}, which no part of the program needs; grant one of {', '.join(sorted(_ROLES))}", None)
    try:
        member = at(args.props, "member") or ""
    except UnknownValueError:
        return  # an account that this update creates; judged in `pulumi up` before the grant is created
    if to_agent and not _GKE_AGENT.fullmatch(member):
        report(f"grants {role} to {member or 'nobody'}; only GKE's own account needs it", None)
    elif not _ONE_ACCOUNT.fullmatch(member):
        report(f"grants {role} to {member or 'nobody'}; grant it to one service account", None)


def _known_roles(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == kinds.ROLE:
        for rule in items(args.props, "rules"):
            broad = {
                *(set(items(rule, "verbs")) & _ESCALATING),
                *(set(items(rule, "resources")) & _SENSITIVE),
                *(set(items(rule, "apiGroups")) & {"*"}),
            }
            if broad:
                report(f"a rule of the Role holds {', '.join(sorted(broad))}; name what the account needs", None)
    if args.resource_type == kinds.ROLE_BINDING:
        if at(args.props, "roleRef", "kind") != "Role":
            report("binds a ClusterRole, such as cluster-admin; bind a Role of the namespace", None)
        for subject in items(args.props, "subjects"):
            if at(subject, "kind") != "ServiceAccount":
                report(
                    f"binds the {at(subject, 'kind')} {at(subject, 'name')}; bind the ServiceAccount of a workload",
                    None,
                )


def _inner_sources(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.FIREWALL or at(args.props, "direction") == "EGRESS":
        return
    if not items(args.props, "allows"):
        return
    ranges = items(args.props, "sourceRanges")
    named = [*items(args.props, "sourceTags"), *items(args.props, "sourceServiceAccounts")]
    if not ranges and not named:
        report("allows packets from anywhere; set sourceRanges to private ranges", None)
    for index in range(len(ranges)):
        try:
            cidr = ranges[index]
        except UnknownValueError:
            continue  # such as that of an existing subnet; judged in `pulumi up` before the rule is created
        if not is_inside(cidr):
            report(f"allows packets from {cidr}, addresses of the internet; set sourceRanges to private ranges", None)


def _named_peers(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.NETWORK_POLICY:
        return
    for rule in items(args.props, "spec", "ingress"):
        peers = items(rule, "from")
        if not peers:
            report("lets in everybody: a rule of `ingress` has no `from`; name the peers", None)
        for peer in peers:
            if (cidr := at(peer, "ipBlock", "cidr")) is not None and not is_inside(cidr):
                report(f"lets in {cidr}, addresses of the internet; let in private ranges only", None)
            elif cidr is None and not _selects(peer):
                report("lets in every pod of a namespace, or of all; select the peers by labels", None)


def _selects(peer: Mapping[str, Any]) -> bool:
    """Whether a peer of a NetworkPolicy is selected by a label of its own or of its namespace."""
    return any(
        bool(at(peer, selector, "matchLabels"))
        or any(at(expression, "operator") == "In" for expression in items(peer, selector, "matchExpressions"))
        for selector in ("podSelector", "namespaceSelector")
    )


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="known-grants",
        description="Grants give one account one of the roles that the program needs.",
        validate=_known_grants,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(MORE_ROLES),
        remediation_steps="Grant a narrower role to one service account, or allow the role after a review.",
    ),
    ResourceValidationPolicy(
        name="known-roles",
        description="Roles name what they allow, and are bound to ServiceAccounts in their own namespace only.",
        validate=_known_roles,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Name verbs and resources in a Role, and bind it to a ServiceAccount.",
    ),
    ResourceValidationPolicy(
        name="inner-sources",
        description="Firewall rules allow packets from private networks and from Google's health checks only.",
        validate=_inner_sources,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Set sourceRanges to the ranges of the VPC.",
    ),
    ResourceValidationPolicy(
        name="named-peers",
        description="NetworkPolicies let in selected pods and private ranges only.",
        validate=_named_peers,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Select peers by labels, or by private ranges.",
    ),
]
