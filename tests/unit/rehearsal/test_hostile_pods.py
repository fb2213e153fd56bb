"""A hostile pod must be refused by a policy; one that is accepted, or refused by chance, is a complaint."""

from typing import Any, cast

import pytest

from ops.rehearsal.engine.hostile_pods import TRAITS, violations
from ops.rehearsal.kube import ApiError, Kube

BY_POLICY = "pods hostile is forbidden: ValidatingAdmissionPolicy 'graph-pods' with binding 'graph-pods' denied request"
BY_LEVEL = 'pods "hostile" is forbidden: violates PodSecurity "restricted:latest": privileged'
BY_CHANCE = "serviceaccount default not found"


class _Answers:
    """An API server with one answer."""

    def __init__(self, refusal: str) -> None:
        self.refusal = refusal

    def apply(self, manifest: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        assert dry_run
        if self.refusal:
            raise ApiError(403, self.refusal)
        return manifest


@pytest.mark.parametrize(
    ("refusal", "complaint"),
    [
        (BY_POLICY, ""),
        (BY_LEVEL, ""),
        ("", "dynamo accepts a pod that {}: neither an admission policy nor Pod Security refuses it"),
        (BY_CHANCE, f"a pod in dynamo that {{}} was refused for another reason: {BY_CHANCE}"),
    ],
    ids=["policy", "level", "accepted", "chance"],
)
def test_only_a_policy_refuses(refusal: str, complaint: str) -> None:
    found = list(violations(cast(Kube, _Answers(refusal)), "dynamo"))
    assert found == ([complaint.format(trait) for trait in TRAITS] if complaint else [])
