"""Whether the identities exist that Google Cloud grants roles to and runs nodes as. Pure.

The program grants roles to its own service accounts, to service accounts of the cluster and to GKE's agent only. A
member of another form, such as a user, is a complaint too.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ops.rehearsal.engine.events import short
from ops.rehearsal.engine.object_names import Name, Object, name_of
from ops.rehearsal.google.cloud import Resource
from planning import names
from policies import kinds

_ANY_NUMBER = r"\d+"
_ACCOUNT = re.compile(r"serviceAccount:((?!service-\d)[a-z][a-z0-9-]*@(.+)\.iam\.gserviceaccount\.com)")
"""Google's own agents are called service-NUMBER."""


def violations(resources: Sequence[Resource], every: Sequence[Object], number: str = _ANY_NUMBER) -> Iterator[str]:
    """A sentence for each resource of Google Cloud that names an account which neither it nor the cluster has.

    `number`: the project's, or a pattern of it. The project is that of the stack's accounts.
    """
    accounts = {f"serviceAccount:{each.state['email']}" for each in resources if each.type == kinds.GOOGLE_ACCOUNT}
    projects = {found[2] for each in accounts if (found := _ACCOUNT.fullmatch(each))}
    in_cluster = {name_of(each) for each in every if each["kind"] == "ServiceAccount"}
    agent = _pattern("serviceAccount:" + names.gke_agent("NUMBER"), NUMBER=number)
    of_cluster = _pattern(
        names.principal("PROJECT", "NUMBER", "NAMESPACE", "ACCOUNT"),
        PROJECT="|".join(map(re.escape, sorted(projects))),
        NUMBER=number,
        NAMESPACE="[^/]+",
        ACCOUNT="[^/]+",
    )
    for each in resources:
        for member in _members(each):
            if member in accounts or agent.fullmatch(member):
                continue
            if found := of_cluster.fullmatch(member):
                account = Name("", "ServiceAccount", found["ACCOUNT"], found["NAMESPACE"])
                if account not in in_cluster:
                    yield f"{short(each.urn)} is for {account}, which does not exist in the cluster"
            elif found := _ACCOUNT.fullmatch(member):
                yield f"{short(each.urn)} is for service account {found[1]}, which does not exist in Google Cloud"
            else:
                yield f"{short(each.urn)} is for {member}, which is no account of the stack, of its cluster or of GKE"


def _pattern(text: str, **parts: str) -> re.Pattern[str]:
    """The text with a pattern in place of each part, as a group of its name."""
    return re.compile(re.sub("|".join(parts), lambda part: f"(?P<{part[0]}>{parts[part[0]]})", re.escape(text)))


def _members(each: Resource) -> Iterator[str]:
    if each.type in kinds.GRANTS:
        yield each.state["member"]
    if each.type == kinds.NODE_POOL and (email := _node_account(each.state)):
        yield f"serviceAccount:{email}"


def _node_account(state: dict[str, Any]) -> str | None:
    return (state.get("nodeConfig") or {}).get("serviceAccount")
