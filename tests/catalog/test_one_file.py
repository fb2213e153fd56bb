"""Adding a machine, an engine or a model card is one file, a capacity or RDMA mode one file and one line.

Each test puts a made-up item into a copy of the program, changes nothing else, and previews a stack that uses it. The
items differ from those of the catalog in every field, so whatever falls back to one of ours shows.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.catalog.tree import Preview, add, add_line, add_mode, copy, preview

MACHINE = ("q2-quadgpu-4g.yaml", "catalog/machines/q2-quadgpu-4g.yaml")
ENGINE = ("forge.py", "catalog/engines/forge.py")
FLAGS = (("forge.json", "catalog/engines/flags/forge.json"), ("forge.yaml", "catalog/engines/flags/forge.yaml"))
CARD = ("lark-9b.yaml", "catalog/models/lark-9b.yaml")

PROJECT = {
    "gcp:project": "my-project",
    "location": {"region": "asia-northeast1", "zone": "asia-northeast1-b"},
    "labels": {"owner": "ml-platform", "costCenter": "1234"},
}
OURS = {**PROJECT, "location": {"region": "europe-west1", "zone": "europe-west1-b"}}
CHAT: dict[str, Any] = {
    "model": "qwen3-32b",
    "layout": "multi-node",
    "prefill": {"replicas": 2, "tensorParallel": 2},
    "decode": {"replicas": 1, "tensorParallel": 4},
}
# Forgives what a production environment does not: budgets, and what the stack leaves out on purpose.
POLICIES = {"gpu-budget": {"nodes": 9, "dollarsPerHour": 9000}}

# What a stack on other machines shows nothing of, and one with another engine.
OUR_MACHINES = re.compile(r"h200|a3-?ultra|vpc-roce|hyperdisk-balanced|n[vV]idia-", re.IGNORECASE)
OUR_ENGINE = re.compile(r"vllm", re.IGNORECASE)


def without_policies(shown: Preview) -> str:
    """The preview's text but for the rules, which are the same for every stack."""
    return json.dumps({key: value for key, value in shown.shown.items() if key not in ("policies", "rules")})


@pytest.fixture(scope="module")
def on_made_up_machines(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    folder = copy(tmp_path_factory.mktemp("machine"))
    add(folder, *MACHINE)
    capacity = {"machine": "q2-quadgpu-4g", "mode": "spot"}
    return preview(folder, {**PROJECT, "capacity": capacity, "models": {"chat": CHAT}}, POLICIES)


def test_pools_are_of_the_machine(on_made_up_machines: Preview) -> None:
    nodes = {pool["name"]: pool["nodes"] for pool in on_made_up_machines.plan["pools"]}
    assert nodes == {"system": 3, "prefill": 1, "decode": 1}
    pool = on_made_up_machines.one(":NodePool", "prefill-pool")
    config = pool["nodeConfig"]
    assert config["machineType"] == "q2-quadgpu-4g"
    assert (config["bootDisk"]["diskType"], config["bootDisk"]["sizeGb"]) == ("hyperdisk-throughput", 321)
    (gpus,) = config["guestAccelerators"]
    assert (gpus["type"], gpus["count"]) == ("acme-quark-96gb", 4)
    assert config["ephemeralStorageLocalSsdConfig"]["localSsdCount"] == 6
    assert len(pool["networkConfig"]["additionalNodeNetworkConfigs"]) == 8


def test_a_new_cluster_gets_a_version_with_the_machine(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    add(folder, *MACHINE)
    add_line(folder, MACHINE[1], "minGke: 1.35.7-gke.4242001", "minGke: 1.36.9-gke.4242001")
    shown = preview(
        folder,
        {**PROJECT, "capacity": {"machine": "q2-quadgpu-4g", "mode": "spot"}, "models": {"chat": CHAT}},
        POLICIES,
    )
    asked = "\n".join(shown.plan["preflight"]["questions"])
    assert "offers 1.36.x in channel REGULAR and the cluster, new or existing, runs 1.36.9-gke.4242001" in asked


def test_networks_are_of_the_machines_nics(on_made_up_machines: Preview) -> None:
    names = {r["name"] for r in on_made_up_machines.shown["resources"] if r["name"].startswith("rdma-")}
    assert {f"rdma-rail-{n}" for n in range(8)} <= names
    assert not [name for name in names if name == "rdma-rail-8" or "gvnic" in name]
    network = on_made_up_machines.one("network:Network", "rdma-roce")
    assert network["networkProfile"].endswith("asia-northeast1-b-vpc-quark")
    assert network["mtu"] == 4242


def test_workers_ask_for_their_share_of_the_machine(on_made_up_machines: Preview) -> None:
    for role, gpus in (("prefill", 2), ("decode", 4)):
        resources = on_made_up_machines.container("chat", role)["resources"]
        assert resources["limits"]["nvidia.com/gpu"] == str(gpus)
        assert resources["requests"] == {"cpu": str(11 * gpus), "memory": f"{77 * gpus}Gi"}
    counts = {
        template["metadata"]["name"]: template["spec"]["spec"]["devices"]["requests"][0]["exactly"]["count"]
        for template in on_made_up_machines.resources(":ResourceClaimTemplate")
    }
    assert counts == {"rdma-4": 4, "rdma-8": 8}


def test_only_workers_run_on_the_machines_architecture(on_made_up_machines: Preview) -> None:
    worker = on_made_up_machines.worker("chat", "prefill")["podTemplate"]["spec"]
    assert {t["key"] for t in worker["tolerations"]} >= {"nvidia.com/gpu", "kubernetes.io/arch"}
    frontend = on_made_up_machines.worker("chat", "frontend")["podTemplate"]["spec"]
    assert not frontend.get("tolerations")


def test_checks_ask_for_the_machine(on_made_up_machines: Preview) -> None:
    asked = "\n".join(on_made_up_machines.plan["preflight"]["questions"])
    assert "asia-northeast1-b offers q2-quadgpu-4g" in asked
    assert "asia-northeast1-b-vpc-quark" in asked
    assert "PREEMPTIBLE-QUARK-per-project-region in asia-northeast1 is 8 or more" in asked
    assert "1.35.7-gke.4242001" in asked


def test_cost_is_the_machines(on_made_up_machines: Preview) -> None:
    costs = {cost["what"]: cost["usdPerHourUpperBound"] for cost in on_made_up_machines.plan["costs"]}
    assert costs["prefill: 1 × q2-quadgpu-4g"] == 7.77


def test_nothing_falls_back_to_our_machines(on_made_up_machines: Preview) -> None:
    assert set(OUR_MACHINES.findall(without_policies(on_made_up_machines))) <= set()


def test_policies_judge_the_machine(on_made_up_machines: Preview, tmp_path: Path) -> None:
    assert on_made_up_machines.shown["policies"] == []
    folder = copy(tmp_path)
    add(folder, *MACHINE)
    capacity = {"machine": "q2-quadgpu-4g", "mode": "spot"}
    poor = preview(
        folder,
        {**PROJECT, "capacity": capacity, "models": {"chat": CHAT}},
        {"gpu-budget": {"nodes": 2, "dollarsPerHour": 15}},
    )
    (violation,) = poor.shown["policies"]
    assert violation["policy"] == "gpu-budget"
    assert "15.54" in violation["message"]


def test_a_cpu_machine_is_judged_as_one(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    add(folder, "y9z-standard-12.yaml", "catalog/machines/y9z-standard-12.yaml")
    shown = preview(
        folder,
        {
            **OURS,
            "capacity": {"machine": "a3-ultragpu-8g", "mode": "spot"},
            "cluster": {"systemPool": {"machine": "y9z-standard-12"}},
            "models": {"chat": {**CHAT, "prefill": {"replicas": 1, "tensorParallel": 2}}},
        },
        {"gpu-budget": {"nodes": 2, "dollarsPerHour": 9000}},
    )
    assert shown.one(":NodePool", "system-pool")["nodeConfig"]["machineType"] == "y9z-standard-12"
    assert {cost["usdPerHour"] for cost in shown.plan["costs"] if "y9z" in cost["what"]} == {1.83}
    assert shown.shown["policies"] == []


def test_a_machine_without_rdma_serves_over_tcp(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    add(folder, "n0-lonegpu-1g.yaml", "catalog/machines/n0-lonegpu-1g.yaml")
    small = {
        "model": "qwen3-0.6b",
        "layout": "multi-node",
        "prefill": {"replicas": 1, "tensorParallel": 1},
        "decode": {"replicas": 2, "tensorParallel": 1},
    }
    capacity = {"machine": "n0-lonegpu-1g", "mode": "spot"}
    stack = {**PROJECT, "capacity": capacity, "models": {"chat": small}}
    refused = preview(folder, stack, POLICIES, fails=True)
    assert {error["path"] for error in refused.shown["faults"]} <= {"network.rdma", "models.chat.kvTransfer"}
    shown = preview(folder, {**stack, "models": {"chat": {**small, "kvTransfer": "tcp"}}}, POLICIES)
    assert {pool["name"]: pool["nodes"] for pool in shown.plan["pools"]} == {"system": 3, "prefill": 1, "decode": 2}
    pool = shown.one(":NodePool", "decode-pool")
    assert not pool["networkConfig"].get("additionalNodeNetworkConfigs")
    assert not list(shown.resources(":ResourceClaimTemplate"))
    job = shown.one(":Job", "chat-proof-job")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert job[job.index("--transport") + 1] == "tcp"
    assert shown.shown["policies"] == []
    assert set(OUR_MACHINES.findall(without_policies(shown))) == set()


@pytest.fixture(scope="module")
def with_made_up_engine(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    folder = copy(tmp_path_factory.mktemp("engine"))
    add(folder, *ENGINE)
    chat = {
        **CHAT,
        "prefill": {"tensorParallel": 4},
        "engine": {"name": "forge"},
        "autoscaling": {"prefill": {"min": 1, "max": 2}, "decode": {"min": 1, "max": 2}},
    }
    del chat["decode"]
    capacity = {"mode": "spot"}
    return preview(folder, {**OURS, "capacity": capacity, "models": {"chat": chat}}, POLICIES)


def test_workers_run_the_engine(with_made_up_engine: Preview) -> None:
    prefill, decode = (with_made_up_engine.container("chat", role) for role in ("prefill", "decode"))
    for container, role in ((prefill, "prefill"), (decode, "decode")):
        assert container["image"].startswith("registry.example.com/acme/forge:")
        assert container["command"] == ["python3", "-m", "acme.forge"]
        assert container["args"][-2:] == ["--shuttle", role]
        (host,) = [e for e in container["env"] if e["name"] == "FORGE_HOST"]
        assert host["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
    assert prefill["args"][prefill["args"].index("--shards") + 1] == "4"
    frontend = with_made_up_engine.container("chat", "frontend")["args"]
    assert frontend[frontend.index("--kv-cache-block-size") + 1] == "48"
    assert "backendFramework" not in with_made_up_engine.one("DynamoGraphDeployment", "chat-graph")["spec"]


def test_metrics_are_the_engines(with_made_up_engine: Preview) -> None:
    tiles = json.dumps(list(with_made_up_engine.resources(":Dashboard")))
    assert "forge:shuttle_bytes_total" in tiles
    assert "forge:waiting" in tiles
    alerts = json.dumps(list(with_made_up_engine.resources(":AlertPolicy")))
    assert "forge:shuttle_lost_total" in alerts
    ports = json.dumps(list(with_made_up_engine.resources(":PodMonitoring")))
    assert "7070" in ports


def test_autoscalers_go_by_the_engines_signals(with_made_up_engine: Preview) -> None:
    scalers = json.dumps(list(with_made_up_engine.resources(":HorizontalPodAutoscaler")))
    assert "forge-waiting" in scalers
    assert "forge-cache" in scalers


def test_verification_goes_by_the_engines_evidence(with_made_up_engine: Preview) -> None:
    job = with_made_up_engine.one(":Job", "chat-proof-job")
    asked = json.dumps(job["spec"]["template"]["spec"]["containers"][0]["args"])
    assert "forge:shuttles_total" in asked
    assert "7070" in asked


def test_policies_know_the_engine(with_made_up_engine: Preview) -> None:
    assert with_made_up_engine.shown["policies"] == []


def test_nothing_falls_back_to_our_engine(with_made_up_engine: Preview) -> None:
    shown = [
        resource
        for resource in with_made_up_engine.shown["resources"]
        if not resource["type"].endswith((":ConfigMap", ":ValidatingAdmissionPolicy"))
    ]
    assert set(OUR_ENGINE.findall(json.dumps(shown))) == set()


def test_a_flag_of_another_engine_is_refused(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    add(folder, *ENGINE)
    chat = {**CHAT, "prefill": {"tensorParallel": 4}, "engine": {"name": "forge", "extraArgs": ["--enforce-eager"]}}
    shown = preview(folder, {**OURS, "capacity": {"mode": "spot"}, "models": {"chat": chat}}, POLICIES, fails=True)
    assert [error["path"] for error in shown.shown["faults"]] == ["models.chat.engine.extraArgs"]


LARK = {
    **PROJECT,
    "capacity": {"machine": "q2-quadgpu-4g", "mode": "spot"},
    "models": {"lark": {"model": "lark-9b", "layout": "single-node", "engine": {"name": "forge"}}},
}


@pytest.fixture(scope="module")
def of_made_up_model(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    folder = copy(tmp_path_factory.mktemp("model"))
    for item in (CARD, MACHINE, ENGINE, *FLAGS):
        add(folder, *item)
    return preview(folder, LARK, POLICIES)


def test_layouts_of_a_card_are_derived_for_the_machine(of_made_up_model: Preview) -> None:
    (pool,) = [pool for pool in of_made_up_model.plan["pools"] if pool["name"] != "system"]
    assert (pool["nodes"], pool["gpus"]) == (1, 4)
    roles = of_made_up_model.plan["graphs"]["lark"]["roles"]
    assert 0 < sum(role["gpus"] for role in roles.values()) <= 4
    assert roles.keys() == {"prefill", "decode"}


def test_a_cards_engine_arguments_are_rendered(of_made_up_model: Preview) -> None:
    args = of_made_up_model.container("lark", "decode")["args"]
    assert args[args.index("--lark-mode") + 1] == "soar"
    assert of_made_up_model.shown["policies"] == []


def test_a_cards_arguments_for_an_engine_without_a_table_are_refused(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    for item in (CARD, MACHINE, ENGINE):
        add(folder, *item)
    (fault,) = preview(folder, LARK, POLICIES, fails=True).shown["faults"]
    assert fault["path"] == "catalog/models/lark-9b.yaml: engineArgs.forge"
    assert "Forge has no table of flags" in fault["message"]


def test_a_made_up_stack_is_ours_in_nothing(of_made_up_model: Preview) -> None:
    shown = [
        resource
        for resource in of_made_up_model.shown["resources"]
        if not resource["type"].endswith((":ConfigMap", ":ValidatingAdmissionPolicy"))
    ]
    text = json.dumps([shown, of_made_up_model.plan, of_made_up_model.shown["outputs"]])
    assert set(OUR_MACHINES.findall(text)) | set(OUR_ENGINE.findall(text)) == set()


def test_a_capacity_mode_is_one_file_and_one_line(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    add(folder, *MACHINE)
    add_mode(folder, "capacity", "calendar_mode", "Calendar")
    capacity = {"machine": "q2-quadgpu-4g", "mode": "calendar", "week": 7}
    shown = preview(
        folder,
        {**PROJECT, "capacity": capacity, "models": {"chat": CHAT}},
        {**POLICIES, "capacity-mode": {"allowed": ["calendar"]}},
    )
    pool = shown.one(":NodePool", "decode-pool")
    assert pool["nodeConfig"]["maxRunDuration"] == "604807s"
    assert "calendar" in pool["nodeConfig"]["resourceLabels"].values()
    assert not pool["nodeConfig"].get("spot")
    assert "CALENDAR-QUARK-per-project-region" in "\n".join(shown.plan["preflight"]["questions"])
    assert {cost["usdPerHour"] for cost in shown.plan["costs"] if "quadgpu" in cost["what"]} == {5.55}
    assert shown.shown["policies"] == []
    forbidden = preview(
        folder,
        {**PROJECT, "capacity": capacity, "models": {"chat": CHAT}},
        {**POLICIES, "capacity-mode": {"allowed": ["spot"]}},
    )
    assert {violation["policy"] for violation in forbidden.shown["policies"]} == {"capacity-mode"}


def in_rdma_mode(folder: Path, mode: str) -> Preview:
    """A stack on made-up machines in a made-up RDMA mode."""
    add(folder, *MACHINE)
    add_mode(folder, "rdma", mode, mode.capitalize())
    settings = {
        **PROJECT,
        "network": {"rdma": mode},
        "capacity": {"machine": "q2-quadgpu-4g", "mode": "spot"},
        "models": {"chat": CHAT},
    }
    return preview(folder, settings, POLICIES)


def test_an_rdma_mode_is_one_file_and_one_line(tmp_path: Path) -> None:
    shown = in_rdma_mode(copy(tmp_path), "fabric")
    assert shown.one(":NodePool", "decode-pool")["nodeConfig"]["labels"]["example.com/fabric"] == "on"
    for template in shown.resources(":ResourceClaimTemplate"):
        (request,) = template["spec"]["spec"]["devices"]["requests"]
        assert request["exactly"]["deviceClassName"] == "fabric.example.com"
    security = shown.container("chat", "decode")["securityContext"]
    assert security["capabilities"]["add"] == ["SYS_NICE"]
    assert "1.36.2-gke.4711000" in "\n".join(shown.plan["preflight"]["questions"])
    assert shown.shown["policies"] == []


def test_policies_ask_the_rdma_mode_how_pods_get_nics(tmp_path: Path) -> None:
    shown = in_rdma_mode(copy(tmp_path), "weave")
    limits = shown.container("chat", "prefill")["resources"]["limits"]
    assert [limits[f"weave.example/nic-{nic}"] for nic in range(4)] == ["1"] * 4
    assert "roles/weave.agent" in {grant["role"] for grant in shown.resources(":IAMMember")}
    assert shown.shown["policies"] == []
