"""Fields that a controller of the cluster or Google owns are not written: under server-side apply they conflict."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.command_line import IMAGES
from ops.offline import stackfile
from ops.offline.recorded import Recording
from ops.offline.recording import record
from tests.stacks import ROOT, SHIPPED, recorded

GATEWAY = (
    "endpoint.exposure=gateway",
    "endpoint.domain=llm.example.com",
    "endpoint.allowedCidrs[0]=203.0.113.0/24",
)
SCALED = tuple(
    f"models.chat.autoscaling.{role}.{end}={count}"
    for role, least in (("prefill", 1), ("decode", 2))
    for end, count in (("min", least), ("max", 3))
)
VARIANTS = {
    "scaled": SCALED,
    "public": GATEWAY,
    "token of Secret Manager": ("secrets.store=secretManager",),
    "networks by name": ("network.rdma=multiNetwork",),
    "aggregated": ("models.chat.layout=aggregated", "network.rdma=none"),
}

# By whom: the API server, the garbage collector, the controllers of Services, claims, Jobs, webhooks and certificates.
OWNED = re.compile(
    r"""status\b.*
    | metadata\.(uid|resourceVersion|generation|creationTimestamp|deletion.*|managedFields)\b.*
    | metadata\.(ownerReferences|finalizers)\b.*
    | metadata\.annotations\.(deployment\.kubernetes\.io|pv\.kubernetes\.io|cloud\.google\.com/neg-status)\b.*
    | metadata\.labels\.(kubernetes\.io/metadata\.name|controller-uid|job-name|batch\.kubernetes\.io/.*)
    | spec\.(clusterIP|clusterIPs|healthCheckNodePort|ipFamilies|nodeName|loadBalancerClass|finalizers)\b.*
    | spec\.ports\[\d+\]\.nodePort
    | spec\.claimRef\.(uid|resourceVersion)
    | webhooks\[\d+\]\.clientConfig\.caBundle
    | secrets\b.* | imagePullSecrets\b.*""",
    re.VERBOSE,
)


def paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, f"{path}[{index}]")
    else:
        yield path


def run(name: str) -> Recording:
    return record(ROOT, stackfile.read(ROOT, "prod", VARIANTS[name])) if name in VARIANTS else recorded(name)


@pytest.mark.parametrize("name", [*SHIPPED, *VARIANTS])
def test_no_object_writes_what_a_controller_owns(name: str) -> None:
    objects = [r for r in run(name).resources if r.type.startswith("kubernetes:") and "helm.sh" not in r.type]
    assert objects
    scaled = {
        scaler.inputs["spec"]["scaleTargetRef"]["name"] for scaler in objects if scaler.type.endswith("PodAutoscaler")
    }
    for resource in objects:
        # The provider splits such a path at its dots, so one into a list protects nothing and looks as if it did.
        assert "ignoreChanges" not in resource.options, resource.name
        found = [path for path in paths(resource.inputs) if OWNED.fullmatch(path)]
        assert not found, (resource.name, found)
        for component in resource.inputs.get("spec", {}).get("components", []):
            adapter = f"{resource.inputs['metadata']['name']}-{component['name']}"
            assert ("replicas" not in component) is (adapter in scaled), adapter
            assert ("scalingAdapter" in component) is (adapter in scaled), adapter


@pytest.mark.parametrize("path", ["status.phase", "metadata.finalizers[0]", "spec.clusterIP", "spec.ports[0].nodePort"])
def test_the_rule_knows_such_a_field(path: str) -> None:
    assert OWNED.fullmatch(path)


@pytest.mark.parametrize("name", [*SHIPPED, *VARIANTS])
def test_images_are_not_streamed_from_a_registry_that_cannot(name: str) -> None:
    """GKE streams from Artifact Registry and takes the setting without a word wherever the images are."""
    assert "pkg.dev" not in IMAGES
    pools = [r.inputs for r in run(name).resources if r.type.endswith(":NodePool")]
    assert pools
    assert not [pool["name"] for pool in pools if "gcfsConfig" in pool["nodeConfig"]]
