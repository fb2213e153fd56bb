"""Rendered objects against schemas that are others': Dynamo's, GKE's and Kubernetes' own, unknown fields refused."""

import json
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from ops import manifests, stackfile
from ops.recording import record
from spec.models import card, card_names
from tests.stacks import ROOT, SHIPPED, recorded
from workloads.synced_token import provider_class

CRDS = ROOT.parent / "shared" / "reference" / "crds"
DGD_CRD = CRDS / "nvidia.com_dynamographdeployments.yaml"

needs_crds = pytest.mark.skipif(
    not DGD_CRD.is_file(), reason="the Dynamo CRDs are not beside this checkout (../shared/reference/crds)"
)

# The version that the cluster is created with.
KUBERNETES = "1.35"


def strict(schema: Any) -> Any:
    """An OpenAPI schema of a CRD as a JSON schema that refuses the fields it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    # Conditions (`oneOf` and its kind) name fields only to constrain them.
    conditions = ("oneOf", "anyOf", "allOf", "not")
    result = {key: value if key in conditions else strict(value) for key, value in schema.items()}
    named = "properties" in schema and "additionalProperties" not in schema
    if named and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return result


@cache
def dgd_validator() -> jsonschema.Draft202012Validator:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    crd = yaml.load(DGD_CRD.read_text(encoding="utf-8"), Loader=loader)
    (version,) = [v for v in crd["spec"]["versions"] if v["name"] == "v1beta1"]
    schema = version["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return jsonschema.Draft202012Validator(strict(schema))


def objects(stack: str) -> list[dict[str, Any]]:
    return manifests.objects(recorded(stack))


def graph_of(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (graph,) = [o for o in objects if o["kind"] == "DynamoGraphDeployment"]
    return graph


EVERY_LAYOUT = [(name, layout) for name in card_names() for layout in card(name).layouts]


@needs_crds
@pytest.mark.parametrize(("model", "layout"), EVERY_LAYOUT)
def test_every_graph_is_what_the_crd_takes(model: str, layout: str) -> None:
    from spec.graph import build
    from tests.stacks import planned

    plan = planned({"models.chat": {"model": model, "layout": layout}})
    dgd_validator().validate(build(plan.graphs[0], plan.labels).to_wire())


@needs_crds
@pytest.mark.parametrize("stack", SHIPPED)
def test_the_graph_as_sent_is_what_the_crd_takes(stack: str) -> None:
    dgd_validator().validate(graph_of(objects(stack)))


@needs_crds
@pytest.mark.parametrize(
    "path",
    [
        "spec",
        "spec.components.1",
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
    with pytest.raises(jsonschema.ValidationError, match="unheardOf"):
        dgd_validator().validate(broken)


OTHERS = (
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
    for manifest in core:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_pods_of_a_graph_are_pods(stack: str) -> None:
    for component in graph_of(objects(stack))["spec"]["components"]:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": component["podTemplate"]["spec"]}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_an_unheard_of_field_of_a_pod_is_refused() -> None:
    spec = deepcopy(graph_of(objects("prod"))["spec"]["components"][1]["podTemplate"]["spec"])
    spec["containers"][0]["resource"] = {}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


SCHEMAS = ROOT.parent / "shared" / "reference" / "gke" / "schemas"
GKE_KINDS = {
    "Gateway": "gateway.networking.k8s.io__gateway_v1.json",
    "HTTPRoute": "gateway.networking.k8s.io__httproute_v1.json",
    "GCPBackendPolicy": "networking.gke.io__gcpbackendpolicy_v1.json",
    "HealthCheckPolicy": "networking.gke.io__healthcheckpolicy_v1.json",
    "GKENetworkParamSet": "networking.gke.io__gkenetworkparamset_v1.json",
    "Network": "networking.gke.io__network_v1.json",
    "PodMonitoring": "monitoring.googleapis.com__podmonitoring_v1.json",
    "SecretSync": "secret-sync.gke.io__secretsync_v1.json",
}

WITH_GATEWAY = [
    "endpoint.exposure=gateway",
    "endpoint.domain=llm.example.com",
    "endpoint.allowedCidrs[0]=203.0.113.0/24",
]
NETWORKS_BY_NAME = "network.rdma=multiNetwork"


WITH_SECRET_MANAGER = ["secrets.store=secretManager"]

needs_gke_schemas = pytest.mark.skipif(
    not SCHEMAS.is_dir(), reason="GKE's schemas are not beside this checkout (../shared/reference/gke)"
)


def gke_validator(kind: str) -> jsonschema.Draft202012Validator:
    schema = strict(json.loads((SCHEMAS / GKE_KINDS[kind]).read_text(encoding="utf-8")))
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft202012Validator(schema)


@needs_gke_schemas
@pytest.mark.parametrize("kind", GKE_KINDS)
def test_gkes_own_kinds(kind: str) -> None:
    overrides = [*WITH_GATEWAY, *WITH_SECRET_MANAGER, NETWORKS_BY_NAME]
    found = manifests.objects(record(ROOT, stackfile.read(ROOT, "prod", overrides)))
    of_kind = [m for m in found if m["kind"] == kind]
    assert of_kind
    for manifest in of_kind:
        gke_validator(kind).validate(manifest)


@needs_crds
def test_a_graph_that_names_its_networks_is_what_crd_and_kubernetes_take() -> None:
    graph = graph_of(manifests.objects(record(ROOT, stackfile.read(ROOT, "prod", [NETWORKS_BY_NAME]))))
    dgd_validator().validate(graph)
    for component in graph["spec"]["components"]:
        template = component["podTemplate"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", **template["metadata"]}}
        kubernetes_validate.validate(pod | {"spec": template["spec"]}, KUBERNETES, strict=True)


@needs_gke_schemas
@pytest.mark.parametrize(("kind", "path"), [("Network", "parametersRef"), ("GKENetworkParamSet", "")])
def test_the_contract_of_networks_refuses_an_unknown_field(kind: str, path: str) -> None:
    found = manifests.objects(record(ROOT, stackfile.read(ROOT, "prod", [NETWORKS_BY_NAME])))
    broken = deepcopy(next(o for o in found if o["kind"] == kind))
    (broken["spec"][path] if path else broken["spec"])["unheardOf"] = 1
    with pytest.raises(jsonschema.ValidationError, match="unheardOf"):
        gke_validator(kind).validate(broken)


@needs_gke_schemas
def test_a_secret_is_synced_as_gkes_own_sample_does_it() -> None:
    """There is no schema for a SecretProviderClass: the sample is what there is to hold it against."""
    sample, _ = yaml.safe_load_all((SCHEMAS.parent / "secrets.yaml").read_text(encoding="utf-8"))
    made = provider_class("PROJECT", "dynamo", "hf-token", {})
    assert {key: made[key] for key in ("apiVersion", "kind")} == {key: sample[key] for key in ("apiVersion", "kind")}
    assert made["spec"]["provider"] == sample["spec"]["provider"]
    given, wanted = (yaml.safe_load(m["spec"]["parameters"]["secrets"]) for m in (made, sample))
    assert given == wanted


@needs_gke_schemas
@pytest.mark.parametrize("path", ["spec", "spec.selector", "spec.endpoints.0", "spec.targetLabels.fromPod.0"])
def test_the_contract_of_collection_refuses_an_unknown_field(path: str) -> None:
    broken = deepcopy(next(o for o in objects("prod") if o["kind"] == "PodMonitoring"))
    block: Any = broken
    for part in path.split("."):
        block = block[int(part)] if part.isdigit() else block[part]
    block["unheardOf"] = 1
    with pytest.raises(jsonschema.ValidationError, match="unheardOf"):
        gke_validator("PodMonitoring").validate(broken)


@needs_crds
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
    dgd_validator().validate(graph_of(manifests.objects(record(ROOT, config))))
