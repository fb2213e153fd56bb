"""A first deployment ends by itself before the job that runs it is killed: a killed update leaves the state locked.

The waits of all resources along the longest chain of dependencies are added up, as if each took all the time that it
may take.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from ops.offline.recorded import Recording, Resource
from ops.offline.recording import record
from ops.offline.verdicts import _seconds
from tests.stacks import ROOT, SHIPPED, config, recorded
from tests.workflows.files import workflow

# Minutes that a provider waits for a create unless it is told otherwise; for what is not here, no more than one.
PROVIDER_WAITS = {
    "gcp:certificatemanager/certificate:Certificate": 20,
    "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": 20,
    "gcp:compute/address:Address": 20,
    "gcp:compute/firewall:Firewall": 20,
    "gcp:compute/network:Network": 20,
    "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy": 20,
    "gcp:compute/router:Router": 20,
    "gcp:compute/routerNat:RouterNat": 20,
    "gcp:compute/subnetwork:Subnetwork": 20,
    "gcp:container/cluster:Cluster": 40,
    "gcp:container/nodePool:NodePool": 30,
    "gcp:projects/service:Service": 20,
    "gcp:serviceaccount/account:Account": 5,
    "kubernetes:apps/v1:Deployment": 10,
    "kubernetes:batch/v1:Job": 10,
    "kubernetes:core/v1:PersistentVolumeClaim": 5,
    "kubernetes:core/v1:Service": 10,
    "kubernetes:networking.k8s.io/v1:Ingress": 10,
}
MARGIN = 30
"""Minutes for the checkout, for installing, and for what takes seconds each."""


def job_minutes() -> int:
    return workflow("deploy")["jobs"]["up"]["timeout-minutes"]


def waits(resource: Resource, step: str) -> Iterator[float]:
    """Minutes that may pass until a resource is created or updated, by each limit that it has."""
    timeout = resource.options.get("customTimeouts", {}).get(step)
    yield _seconds(timeout) / 60 if timeout else PROVIDER_WAITS.get(resource.type, 0)
    metadata, spec = resource.inputs.get("metadata"), resource.inputs.get("spec")
    if isinstance(metadata, dict):
        yield int((metadata.get("annotations") or {}).get("pulumi.com/timeoutSeconds", 0)) / 60
    if isinstance(spec, dict):
        yield spec.get("activeDeadlineSeconds", 0) / 60
    if resource.type == "kubernetes:helm.sh/v3:Release":
        yield resource.inputs.get("timeout", 300) / 60


def longest(recording: Recording, step: str = "create") -> tuple[float, list[str]]:
    """Minutes of the longest chain, and what it waits for."""
    by_urn = recording.by_urn()
    known: dict[str, tuple[float, list[str]]] = {}

    def until(urn: str) -> tuple[float, list[str]]:
        if urn not in known:
            resource = by_urn[urn]
            # A child also waits for what its component depends on, and all in the cluster for its provider.
            before = {*resource.depends_on, resource.parent, resource.provider} & set(by_urn)
            minutes, names = max(map(until, sorted(before)), default=(0.0, []))
            own = max(waits(resource, step))
            known[urn] = (minutes + own, [*names, f"{resource.name} {own:g}"] if own else names)
        return known[urn]

    return max(map(until, by_urn))


@pytest.mark.parametrize("stack", SHIPPED)
def test_a_first_deployment_ends_before_its_job_does(stack: str) -> None:
    minutes, chain = longest(recorded(stack, preview=False))
    assert minutes < job_minutes() - MARGIN, chain


GATEWAY = {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}
VARIANTS: list[dict[str, Any]] = [
    {"endpoint": GATEWAY, "alerts": {"emails": ["a@example.com"]}},
    {"secrets": {"store": "secretManager"}},
    {"network": {"rdma": "dranetAuto"}},
    {"network": {"rdma": "multiNetwork"}},
    {"capacity": {"mode": "spot"}},
    {"capacity": {"mode": "onDemand"}, "endpoint": GATEWAY, "secrets": {"store": "secretManager"}},
    {"capacity": {"mode": "flexStart"}},
    {"capacity": {"mode": "flexStart"}, "endpoint": GATEWAY, "secrets": {"store": "secretManager"}},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=lambda changes: " ".join(map(str, changes)))
def test_so_does_a_stack_with_other_settings(changes: dict[str, Any]) -> None:
    minutes, chain = longest(record(ROOT, config(changes), preview=False))
    assert minutes < job_minutes() - MARGIN, chain


@pytest.mark.parametrize("stack", SHIPPED)
def test_no_single_update_outlasts_the_job_with_all_that_follows_it(stack: str) -> None:
    """Of nodes above all: then the graph has to come back, and to be verified."""
    recording = recorded(stack, preview=False)
    after = sum(
        max(waits(r, "update")) for r in recording.resources if r.type.endswith((":DynamoGraphDeployment", ":Job"))
    )
    single = max(max(waits(r, "update")) for r in recording.resources)
    assert single + after < job_minutes() - MARGIN


def test_the_chain_is_the_whole_way_to_a_served_model() -> None:
    """That the tests above add something up."""
    _, chain = longest(recorded("staging", preview=False))
    waited = [name.rpartition(" ")[0] for name in chain]
    in_order = ["cluster-cluster", "system-pool", "shared-pool", "chat-graph"]
    assert [name for name in waited if name in in_order] == in_order
    assert any(name.startswith("model-weights-") for name in waited)
