"""A grant for an account that does not exist is a complaint, in Google Cloud and in the cluster."""

from typing import Any

import pytest

from ops.rehearsal.engine.identities import violations
from ops.rehearsal.google.cloud import Resource
from policies import kinds

_POOL = "principal://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/p.svc.id.goog/subject"
_NODES = "nodes@p.iam.gserviceaccount.com"
RUNTIME = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runtime", "namespace": "dynamo"}}


def made(type_: str, **state: Any) -> Resource:
    return Resource(type=type_, id="1", urn=f"urn:pulumi:prod::dynamo-gke::{type_}::it", state=state)


def pool(account: str) -> Resource:
    return made(kinds.NODE_POOL, nodeConfig={"serviceAccount": account})


UNKNOWN = (
    f"{_POOL}/ns/dynamo/serviceaccount/runtime",
    f"{_POOL}/ns/dynamo/sa/runtime/x",
    f"{_POOL.replace('p.svc', 'other.svc')}/ns/dynamo/sa/runtime",
    f"{_POOL.replace('projects/123', 'projects/p')}/ns/dynamo/sa/runtime",
    f"{_POOL.replace('principal:', 'principalSet:')}/ns/dynamo/sa/runtime",
    "serviceAccount:p.svc.id.goog[dynamo/runtime]",
    f"serviceaccount:{_NODES}",
    "serviceAccount:service-1@compute-system.iam.gserviceaccount.com",
    "serviceAccount:123-compute@developer.gserviceaccount.com",
    "group:team@example.com",
    "user:nobody",
    "allUsers",
    "",
)
"""Members that the program grants nothing to, though some may exist."""
CASES: list[tuple[Resource, str]] = [
    (made(kinds.BUCKET_GRANT, member=f"{_POOL}/ns/dynamo/sa/runtime"), ""),
    (
        made(kinds.BUCKET_GRANT, member=f"{_POOL}/ns/dynamo/sa/runner"),
        "BucketIAMMember it is for ServiceAccount runner in dynamo, which does not exist in the cluster",
    ),
    (
        made(kinds.SECRET_GRANT, member=f"{_POOL}/ns/other/sa/runtime"),
        "SecretIamMember it is for ServiceAccount runtime in other, which does not exist in the cluster",
    ),
    (made(kinds.PROJECT_GRANT, member=f"serviceAccount:{_NODES}"), ""),
    (
        made(kinds.PROJECT_GRANT, member="serviceAccount:node@p.iam.gserviceaccount.com"),
        "IAMMember it is for service account node@p.iam.gserviceaccount.com, which does not exist in Google Cloud",
    ),
    (made(kinds.KEY_GRANT, member="serviceAccount:service-1@container-engine-robot.iam.gserviceaccount.com"), ""),
    *(
        (made(kinds.PROJECT_GRANT, member=member),
         f"IAMMember it is for {member}, which is no account of the stack, of its cluster or of GKE")
        for member in UNKNOWN
    ),
    (pool(_NODES), ""),
    (
        pool("old@p.iam.gserviceaccount.com"),
        "NodePool it is for service account old@p.iam.gserviceaccount.com, which does not exist in Google Cloud",
    ),
    (made(kinds.NODE_POOL), ""),
]  # fmt: skip


@pytest.mark.parametrize(("each", "said"), CASES)
def test_what_a_role_is_granted_to_exists(each: Resource, said: str) -> None:
    assert list(violations([made(kinds.GOOGLE_ACCOUNT, email=_NODES), each], [RUNTIME])) == ([said] if said else [])


@pytest.mark.parametrize(
    "member",
    [f"{_POOL}/ns/dynamo/sa/runtime", "serviceAccount:service-123@container-engine-robot.iam.gserviceaccount.com"],
)
def test_the_number_is_the_projects(member: str) -> None:
    resources = [made(kinds.GOOGLE_ACCOUNT, email=_NODES), made(kinds.PROJECT_GRANT, member=member)]
    assert list(violations(resources, [RUNTIME], "123")) == []
    (said,) = violations(resources, [RUNTIME], "124")
    assert said.startswith(f"IAMMember it is for {member}, which is no account")
