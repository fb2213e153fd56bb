"""Rendered objects against the fields of Dynamo's, GKE's and Kubernetes' own kinds; unknown fields are refused."""

from copy import deepcopy
from functools import cache
from typing import Any

import kubernetes_validate
import pytest
import yaml

from catalog.models import card_names
from manifests import manifest_schema
from ops.offline import stackfile
from ops.offline.recording import record
from ops.report import objects as manifests
from tests import strict
from tests.stacks import ROOT, SHIPPED, layouts, recorded
from workloads.synced_token import provider_class


def refused(manifest: dict[str, Any]) -> list[str]:
    """What the kind's table says against the manifest; the table must be there."""
    assert manifest_schema.has_table(manifest["apiVersion"], manifest["kind"])
    return list(manifest_schema.errors(manifest))


def objects(stack: str) -> list[dict[str, Any]]:
    return manifests.objects(recorded(stack))


def graph_of(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (graph,) = [o for o in objects if o["kind"] == "DynamoGraphDeployment"]
    return graph


EVERY_LAYOUT = [(name, layout) for name in card_names() for layout in layouts(name)]


@pytest.mark.parametrize(("model", "layout"), EVERY_LAYOUT)
def test_every_graph_is_what_the_crd_takes(model: str, layout: str) -> None:
    from manifests.graph import build
    from tests.stacks import planned

    plan = planned({"models.chat": {"model": model, "layout": layout}})
    assert refused(build(plan.graphs[0], plan.labels).to_wire()) == []


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_graph_as_sent_is_what_the_crd_takes(stack: str) -> None:
    assert refused(graph_of(objects(stack))) == []


@pytest.mark.parametrize(
    "path",
    [
        "metadata",
        "spec",
        "spec.components.1",
        "spec.components.1.podTemplate.metadata",
        "spec.components.1.podTemplate.spec",
        "spec.components.1.podTemplate.spec.containers.0",
    ],
)
def test_the_contract_refuses_an_unknown_field(path: str) -> None:
    broken = deepcopy(graph_of(objects("prod")))
    block: Any = broken
    for part in path.split("."):
        block = block[int(part)] if part.isdigit() else block[part]
    block["unheardOf"] = 1
    (error,) = refused(broken)
    assert "unheardOf" in error


OTHERS = (
    "secret-sync.gke.io",
    "secrets-store.csi.x-k8s.io",
    "nvidia.com",
    "autoscaling.gke.io",
    "gateway.networking.k8s.io",
    "monitoring.googleapis.com",
    "networking.gke.io",
)


@pytest.mark.parametrize("stack", SHIPPED)
def test_kubernetes_own_objects(stack: str) -> None:
    core = [o for o in objects(stack) if o["apiVersion"].partition("/")[0] not in OTHERS]
    assert core
    assert strict.errors(core) == []


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_pods_of_a_graph_are_pods(stack: str) -> None:
    assert strict.errors([graph_of(objects(stack))]) == []


def test_an_unheard_of_field_of_a_pod_is_refused() -> None:
    spec = deepcopy(graph_of(objects("prod"))["spec"]["components"][1]["podTemplate"]["spec"])
    spec["containers"][0]["resource"] = {}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, strict.KUBERNETES, strict=True)


WITH_GATEWAY = [
    "endpoint.exposure=gateway",
    "endpoint.domain=llm.example.com",
    "endpoint.allowedCidrs[0]=203.0.113.0/24",
]
NETWORKS_BY_NAME = "network.rdma=multiNetwork"


WITH_SECRET_MANAGER = ["secrets.store=secretManager"]


@cache
def with_everything() -> list[dict[str, Any]]:
    """What prod renders with every block that brings a kind of its own."""
    scaled = ["models.chat.autoscaling.decode.min=1", "models.chat.autoscaling.decode.max=2"]
    overrides = [*WITH_GATEWAY, *WITH_SECRET_MANAGER, NETWORKS_BY_NAME, *scaled]
    return manifests.objects(record(ROOT, stackfile.read(ROOT, "prod", overrides)))


def test_every_custom_resource_has_a_table_or_a_reason() -> None:
    custom = [m for m in with_everything() if m["apiVersion"].partition("/")[0] in OTHERS]
    rendered = {manifest_schema.file_name(m["apiVersion"], m["kind"]) for m in custom}
    assert rendered == set(manifest_schema.RENDERED)
    assert {path.name for path in manifest_schema.FOLDER.glob("*.json")} == manifest_schema.TABLES
    for manifest in custom:
        assert list(manifest_schema.errors(manifest)) == []


def test_a_graph_that_names_its_networks_is_what_crd_and_kubernetes_take() -> None:
    graph = graph_of(manifests.objects(record(ROOT, stackfile.read(ROOT, "prod", [NETWORKS_BY_NAME]))))
    assert refused(graph) == []
    assert strict.errors([graph]) == []


@pytest.mark.parametrize(("kind", "path"), [("Network", "parametersRef"), ("GKENetworkParamSet", "")])
def test_the_contract_of_networks_refuses_an_unknown_field(kind: str, path: str) -> None:
    found = manifests.objects(record(ROOT, stackfile.read(ROOT, "prod", [NETWORKS_BY_NAME])))
    broken = deepcopy(next(o for o in found if o["kind"] == kind))
    (broken["spec"][path] if path else broken["spec"])["unheardOf"] = 1
    (error,) = refused(broken)
    assert "unheardOf" in error


def test_a_secret_is_synced_as_gkes_own_sample_does_it() -> None:
    """There is no schema of a SecretProviderClass: these keys are those of the sample in GKE's guide."""
    made = provider_class("PROJECT", "dynamo", "hf-token", {})
    assert (made["apiVersion"], made["kind"]) == ("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass")
    assert made["spec"]["provider"] == "gke"
    (entry,) = yaml.safe_load(made["spec"]["parameters"]["secrets"])
    assert entry == {"resourceName": "projects/PROJECT/secrets/hf-token/versions/latest", "path": "HF_TOKEN"}


@pytest.mark.parametrize("path", ["spec", "spec.selector", "spec.endpoints.0", "spec.targetLabels.fromPod.0"])
def test_the_contract_of_collection_refuses_an_unknown_field(path: str) -> None:
    broken = deepcopy(next(o for o in objects("prod") if o["kind"] == "PodMonitoring"))
    block: Any = broken
    for part in path.split("."):
        block = block[int(part)] if part.isdigit() else block[part]
    block["unheardOf"] = 1
    (error,) = refused(broken)
    assert "unheardOf" in error


def test_overridden_engines_are_still_what_the_crd_takes() -> None:
    config = stackfile.read(
        ROOT,
        "prod",
        [
            "models.chat.engine.kvCacheDtype=fp8",
            "models.chat.prefill.replicas=3",
            "endpoint.exposure=none",
            "models.chat.autoscaling.decode.min=1",
            "models.chat.autoscaling.decode.max=2",
        ],
    )
    assert refused(graph_of(manifests.objects(record(ROOT, config)))) == []
