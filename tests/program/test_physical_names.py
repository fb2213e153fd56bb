"""Two stacks of one project give Google's resources different names: the second would fail, or take the first's.

A name is the id by which Google Cloud knows the resource. What Google numbers has no name that could be taken.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from ops.offline import stackfile
from ops.offline.recorded import Resource
from ops.offline.recording import record
from ops.rehearsal.google.outputs import IDS
from policies import kinds
from settings.stack_config import StackConfig
from tests.stacks import ROOT, SHIPPED, config

PARTS = (kinds.NODE_POOL, kinds.ROUTER_NAT)
"""Types whose names count within another resource of the stack: its cluster, its router."""
SHARED = {
    kinds.GOOGLE_API: "stays enabled when a stack is destroyed",
    kinds.KEY_GRANT: "stays when a stack is destroyed",
}
"""Types that two stacks may both have, and why neither takes it from the other."""
GATEWAY = {"endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}}
MORE: dict[str, StackConfig] = {
    "a public gateway": config(GATEWAY),
    "a token in Secret Manager": config({"secrets": {"store": "secretManager"}}),
    "an encryption key": config(
        {"cluster": {"secretsKey": "projects/keys/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"}}
    ),
}
STACKS = (*SHIPPED, *MORE)


@cache
def created(which: str, name: str) -> tuple[Resource, ...]:
    """The resources of a stack under another name."""
    given = MORE[which] if which in MORE else stackfile.read(ROOT, which)
    secrets = given.secrets | {"dynamo-gke:hfToken"}
    return tuple(record(ROOT, replace(given, stack=name, secrets=secrets), preview=False).created)


def named(resources: tuple[Resource, ...]) -> Iterator[tuple[str, str]]:
    """Type and name of each resource of Google Cloud that has a name."""
    for resource in resources:
        format_ = IDS.get(resource.type, "{number}")
        if "{number}" in format_ or resource.type in PARTS or resource.type in SHARED:
            continue
        yield resource.type, format_.format(**resource.inputs, email=resource.inputs.get("accountId"))


@pytest.mark.parametrize("which", STACKS)
def test_two_stacks_share_no_name(which: str) -> None:
    first, second = ({*named(created(which, name))} for name in ("one", "two"))
    assert first
    assert first & second == set()
