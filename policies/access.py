"""Rules on access inside the environment: Kubernetes Roles, firewall rules, NetworkPolicies."""

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

from policies import kinds
from policies.addresses import is_inside
from policies.inputs import at, items
from policies.peers import named

_READING = frozenset({"get", "list", "watch"})
# Resources whose read access gives a namespace's secrets, a shell in its pods or access to their ports.
_SENSITIVE = re.compile(r"\*.*|.*/\*|secrets|pods/(exec|attach|portforward)|serviceaccounts/token|\w+/proxy")


def _known_roles(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == kinds.ROLE:
        for rule in items(args.props, "rules"):
            broad = {
                *(set(items(rule, "verbs")) - _READING),
                *(resource for resource in items(rule, "resources") if _SENSITIVE.fullmatch(resource)),
                *(set(items(rule, "apiGroups")) & {"*"}),
            }
            if broad:
                report(
                    f"a rule of the Role allows {', '.join(sorted(broad))}; allow only to read what the account needs",
                    None,
                )
    if args.resource_type == kinds.ROLE_BINDING:
        if at(args.props, "roleRef", "kind") != "Role":
            report("binds a ClusterRole, such as cluster-admin; bind a Role of the namespace", None)
        for subject in items(args.props, "subjects"):
            if at(subject, "kind") != "ServiceAccount":
                report(
                    f"binds the {at(subject, 'kind')} {at(subject, 'name')}; bind the ServiceAccount of a workload",
                    None,
                )
            elif at(subject, "namespace") != at(args.props, "metadata", "namespace"):
                report(
                    f"binds {at(subject, 'name')} of namespace {at(subject, 'namespace')}; bind one of its own "
                    "namespace",
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
        report("allows packets from any address; set sourceRanges to private ranges", None)
    for index in range(len(ranges)):
        try:
            cidr = ranges[index]
        except UnknownValueError:
            continue  # such as that of an existing subnet; `pulumi up` checks it before the rule is created
        if not is_inside(cidr):
            report(
                f"allows packets from {cidr}, which are internet addresses; set sourceRanges to private ranges", None
            )


def _named_peers(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != kinds.NETWORK_POLICY:
        return
    for rule in items(args.props, "spec", "ingress"):
        peers = items(rule, "from")
        if not peers:
            report("lets in everyone: a rule of `ingress` has no `from`; name the peers", None)
        for peer in peers:
            cidr = at(peer, "ipBlock", "cidr")
            if named(peer):
                continue
            if cidr is not None:
                report(f"lets in {cidr}, which are internet addresses; let in private ranges only", None)
            elif at(peer, "namespaceSelector") is not None:
                report(
                    "lets in pods of any namespace, which can choose their own labels; select the namespace by a label",
                    None,
                )
            else:
                report("lets in every pod of the namespace; select the peers by labels", None)


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="known-roles",
        description="Roles allow reading, never secrets, and are bound to ServiceAccounts of their namespace only.",
        validate=_known_roles,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Let the Role get, list or watch named resources, and bind it to a ServiceAccount.",
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
        description="NetworkPolicies let in selected pods, private ranges and Google's health checks only.",
        validate=_named_peers,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Select peers by labels, or by private ranges.",
    ),
]
