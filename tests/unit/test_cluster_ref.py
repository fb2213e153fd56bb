"""Which cluster a stack runs in: its own, or one known by name or by kubeconfig context."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.stacks import planned


@dataclass(frozen=True)
class Case:
    name: str
    existing: dict[str, Any] | None
    cluster: str | None
    context: str
    identifier: str
    login: str


_GKE = "gke_my-project_europe-west1_shared"
CASES = [
    Case("its own", None, "dynamo-prod", "gke_my-project_europe-west1_dynamo-prod",
         "projects/my-project/locations/europe-west1/clusters/dynamo-prod",
         "gcloud container clusters get-credentials dynamo-prod --location europe-west1 --project my-project "
         "--dns-endpoint"),
    Case("by name, zonal", {"name": "shared", "location": "europe-west1-b"}, "shared",
         "gke_my-project_europe-west1-b_shared", "projects/my-project/locations/europe-west1-b/clusters/shared",
         "gcloud container clusters get-credentials shared --location europe-west1-b --project my-project "
         "--dns-endpoint"),
    Case("by a context that gcloud wrote", {"context": _GKE}, "shared", _GKE,
         "projects/my-project/locations/europe-west1/clusters/shared", f"kubectl config use-context {_GKE}"),
    Case("by a context of any name", {"context": "lab"}, None, "lab", "contexts/lab", "kubectl config use-context lab"),
    Case("by a context, with a name that it needs for nothing", {"context": _GKE, "name": "shared"}, "shared", _GKE,
         "projects/my-project/locations/europe-west1/clusters/shared", f"kubectl config use-context {_GKE}"),
    Case("by a context with a mark of the shell", {"context": "a;b"}, None, "a;b", "contexts/a;b",
         "kubectl config use-context 'a;b'"),
    Case("by both", {"context": "lab", "name": "shared"}, "shared", "lab",
         "projects/my-project/locations/europe-west1/clusters/shared", "kubectl config use-context lab"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_how_a_cluster_is_known(case: Case) -> None:
    found = planned({"cluster": {"existing": case.existing}} if case.existing else {}).cluster
    assert (found.name, found.context, found.identifier, found.login) == (
        case.cluster,
        case.context,
        case.identifier,
        case.login,
    )
    assert found.existing is (case.existing is not None)


def test_an_unknown_name_is_warned_of() -> None:
    def warned(context: str) -> bool:
        plan = planned({"cluster": {"existing": {"context": context}}})
        return any("no dashboard or alerts" in warning for warning in plan.warnings)

    assert warned("lab")
    assert not warned(_GKE)
