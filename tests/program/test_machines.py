"""The whole program on machines that differ from the shipped ones in every field: nothing falls back to those."""

from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.mocks import MockCallArgs

from ops.offline.canned_answers import GET_CLUSTER, Answers, Canned
from ops.offline.recorded import UNKNOWN, ProgramFailed, Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from planning.preflight import checks
from planning.preflight.quota import QuotaSufficient
from planning.preflight.reservation import ReservationFree
from settings.stack_config import StackConfig
from tests.made_up_machines import FOUR_GPUS, made_up_machines
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, config, errors, planned

__all__ = ["made_up_machines"]
pytestmark = pytest.mark.usefixtures("made_up_machines")

QUAD: dict[str, Any] = {
    "location": {"region": "us-west1", "zone": "us-west1-a"},
    "capacity": {"machine": "x1-quad", "mode": "onDemand"},
    "models.chat": {
        "model": "qwen3-32b",
        "layout": "multi-node",
        "prefill": {"tensorParallel": 4, "replicas": 1},
        "decode": {"tensorParallel": 4, "replicas": 1},
    },
    "labels": {"owner": "ml-platform", "costCenter": "1234"},
}
SINGLE: dict[str, Any] = {
    "location": {"region": "us-west1", "zone": "us-west1-a"},
    "capacity": {"machine": "y1-single", "mode": "spot"},
    "models.chat": {
        "model": "qwen3-0.6b",
        "layout": "multi-node",
        "prefill": {"tensorParallel": 1, "replicas": 1},
        "decode": {"tensorParallel": 1, "replicas": 1},
        "kvTransfer": "tcp",
    },
    "labels": {"owner": "ml-platform", "costCenter": "1234"},
}


def recorded(changes: dict[str, Any]) -> Recording:
    return record(ROOT, config(changes))


def gpu_nodes(recording: Recording) -> dict[str, dict[str, Any]]:
    pools = of_type(recording, ":NodePool")
    return {pool.inputs["name"]: pool.inputs for pool in pools if "guestAccelerators" in pool.inputs["nodeConfig"]}


def pods(recording: Recording) -> dict[str, dict[str, Any]]:
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    return {c["name"]: c["podTemplate"]["spec"] for c in graph.inputs["spec"]["components"]}


def test_pools_and_their_networks_are_those_of_the_machine() -> None:
    recording = recorded(QUAD)
    nodes = gpu_nodes(recording)
    assert set(nodes) == {"prefill", "decode"}
    for pool in nodes.values():
        node = pool["nodeConfig"]
        assert (node["machineType"], node["bootDisk"]) == ("x1-quad", {"diskType": "hyperdisk-extreme", "sizeGb": 333})
        assert [(gpu["type"], gpu["count"]) for gpu in node["guestAccelerators"]] == [("example-x1", 4)]
        assert "ephemeralStorageLocalSsdConfig" not in node
        assert "placementPolicy" not in pool
        assert len(pool["networkConfig"]["additionalNodeNetworkConfigs"]) == 3
    (roce,) = (r.inputs for r in of_type(recording, ":Network") if r.inputs.get("networkProfile"))
    assert (roce["networkProfile"].rpartition("/")[2], roce["mtu"]) == ("us-west1-a-vpc-example", 4000)
    assert [r.name for r in of_type(recording, ":Subnetwork") if "gvnic" in r.name] == []


def test_pods_ask_for_what_the_machine_has() -> None:
    recording = recorded(QUAD)
    workers = {name: pod for name, pod in pods(recording).items() if name != "frontend"}
    for name, pod in workers.items():
        (container,) = pod["containers"]
        assert pod["nodeSelector"] == {
            "cloud.google.com/gke-nodepool": name,
            "cloud.google.com/gke-accelerator": "example-x1",
            "kubernetes.io/arch": "arm64",
        }
        assert [taint["key"] for taint in pod["tolerations"]] == ["nvidia.com/gpu", "kubernetes.io/arch"]
        assert container["resources"]["requests"] == {"cpu": "28", "memory": "360Gi"}
        assert container["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert "kubernetes.io/arch" not in str(pods(recording)["frontend"])
    claims = [r.inputs["spec"]["spec"]["devices"]["requests"] for r in of_type(recording, ":ResourceClaimTemplate")]
    assert [[request["exactly"]["count"] for request in requests] for requests in claims] == [[3]]


def test_money_is_counted_at_the_price_of_the_machine() -> None:
    plan = planned(QUAD)
    assert [(item.name, item.usd_per_hour) for item in plan.costs if "x1" in item.name] == [
        ("decode: 1 × x1-quad", 11.5),
        ("prefill: 1 × x1-quad", 11.5),
    ]
    assert any("x1-quad is sold on Tuesdays only" in warning for warning in plan.warnings)
    config = {"gpu-budget": {"dollarsPerHour": 22}}
    (verdict,) = (v for v in judge(recorded(QUAD), config) if v.policy == "gpu-budget")
    assert "23.00 USD per hour" in verdict.message


def test_policies_count_the_nics_of_the_machine() -> None:
    assert [v.message for v in judge(recorded(QUAD)) if v.mandatory] == []


@pytest.mark.parametrize(
    ("changes", "quota", "dimensions", "gpus"),
    [
        (QUAD, "COMMITTED-X1-GPUS", {}, 8),
        (QUAD | {"capacity": {"machine": "x1-quad", "mode": "spot"}}, "PREEMPTIBLE-X1-GPUS", {"kind": "x1"}, 8),
        (SINGLE, "Y1-GPUS", {}, 2),
    ],
)
def test_the_quota_of_the_machine_is_asked_for(
    changes: dict[str, Any], quota: str, dimensions: dict[str, str], gpus: int
) -> None:
    (asked,) = (q for q in checks(planned(changes)) if isinstance(q, QuotaSufficient))
    assert (asked.quota.id, asked.quota.dimensions, asked.gpus) == (quota, dimensions, gpus)


@pytest.mark.parametrize("preview", [True, False])
def test_a_new_cluster_gets_a_version_that_has_the_machine(preview: bool) -> None:
    newer = {**QUAD, "capacity": {"machine": "x1-newer", "mode": "onDemand"}}
    (cluster,) = of_type(record(ROOT, config(newer), preview=preview), "container/cluster:Cluster")
    assert cluster.inputs["minMasterVersion"] == (UNKNOWN if preview else "1.36.3-gke.7")
    with pytest.raises(ProgramFailed, match=r"offers 1\.35\.8-gke\.1036000, older than 1\.36\.3-gke\.7"):
        record(ROOT, config(newer), answers=_with_usual_version(config(newer)), preview=preview)


def _with_usual_version(stack: StackConfig) -> Answers:
    """Answers without a cluster, where the channel's newest version is an older one."""
    newest = {"releaseChannelLatestVersion": {"REGULAR": "1.35.8-gke.1036000"}}
    of_token: dict[str, dict[str, Any]] = {GET_CLUSTER: {}, "gcp:container/getEngineVersions:getEngineVersions": newest}
    return lambda args: of_token[args.token] if args.token in of_token else Canned(stack)(args)


def test_a_dry_run_has_the_machines_of_its_plan_and_no_others() -> None:
    with pytest.raises(ProgramFailed, match=r"location\.zone: us-west1-a does not offer x1-quad"):
        record(ROOT, config(QUAD), answers=Canned(config(SINGLE)))


def test_without_rdma_nics_no_network_is_created_and_no_nic_claimed() -> None:
    recording = recorded(SINGLE)
    assert {pool["nodeConfig"]["machineType"] for pool in gpu_nodes(recording).values()} == {"y1-single"}
    assert "additionalNodeNetworkConfigs" not in str(gpu_nodes(recording))
    assert "gke-networking-dra-driver" not in str(gpu_nodes(recording))
    assert of_type(recording, ":ResourceClaimTemplate") == []
    assert not [r for r in of_type(recording, ":Network") if r.inputs.get("networkProfile")]
    assert [v.message for v in judge(recording) if v.mandatory] == []


BOTH: dict[str, Any] = {
    **QUAD,
    "models.chat": {**QUAD["models.chat"], "decode": {"tensorParallel": 4, "machine": "x1-whole"}},
}


def test_a_role_on_another_machine_has_a_pool_a_quota_and_a_price_of_its_own() -> None:
    recording, plan = recorded(BOTH), planned(BOTH)
    assert {name: pool["nodeConfig"]["machineType"] for name, pool in gpu_nodes(recording).items()} == {
        "prefill": "x1-quad",
        "decode-x1-whole": "x1-whole",
    }
    networks = {
        name: len(p["networkConfig"]["additionalNodeNetworkConfigs"]) for name, p in gpu_nodes(recording).items()
    }
    assert networks == {"prefill": 3, "decode-x1-whole": 4}
    assert pods(recording)["decode"]["nodeSelector"]["cloud.google.com/gke-nodepool"] == "decode-x1-whole"
    assert {r.name for r in of_type(recording, ":ResourceClaimTemplate")} == {"claims-3", "claims-all"}
    assert {worker.role.value: worker.nics.claim and worker.nics.claim.count for worker in plan.graphs[0].workers} == {
        "prefill": 3,
        "decode": 4,
    }
    assert [item.name for item in plan.costs if "x1" in item.name] == [
        "decode-x1-whole: 1 × x1-whole",
        "prefill: 1 × x1-quad",
    ]


def bought(prefill: dict[str, Any] | None = None, decode: dict[str, Any] | None = None) -> dict[str, Any]:
    """The shipped machine out of a reservation, but for roles that are bought otherwise."""
    roles = {"prefill": prefill, "decode": decode}
    return {f"models.chat.{role}": {"capacity": given} for role, given in roles.items() if given}


def test_a_role_that_is_bought_otherwise_has_a_pool_a_quota_and_a_price_of_its_own() -> None:
    recording, plan = recorded(bought(decode={"mode": "spot"})), planned(bought(decode={"mode": "spot"}))
    nodes = {name: pool["nodeConfig"] for name, pool in gpu_nodes(recording).items()}
    assert {name: node.get("spot", False) for name, node in nodes.items()} == {"prefill": False, "decode-spot": True}
    assert nodes["prefill"]["reservationAffinity"]["values"] == ["my-h200"]
    assert nodes["decode-spot"]["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}
    assert pods(recording)["decode"]["nodeSelector"]["cloud.google.com/gke-nodepool"] == "decode-spot"
    asked = checks(plan)
    assert [(q.nodes, q.max_nodes) for q in asked if isinstance(q, ReservationFree)] == [(1, 1)]
    assert [q.gpus for q in asked if isinstance(q, QuotaSufficient)] == [8]
    assert [(item.name, item.usd_per_hour, item.usd_bound) for item in plan.costs if "a3" in item.name] == [
        ("decode-spot: 1 × a3-ultragpu-8g", None, 84.81),
        ("prefill: 1 × a3-ultragpu-8g", 84.81, 84.81),
    ]
    assert any(warning.startswith("models.chat.decode.capacity: spot nodes") for warning in plan.warnings)


def test_each_reservation_holds_the_machine_of_its_pool() -> None:
    answers = Canned(config(bought(decode={"mode": "reservation", "reservation": "other"})))
    held = {name: answers(asked(name))["specificReservations"] for name in ("my-h200", "other", "nobodys")}
    machines = {name: [p["machineType"] for p in found[0]["instanceProperties"]] for name, found in held.items()}
    assert machines == {"my-h200": ["a3-ultragpu-8g"], "other": ["a3-ultragpu-8g"], "nobodys": []}


def asked(name: str) -> MockCallArgs:
    return MockCallArgs(token="gcp:compute/getReservation:getReservation", args={"name": name}, provider="")


def test_roles_may_use_reservations_of_their_own() -> None:
    other = {"mode": "reservation", "reservation": "other/reservationBlocks/b1"}
    plan = planned(bought(decode=other))
    assert [pool.name for pool in plan.gpu_pools] == ["decode-reservation-other-b1", "prefill"]
    asked = [q for q in checks(plan) if isinstance(q, ReservationFree)]
    assert sorted((str(q.reservation), q.nodes) for q in asked) == [("my-h200", 1), ("other/reservationBlocks/b1", 1)]


def test_a_role_that_says_what_the_stack_says_stays_in_its_pool() -> None:
    same = {"mode": "reservation", "reservation": "my-h200"}
    assert [pool.name for pool in planned(bought(decode=same)).gpu_pools] == ["decode", "prefill"]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "mode not sold": (QUAD | {"capacity": {"machine": "x1-quad", "mode": "flexStart"}}, "capacity.mode",
                      "x1-quad is not sold by flexStart, only by spot, onDemand; use spot, or use onDemand"),
    "compact placement": (QUAD | {"capacity": {"machine": "x1-quad", "mode": "spot", "compactPlacement": True}},
                          "capacity.compactPlacement", "x1-quad does not support compact placement"),
    "zone": (QUAD | {"location": {"region": "us-west1", "zone": "us-west1-b"}}, "location.zone",
             "x1-quad was not listed in us-west1-b when last looked up, but in us-west1-a"),
    "RDMA mode": (QUAD | {"network": {"rdma": "multiNetwork"}}, "network.rdma",
                  "multiNetwork does not hand the NICs of x1-quad to pods; dranet does"),
    "RDMA mode without NICs": (SINGLE | {"network": {"rdma": "dranet"}}, "network.rdma",
                               "dranet has no effect: y1-single has no RDMA NICs; remove it"),
    "range without NICs": (SINGLE | {"network": {"ranges": {"rdma": "192.168.128.0/18"}}}, "network.ranges.rdma",
                           "has no effect with machine y1-single"),
    "range without second gVNIC": (QUAD | {"network": {"ranges": {"secondGvnic": "192.168.64.0/24"}}},
                                   "network.ranges.secondGvnic", "has no effect with machine x1-quad"),
    "no RDMA and nobody says tcp": (SINGLE | {"models.chat.kvTransfer": None}, "models.chat.kvTransfer",
                                    "y1-single has no RDMA NICs"),
    "format": (QUAD | {"models.chat.model": "gpt-oss-120b"}, "models.chat.model",
               "are in mxfp4, which the file of x1-quad does not list in gpus.formats; vLLM loads bf16"),
    "FP8 KV cache": (QUAD | {"models.chat.engine": {"kvCacheDtype": "fp8"}}, "models.chat.engine.kvCacheDtype",
                     "fp8 needs GPUs with fp8 arithmetic, which X1 of x1-quad has not"),
    "more GPUs than a node has": (QUAD | {"models.chat.decode": {"tensorParallel": 8}},
                                  "models.chat.decode.tensorParallel", "over the 4 GPUs of a node"),
    "no NIC for one GPU": (QUAD | {"models.chat.model": "qwen3-0.6b", "models.chat.prefill": {"tensorParallel": 1}},
                           "models.chat.prefill.tensorParallel", "1 of the 4 GPUs of x1-quad have no RDMA NIC"),
    "part of a node": (BOTH | {"models.chat.decode": {"tensorParallel": 2, "machine": "x1-whole"}},
                       "models.chat.decode.tensorParallel", "whose nodes take one worker over all of them; use 4"),
    "KV cache cannot travel": (QUAD | {"capacity": {"mode": "onDemand"}, "location.allowUnlisted": True,
                                       "models.chat.decode": {"tensorParallel": 4, "machine": "x1-quad"}},
                               "models.chat.decode.machine",
                               "KV cache cannot move from a3-ultragpu-8g (network profile ZONE-vpc-roce) to"),
    "two machines on one node": (QUAD | {"models.chat.layout": "single-node",
                                         "models.chat.prefill": {"tensorParallel": 2, "replicas": 1},
                                         "models.chat.decode": {"tensorParallel": 2, "machine": "x1-whole"}},
                                 "models.chat.decode.machine", "keeps its roles on one node"),
    "two capacity modes on one node": ({"models.chat.layout": "single-node",
                                        "models.chat.prefill": {"capacity": {"mode": "spot"}}},
                                       "models.chat.prefill.capacity",
                                       "keeps its roles on one node, which cannot be bought in two ways (pools shared-"
                                       "spot and shared); use one capacity for all roles, or a "
                                       "layout with nodes for each; remove it"),
    "two reservations on one node": ({"models.chat.layout": "single-node",
                                      "models.chat.decode.capacity": {"mode": "reservation", "reservation": "other"}},
                                     "models.chat.decode.capacity", "cannot be bought in two ways"),
    "two machines of one reservation": ({"models.chat.decode": {"machine": "x1-quad", "tensorParallel": 4}},
                                        "models.chat.decode.machine", "cannot come from reservation my-h200"),
    "role in a mode that is not sold": (QUAD | {"models.chat.decode.capacity": {"mode": "flexStart"}},
                                        "models.chat.decode.capacity.mode", "x1-quad is not sold by flexStart"),
    "role without its reservation": (bought(decode={"mode": "reservation"}),
                                     "models.chat.decode.capacity.reservation", "mode reservation needs its name"),
    "reservation of another zone": (bought(decode={
        "mode": "reservation", "reservation": "projects/my-project/zones/us-east4-b/reservations/r"}),
        "models.chat.decode.capacity.reservation", "is in zone us-east4-b"),
    "machine in a role's capacity": (bought(decode={"mode": "spot", "machine": "x1-quad"}),
                                     "models.chat.decode.capacity.machine", "set models.chat.decode.machine instead"),
    "limit in a role's capacity": (bought(decode={"mode": "spot", "maxNodes": 2}),
                                   "models.chat.decode.capacity.maxNodes", "set it in capacity.maxNodes instead"),
    "one pool bought in two ways": ({"models.a": {"model": "qwen3-32b", "layout": "multi-node",
                                                  "decode": {"capacity": {"mode": "spot", "compactPlacement": False}}},
                                     **bought(decode={"mode": "spot"})},
                                    "models.chat.decode.capacity", "buys the nodes of pool decode-spot differently"),
    "no such machine for a role": ({"models.chat.decode": {"machine": "x1-quadd"}}, "models.chat.decode.machine",
                                   "did you mean x1-quad?"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_machine_does_not_have_is_refused(name: str) -> None:
    changes, path, says = REFUSED[name]
    found = [error.message for error in errors(changes) if error.path == path]
    assert any(says in message for message in found), errors(changes)


def test_a_stack_may_name_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "z1-pair.yaml").write_text(FOUR_GPUS.replace("count: 4", "count: 2"))
    pair = {"tensorParallel": 2, "replicas": 1}
    own = {**QUAD["models.chat"], "prefill": pair, "decode": pair}
    plan = planned(QUAD | {"capacity": {"machine": "./ours/z1-pair.yaml", "mode": "spot"}, "models.chat": own})
    assert [(pool.machine.name, pool.gpus) for pool in plan.gpu_pools] == [("z1-pair", 2)] * 2


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (None, "./ours/absent.yaml", "there is no file"),
        (None, "../outside.yaml", "is outside of this program's folder"),
        (None, "./z1.yml", "does not end in .yaml"),
        ("vcpus: 4\n", "./m.yaml", "./m.yaml has no key gpus, so it is no machine for workers"),
    ],
)
def test_a_file_that_is_no_machine_is_refused(tmp_path: Path, content: str | None, name: str, says: str) -> None:
    if content:
        (tmp_path / name).write_text(content)
    (found,) = errors(QUAD | {"capacity": {"machine": name, "mode": "spot"}})
    assert (found.path, says in found.message) == ("capacity.machine", True), found


def test_two_files_of_one_machine_type_must_say_the_same(tmp_path: Path) -> None:
    for folder, vcpus in (("a", "vcpus: 96"), ("b", "vcpus: 98"), ("c", "vcpus: 96")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "z1.yaml").write_text(FOUR_GPUS.replace("vcpus: 96", vcpus))

    def found(prefill: str, decode: str) -> list[str]:
        roles = {"prefill": {"machine": prefill}, "decode": {"machine": decode}}
        chat = QUAD["models.chat"] | {role: QUAD["models.chat"][role] | given for role, given in roles.items()}
        return [error.path for error in errors(QUAD | {"models.chat": chat}) if "describes z1" in error.message]

    assert found("./a/z1.yaml", "./c/z1.yaml") == []
    assert found("./a/z1.yaml", "./b/z1.yaml") == ["models.chat.decode.machine"]


@pytest.mark.parametrize("stem", ["Z1-Pair", "z1_pair", "z1.pair", "1z", "z1 pair"])
def test_a_file_must_be_named_as_machine_types_are(tmp_path: Path, stem: str) -> None:
    (tmp_path / f"{stem}.yaml").write_text(FOUR_GPUS)
    (found,) = errors(QUAD | {"capacity": {"machine": f"./{stem}.yaml", "mode": "spot"}})
    assert (found.path, "is not a machine type" in found.message) == (f"{stem}.yaml: name", True), found


def test_a_file_with_errors_names_each(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(FOUR_GPUS.replace("count: 4", "count: 0").replace("vcpus: 96", "vcpu: 96"))
    found = errors(QUAD | {"capacity": {"machine": "./bad.yaml", "mode": "spot"}})
    assert [error.path for error in found] == ["bad.yaml: gpus.count", "bad.yaml: vcpu", "bad.yaml: vcpus"]


def test_the_driver_of_the_machine_is_reported_for_existing_nodes() -> None:
    existing = {**QUAD, "cluster": {"existing": {"context": "lab"}}}
    warnings = " ".join(planned(existing).warnings)
    assert "NVIDIA driver R600.1 or newer, as its GPUs need" in warnings
    assert "2 free x1-quad" in warnings


def test_a_weight_only_format_is_reported() -> None:
    plan = planned({"models.chat": {"model": "gpt-oss-120b", "layout": "single-node"}})
    assert any("weight-only on H200: its weights stay in mxfp4" in warning for warning in plan.warnings)
