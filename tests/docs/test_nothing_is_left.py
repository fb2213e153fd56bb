"""The query of docs/day-2.md that proves a teardown finds every resource that a stack can leave."""

import json
import re

import pytest

from tests.stacks import ROOT, SHIPPED

PAGE = (ROOT / "docs" / "day-2.md").read_text(encoding="utf-8")
LABELS = ("labels", "resourceLabels", "userLabels")
# Neither a name nor a label of their own; they end with what they belong to, or are settings of the project.
PART_OF_ANOTHER = {
    "billing/budget:Budget",
    "container/nodePool:NodePool",
    "monitoring/dashboard:Dashboard",
    "projects/iAMMember:IAMMember",
    "projects/service:Service",
    "storage/bucketIAMMember:BucketIAMMember",
}


@pytest.mark.parametrize("stack", SHIPPED)
def test_every_resource_of_google_cloud_is_found_by_the_query_for_its_stack(stack: str) -> None:
    (query,) = re.findall(r"--query='(.*)'$", PAGE, re.MULTILINE)
    query = query.replace("prod", stack)
    preview = json.loads((ROOT / "tests" / "golden" / f"{stack}.preview.json").read_text(encoding="utf-8"))
    google = [r for r in preview["resources"] if r["type"].startswith("gcp:")]
    assert len(google) > 10
    for resource in google:
        inputs = resource["inputs"]
        labels = {key: value for field in LABELS for key, value in inputs.get(field, {}).items()}
        labeled = {"managed-by": "pulumi", "stack": stack}.items() <= labels.items()
        named = f"dynamo-{stack}" in str(inputs.get("name", inputs.get("accountId", "")))
        assert labeled or named or resource["type"].removeprefix("gcp:") in PART_OF_ANOTHER, resource["urn"]
    for part in ("labels.managed-by=pulumi", f"labels.stack={stack}", f"name:dynamo-{stack}",
                 f"labels.goog-k8s-cluster-name=dynamo-{stack}"):  # fmt: skip
        assert part in query
