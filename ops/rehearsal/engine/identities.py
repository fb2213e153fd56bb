"""Whether the identities exist that Google Cloud grants roles to and runs nodes as. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ops.rehearsal.engine.events import short
from ops.rehearsal.engine.named_objects import Name, name_of
from ops.rehearsal.engine.selected_pods import Object
from ops.rehearsal.google.cloud import Resource
from policies import kinds

_PRINCIPAL = re.compile(r"principal://iam\.googleapis\.com/.*/subject/ns/([^/]+)/sa/([^/]+)")
_ACCOUNT = re.compile(r"serviceAccount:((?!service-\d)[^@]+@[^@]+\.iam\.gserviceaccount\.com)")
"""Google's own agents are called service-NUMBER."""


def violations(resources: Sequence[Resource], every: Sequence[Object]) -> Iterator[str]:
    """A sentence for each resource of Google Cloud that names an account which neither it nor the cluster has."""
    accounts = {each.state["email"] for each in resources if each.type == kinds.GOOGLE_ACCOUNT}
    in_cluster = {name_of(each) for each in every if each["kind"] == "ServiceAccount"}
    for each in resources:
        for member in _members(each):
            if found := _PRINCIPAL.fullmatch(member):
                account = Name("", "ServiceAccount", found[2], found[1])
                if account not in in_cluster:
                    yield f"{short(each.urn)} is for {account}, which does not exist in the cluster"
            elif (found := _ACCOUNT.fullmatch(member)) and found[1] not in accounts:
                yield f"{short(each.urn)} is for service account {found[1]}, which does not exist in Google Cloud"


def _members(each: Resource) -> Iterator[str]:
    if each.type in kinds.GRANTS:
        yield each.state["member"]
    if each.type == kinds.NODE_POOL and (email := _node_account(each.state)):
        yield f"serviceAccount:{email}"


def _node_account(state: dict[str, Any]) -> str | None:
    return (state.get("nodeConfig") or {}).get("serviceAccount")
