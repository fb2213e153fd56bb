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
    (made(kinds.PROJECT_GRANT, member="group:team@example.com"), ""),
    (pool(_NODES), ""),
    (
        pool("old@p.iam.gserviceaccount.com"),
        "NodePool it is for service account old@p.iam.gserviceaccount.com, which does not exist in Google Cloud",
    ),
    (made(kinds.NODE_POOL), ""),
]


@pytest.mark.parametrize(("each", "said"), CASES)
def test_what_a_role_is_granted_to_exists(each: Resource, said: str) -> None:
    assert list(violations([made(kinds.GOOGLE_ACCOUNT, email=_NODES), each], [RUNTIME])) == ([said] if said else [])
