"""What the plan wants protected is protected, by Pulumi and by Google Cloud."""

from dataclasses import replace
from typing import Any

import pytest

from ops.rehearsal.engine.protection import violations
from policies import kinds
from tests.stacks import planned

WHOLE: dict[str, dict[str, Any]] = {
    f"Cluster${kinds.CLUSTER}::cluster-cluster": {"protect": True, "inputs": {"deletionProtection": True}},
    f"GpuPool${kinds.NODE_POOL}::decode-pool": {"protect": True},
    f"SystemPool${kinds.NODE_POOL}::system-pool": {},
    f"WeightsBucket${kinds.BUCKET}::weights-bucket": {"protect": True, "retainOnDelete": True},
}
CLUSTER, POOL, _, BUCKET = WHOLE
PROTECTED = replace(planned(), deletion_protection=True, keeps_weights=True)
FREE = replace(planned(), deletion_protection=False, keeps_weights=False)


def state(changed: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"urn": f"urn:pulumi:prod::dynamo-gke::dynamo-gke:infra:{of}", "type": of.split("::")[0].split("$")[1], **rest}
        for of, rest in {**WHOLE, **changed}.items()
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        (
            {CLUSTER: {"inputs": {"deletionProtection": True}}},
            ["Cluster cluster-cluster is not protected by Pulumi, although cluster.deletionProtection is true"],
        ),
        (
            {CLUSTER: {"protect": True, "inputs": {}}},
            ["Cluster cluster-cluster is not protected by Google Cloud, although cluster.deletionProtection is true"],
        ),
        (
            {POOL: {"protect": False}},
            ["NodePool decode-pool is not protected by Pulumi, although cluster.deletionProtection is true"],
        ),
        (
            {BUCKET: {"retainOnDelete": True}},
            ["Bucket weights-bucket lacks protect, although the stack keeps its weights"],
        ),
        (
            {BUCKET: {"protect": True}},
            ["Bucket weights-bucket lacks retainOnDelete, although the stack keeps its weights"],
        ),
    ],
)
def test_what_lacks_protection_is_named(changed: dict[str, dict[str, Any]], said: list[str]) -> None:
    assert list(violations(state(changed), PROTECTED)) == said


def test_a_plan_without_protection_asks_for_none() -> None:
    unprotected = {CLUSTER: {"inputs": {}}, POOL: {}, BUCKET: {}}
    assert list(violations(state(unprotected), FREE)) == []
