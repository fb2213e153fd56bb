"""The rendered graph: what must be the same on both sides, what must differ, and what must not be there."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from catalog.models import card, card_names
from catalog.rdma import KvTransfer
from manifests import dgd
from manifests.graph import build
from tests.stacks import layouts, planned

DISAGGREGATED = ("single-node", "multi-node")


def rendered(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    plan = planned(changes)
    return build(plan.graphs[0], plan.labels).to_wire()


def component(graph: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [c for c in graph["spec"]["components"] if c["name"] == name]
    return found


def main(graph: dict[str, Any], name: str) -> dict[str, Any]:
    (container,) = component(graph, name)["podTemplate"]["spec"]["containers"]
    return container


def flags(graph: dict[str, Any], name: str) -> dict[str, str]:
    """The flags of a component by name; a switch has the value "on"."""
    found: dict[str, str] = {}
    for word in main(graph, name)["args"]:
        if word.startswith("--"):
            found[word[2:]] = "on"
        else:
            found[list(found)[-1]] = word
    return found


def env(graph: dict[str, Any], name: str) -> dict[str, Any]:
    return {var["name"]: var.get("value", var.get("valueFrom")) for var in main(graph, name)["env"]}


EVERY_PAIR = [(name, layout) for name in card_names() for layout in DISAGGREGATED if layout in layouts(name)]


@pytest.mark.parametrize(("model", "layout"), EVERY_PAIR)
def test_both_sides_agree_where_they_must(model: str, layout: str) -> None:
    graph = rendered({"models.chat": {"model": model, "layout": layout}})
    prefill, decode = flags(graph, "prefill"), flags(graph, "decode")
    same = ("model", "served-model-name", "max-model-len", "dtype", "kv-cache-dtype", "block-size")
    assert {flag: prefill[flag] for flag in same} == {flag: decode[flag] for flag in same}
    assert main(graph, "prefill")["image"] == main(graph, "decode")["image"]
    assert flags(graph, "frontend")["kv-cache-block-size"] == prefill["block-size"]
    assert int(decode["tensor-parallel-size"]) >= int(prefill["tensor-parallel-size"])


@pytest.mark.parametrize(("model", "layout"), EVERY_PAIR)
def test_the_kv_cache_has_a_producer_and_a_consumer(model: str, layout: str) -> None:
    graph = rendered({"models.chat": {"model": model, "layout": layout}})
    for role, side in (("prefill", "kv_producer"), ("decode", "kv_consumer")):
        assert flags(graph, role)["disaggregation-mode"] == role
        assert json.loads(flags(graph, role)["kv-transfer-config"]) == {
            "kv_connector": "NixlConnector",
            "kv_role": side,
        }
    assert json.loads(flags(graph, "prefill")["kv-events-config"])["enable_kv_cache_events"] is True
    assert "kv-events-config" not in flags(graph, "decode")


def test_both_sides_get_the_lease_of_the_kv_cache() -> None:
    graph = rendered({"models.chat.engine": {"kvLeaseSeconds": 90}})
    for role in ("prefill", "decode"):
        given = json.loads(flags(graph, role)["kv-transfer-config"])
        assert given["kv_connector_extra_config"] == {"kv_lease_duration": 90}


def test_a_lease_without_a_transfer_has_no_effect() -> None:
    said = "models.chat.engine.kvLeaseSeconds: has no effect, because no KV cache moves between engines"
    for layout in ("aggregated", "simulated"):
        plan = planned({"models.chat.layout": layout, "models.chat.engine": {"kvLeaseSeconds": 90}})
        assert said in plan.warnings
        assert "kv_lease" not in json.dumps(build(plan.graphs[0], plan.labels).to_wire())


@pytest.mark.parametrize("role", ["prefill", "decode"])
def test_a_worker_claims_one_nic_a_gpu(role: str) -> None:
    graph = rendered({"models.chat.layout": "single-node"})
    gpus = flags(graph, role)["tensor-parallel-size"]
    spec = component(graph, role)["podTemplate"]["spec"]
    assert main(graph, role)["resources"]["limits"] == {"nvidia.com/gpu": gpus}
    assert spec["resourceClaims"] == [{"name": "rdma", "resourceClaimTemplateName": f"rdma-{gpus}"}]
    assert main(graph, role)["resources"]["claims"] == [{"name": "rdma"}]
    assert main(graph, role)["securityContext"]["capabilities"]["add"] == ["IPC_LOCK", "SYS_RESOURCE"]
    assert env(graph, role)["UCX_IB_ROCE_REACHABILITY_MODE"] == "all"
    assert env(graph, role)["UCX_PROTO_EMULATION_ENABLE"] == "n"


def test_workers_on_gpus_are_root_and_gain_nothing() -> None:
    rdma, tcp = rendered(), rendered({"models.chat.kvTransfer": "tcp"})
    for role in ("prefill", "decode"):
        pinning = {"capabilities": {"add": ["IPC_LOCK", "SYS_RESOURCE"]}}
        assert main(tcp, role)["securityContext"] == {"runAsUser": 0, "allowPrivilegeEscalation": False}
        assert main(rdma, role)["securityContext"] == main(tcp, role)["securityContext"] | pinning


def test_every_other_container_of_a_graph_is_unprivileged() -> None:
    """No context of the pod: the operator then gives it the group that owns its volumes."""
    simulated = rendered({"models.chat.layout": "simulated"})
    for graph, role in ((rendered(), "frontend"), *((simulated, role) for role in ("frontend", "prefill", "decode"))):
        assert main(graph, role)["securityContext"] == {
            "runAsUser": 1000,
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert "securityContext" not in component(graph, role)["podTemplate"]["spec"]


@pytest.mark.parametrize("rdma", ["dranet", "dranetAuto", "multiNetwork", "none"])
@pytest.mark.parametrize("layout", DISAGGREGATED)
def test_kv_cache_over_tcp_takes_the_pod_network_and_nothing_else(rdma: str, layout: str) -> None:
    graph = rendered({"network.rdma": rdma, "models.chat.layout": layout, "models.chat.kvTransfer": "tcp"})
    for role in ("prefill", "decode"):
        pod = component(graph, role)["podTemplate"]
        assert env(graph, role)["UCX_TLS"] == "cuda_copy,tcp"
        assert env(graph, role)["UCX_PROTO_INFO"] == "remote memory read*"
        assert env(graph, role)["UCX_LOG_FILE"] == "stderr"
        # TCP cannot read by itself: UCX has to emulate it.
        assert "UCX_PROTO_EMULATION_ENABLE" not in env(graph, role)
        assert "UCX_IB_ROCE_REACHABILITY_MODE" not in env(graph, role)
        assert "resourceClaims" not in pod["spec"]
        assert "networking.gke.io/interfaces" not in pod["metadata"]["annotations"]
        assert main(graph, role)["resources"]["limits"].keys() == {"nvidia.com/gpu"}
        assert "claims" not in main(graph, role)["resources"]
        assert "capabilities" not in main(graph, role)["securityContext"]
        assert flags(graph, role)["kv-transfer-config"]


@pytest.mark.parametrize("layout", ["multi-node", "aggregated", "simulated"])
def test_clients_keep_their_name_for_the_model_when_it_is_swapped(layout: str) -> None:
    flag = "model-name" if layout == "simulated" else "served-model-name"
    roles = ("worker",) if layout == "aggregated" else ("prefill", "decode")
    for model in ("llama-3.3-70b-instruct", "qwen3-32b"):
        chat = {"model": model, "layout": layout}
        assert [flags(rendered({"models.chat": chat}), role)[flag] for role in roles] == [model] * len(roles)
        named = rendered({"models.chat": chat | {"servedName": "acme/chat-1"}})
        assert [flags(named, role)[flag] for role in roles] == ["acme/chat-1"] * len(roles)


@pytest.mark.parametrize("changes", [{}, {"models.chat.kvTransfer": "rdma"}])
def test_kv_cache_moves_by_rdma_unless_the_stack_says_tcp(changes: dict[str, Any]) -> None:
    assert rendered(changes) == rendered()
    assert planned(changes).graphs[0].kv_transfer is KvTransfer.RDMA
    assert planned({"models.chat.layout": "aggregated"}).graphs[0].kv_transfer is None


@pytest.mark.parametrize("layout", ["single-node", "multi-node", "aggregated", "simulated"])
def test_the_images_own_library_path_is_never_replaced(layout: str) -> None:
    graph = rendered({"models.chat.layout": layout})
    for c in graph["spec"]["components"]:
        assert {"LD_LIBRARY_PATH", "NIXL_PLUGIN_DIR", "UCX_NET_DEVICES", "UCX_TLS"}.isdisjoint(env(graph, c["name"]))


@pytest.mark.parametrize("layout", ["single-node", "multi-node", "aggregated"])
def test_an_update_needs_no_spare_node(layout: str) -> None:
    graph = rendered({"models.chat.layout": layout})
    workers = [c for c in graph["spec"]["components"] if c["type"] != "frontend"]
    for worker in workers:
        annotations = worker["podTemplate"]["metadata"]["annotations"]
        assert annotations["nvidia.com/deployment-rolling-update-max-surge"] == "0"
        assert annotations["nvidia.com/deployment-rolling-update-max-unavailable"] == "1"


@pytest.mark.parametrize("layout", ["single-node", "aggregated", "simulated"])
def test_all_engines_may_stop_whatever_their_number(layout: str) -> None:
    """A share, because another number of engines must not change the pods and so restart them."""
    graph = rendered({"models.chat.layout": layout, "models.chat.updateStrategy": "recreate"})
    for worker in (c for c in graph["spec"]["components"] if c["type"] != "frontend"):
        annotations = worker["podTemplate"]["metadata"]["annotations"]
        assert annotations["nvidia.com/deployment-rolling-update-max-surge"] == "0"
        assert annotations["nvidia.com/deployment-rolling-update-max-unavailable"] == "100%"


def test_the_default_strategy_changes_no_graph() -> None:
    assert rendered({"models.chat.updateStrategy": "rollingUpdate"}) == rendered()


def test_side_channel_is_on_the_pods_own_address() -> None:
    for role in DISAGGREGATED_ROLES:
        assert env(rendered(), role)["VLLM_NIXL_SIDE_CHANNEL_HOST"] == {"fieldRef": {"fieldPath": "status.podIP"}}


DISAGGREGATED_ROLES = ("prefill", "decode")


def test_roles_are_bound_to_their_pools() -> None:
    def pool(layout: str, name: str) -> str:
        spec = component(rendered({"models.chat.layout": layout}), name)["podTemplate"]["spec"]
        return spec["nodeSelector"]["cloud.google.com/gke-nodepool"]

    assert [pool("multi-node", name) for name in ("frontend", "prefill", "decode")] == ["system", "prefill", "decode"]
    assert [pool("single-node", name) for name in ("prefill", "decode")] == ["shared", "shared"]
    assert [pool("simulated", name) for name in ("prefill", "decode")] == ["system", "system"]


def test_an_aggregated_worker_moves_no_kv_cache() -> None:
    graph = rendered({"models.chat.layout": "aggregated"})
    assert [c["name"] for c in graph["spec"]["components"]] == ["frontend", "worker"]
    assert flags(graph, "worker")["disaggregation-mode"] == "agg"
    assert "kv-transfer-config" not in flags(graph, "worker")
    assert "kv-events-config" in flags(graph, "worker")
    assert "resourceClaims" not in component(graph, "worker")["podTemplate"]["spec"]


EVERY_GPU_LAYOUT = [(name, layout) for name in card_names() for layout in layouts(name) if layout != "simulated"]


@pytest.mark.parametrize(("model", "layout"), EVERY_GPU_LAYOUT)
def test_a_pinned_model_is_read_from_the_bucket_by_every_pod(model: str, layout: str) -> None:
    graph = rendered({"models.chat": {"model": model, "layout": layout}})
    for c in graph["spec"]["components"]:
        template, container = c["podTemplate"], main(graph, c["name"])
        assert template["metadata"]["annotations"]["gke-gcsfuse/volumes"] == "true"
        assert {"name": "weights", "mountPath": "/models", "readOnly": True} in container["volumeMounts"]
        assert template["spec"]["volumes"] == [
            {"name": "weights", "persistentVolumeClaim": {"claimName": "weights", "readOnly": True}},
            {"name": "gke-gcsfuse-cache", "emptyDir": {}},
        ]
        assert env(graph, c["name"])["HF_HUB_OFFLINE"] == "1"
        assert "HF_HOME" not in env(graph, c["name"])
        assert "envFrom" not in container
        if c["type"] != "frontend":
            given = flags(graph, c["name"])
            assert given["model"] == f"/models/{card(model).repository}/{card(model).revision}"
            assert given["served-model-name"] == model
            assert "revision" not in given


def from_hub(model: str, layout: str) -> dict[str, Any]:
    """The graph of a card without a revision; every card of the catalog has one."""
    plan = planned({"models.chat": {"model": model, "layout": layout}})
    (graph,) = plan.graphs
    unpinned = card(model).model_copy(update={"revision": None})
    return build(replace(graph, card=unpinned, reads_bucket=False), plan.labels).to_wire()


@pytest.mark.parametrize("layout", ["multi-node", "simulated"])
def test_without_a_pinned_revision_the_hub_is_asked(layout: str) -> None:
    graph = from_hub("llama-3.3-70b-instruct", layout)
    for c in graph["spec"]["components"]:
        assert env(graph, c["name"])["HF_HOME"] == "/model-cache"
        assert "HF_HUB_OFFLINE" not in env(graph, c["name"])
        assert main(graph, c["name"])["envFrom"] == [{"secretRef": {"name": "hf-token"}}]
        assert "gke-gcsfuse/volumes" not in c["podTemplate"].get("metadata", {}).get("annotations", {})
    model = flags(graph, "decode")["model" if layout == "multi-node" else "model-path"]
    assert model == "meta-llama/Llama-3.3-70B-Instruct"


@pytest.mark.parametrize("layout", ["multi-node", "aggregated", "simulated"])
def test_every_pod_of_a_graph_runs_as_its_own_account(layout: str) -> None:
    graph = rendered({"models.chat.layout": layout})
    accounts = {c["podTemplate"]["spec"]["serviceAccountName"] for c in graph["spec"]["components"]}
    assert accounts == {"chat-runtime"}


def test_only_a_gated_model_gets_the_token() -> None:
    assert "envFrom" not in main(from_hub("qwen3-32b", "multi-node"), "decode")
    assert "envFrom" not in main(rendered({"models.chat": {"model": "qwen3-32b", "layout": "simulated"}}), "decode")


def test_the_simulated_graph_has_the_same_roles_and_router() -> None:
    real, simulated = rendered(), rendered({"models.chat.layout": "simulated"})

    def shape(graph: dict[str, Any]) -> list[tuple[str, str]]:
        return [(c["name"], c["type"]) for c in graph["spec"]["components"]]

    assert shape(real) == shape(simulated)
    assert flags(simulated, "frontend")["router-mode"] == flags(real, "frontend")["router-mode"] == "kv"
    assert flags(simulated, "frontend")["kv-cache-block-size"] == flags(simulated, "decode")["block-size"]
    assert env(simulated, "decode")["DYN_EVENT_PLANE"] == "zmq"


def test_shared_memory_is_the_operators_to_mount() -> None:
    graph = rendered()
    assert component(graph, "prefill")["sharedMemorySize"] == "80Gi"
    assert all(v["name"] != "dshm" for v in component(graph, "prefill")["podTemplate"]["spec"]["volumes"])


def test_a_misspelt_field_cannot_be_written() -> None:
    wire = rendered()
    wire["spec"]["components"][1]["replica"] = 2
    with pytest.raises(ValidationError, match="replica"):
        dgd.DynamoGraphDeployment.from_wire(wire)


def test_frontends_come_in_twos_and_know_of_each_other() -> None:
    graph = rendered()
    assert component(graph, "frontend")["replicas"] == 2
    assert flags(graph, "frontend")["router-replica-sync"] == "on"
    (spread,) = component(graph, "frontend")["podTemplate"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    one = rendered({"models.chat.frontend": {"replicas": 1}})
    assert "router-replica-sync" not in flags(one, "frontend")
    assert component(rendered({"models.chat.layout": "simulated"}), "frontend")["replicas"] == 1


def test_only_a_scaled_role_has_an_adapter() -> None:
    graph = rendered({"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}})
    assert component(graph, "decode")["scalingAdapter"] == {}
    assert "replicas" not in component(graph, "decode"), "the autoscaler owns the number"
    assert "scalingAdapter" not in component(graph, "prefill")
    assert component(graph, "prefill")["replicas"] == 1


def test_a_card_may_have_its_weights_streamed() -> None:
    plan = planned()
    streamed = replace(plan.graphs[0], card=plan.graphs[0].card.model_copy(update={"loader": "runaiStreamer"}))
    graph = build(streamed, plan.labels).to_wire()
    assert [flags(graph, role)["load-format"] for role in DISAGGREGATED_ROLES] == ["runai_streamer"] * 2
    assert "load-format" not in flags(rendered(), "decode")
