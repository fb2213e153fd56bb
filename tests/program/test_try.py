"""The stack `try`: the smallest with GPUs, as cheap as docs/try.md says, whose commands and numbers are held to it."""

import re
import shlex
from functools import cache

import pytest

from catalog.machines import gpu_machine
from catalog.rdma import KvTransfer
from ops.offline import policy_config, stackfile
from ops.offline.recording import record
from ops.offline.verdicts import judge
from planning.load import load
from planning.plan import plan
from planning.preflight import checks
from planning.preflight.quota import ALL_REGIONS, QuotaSufficient
from planning.types import Plan
from tests.program.test_stacks import of_type
from tests.stacks import ROOT, recorded
from workloads.jobs.verify.__main__ import command_line

PAGE = (ROOT / "docs/try.md").read_text(encoding="utf-8")


@cache
def tried() -> Plan:
    return plan(load(stackfile.read(ROOT, "try", [])))


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines]


def test_one_prefill_and_one_decode_engine_on_an_l4_node_each() -> None:
    (graph,) = tried().graphs
    assert graph.card.name == "qwen3-0.6b"
    assert {worker.role.value: (worker.replicas, worker.tensor_parallel) for worker in graph.workers} == {
        "prefill": (1, 1),
        "decode": (1, 1),
    }
    assert [(pool.key, pool.max_nodes, pool.machine.gpus.product) for pool in tried().gpu_pools] == [
        ("decode", 1, "L4"),
        ("prefill", 1, "L4"),
    ]
    assert {pool.purchase and (pool.purchase.spot, pool.purchase.compact) for pool in tried().gpu_pools} == {
        (True, False)
    }
    assert graph.frontend.replicas == 1
    assert all(worker.memory and worker.memory.full_sequences >= 8 for worker in graph.workers)


def test_it_costs_at_most_two_dollars_an_hour_and_says_what_it_costs_on_demand() -> None:
    spot, on_demand = tried().cost_per_hour, tried().cost_bound
    assert spot
    assert on_demand
    left_out = re.search(r"about ([0-9.]+) USD an hour and so ([0-9.]+) in all", PAGE)
    assert left_out
    assert round(spot + float(left_out[1]), 2) == float(left_out[2]) <= 2 < on_demand
    outputs = recorded("try").outputs
    assert (outputs["costPerHour"], outputs["costPerHourUpperBound"]) == (spot, on_demand)


def test_the_page_names_the_costs_of_the_plan() -> None:
    for usd in (tried().cost_per_hour, tried().cost_bound, tried().cost_max):
        assert f"{usd:.2f}" in PAGE


def test_kv_cache_over_tcp_is_declared_and_expected() -> None:
    recording = recorded("try")
    (job,) = (r for r in of_type(recording, ":Job") if "--transport" in str(r.inputs))
    arguments = job.inputs["spec"]["template"]["spec"]["containers"][0]["args"]
    assert command_line([str(word) for word in arguments]).transport == KvTransfer.TCP
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    workers = [c["podTemplate"]["spec"] for c in graph.inputs["spec"]["components"] if c["name"] != "frontend"]
    assert len(workers) == 2
    for spec in workers:
        assert "resourceClaims" not in spec
        assert {"name": "UCX_TLS", "value": "cuda_copy,tcp"} in spec["containers"][0]["env"]
    assert not any("that it leaves idle" in warning for warning in tried().warnings)
    assert of_type(recording, ":ResourceClaimTemplate") == []
    assert [r for r in of_type(recording, ":Network") if r.inputs.get("networkProfile")] == []


def test_nothing_stays_when_it_is_destroyed() -> None:
    kept = [
        r.urn
        for r in recorded("try").resources
        if r.options.get("protect") or r.options.get("retainOnDelete") or r.inputs.get("deletionProtection") is True
    ]
    assert kept == []
    (bucket,) = of_type(recorded("try"), "bucket:Bucket")
    assert bucket.inputs["forceDestroy"] is True


def test_its_rules_allow_it_and_little_more() -> None:
    rules = policy_config.read(ROOT, "try")
    assert judge(recorded("try"), rules) == []
    larger = record(ROOT, stackfile.read(ROOT, "try", ["models.chat.decode.replicas=2", "capacity.maxNodes=3"]))
    on_demand = record(ROOT, stackfile.read(ROOT, "try", ["capacity.mode=onDemand"]))
    assert {v.policy for v in judge(larger, rules)} == {"gpu-budget"}
    assert {v.policy for v in judge(on_demand, rules)} == {"capacity-mode"}


def test_quota_is_requested_before_anything_else() -> None:
    requested = [words for words in commands() if words[:5] == ["gcloud", "beta", "quotas", "preferences", "create"]]
    flags = [dict(word.split("=", 1) for word in words if "=" in word) for words in requested]
    asked = [check for check in checks(tried()) if isinstance(check, QuotaSufficient)]
    assert {(each["--quota-id"], int(each["--preferred-value"])) for each in flags} == {
        (check.quota.id, check.gpus) for check in asked
    }
    for check in asked:
        (each,) = (each for each in flags if each["--quota-id"] == check.quota.id)
        place = None if check.region == ALL_REGIONS else f"region={check.region}"
        assert each.get("--dimensions") == place
        assert f"`{check.quota.id}`" in PAGE
    first = [words[:2] for words in commands()][: commands().index(requested[0])]
    assert first == [["gcloud", word] for word in ("components", "auth", "billing", "services")]
    assert {"beta", "gke-gcloud-auth-plugin"} <= set(commands()[0])


def test_the_steps_come_in_an_order_that_works() -> None:
    begins = [" ".join(words[:3]) for words in commands()]
    order = [
        "gcloud beta quotas",
        "gcloud auth application-default",
        "make setup",
        "pulumi login --local",
        "pulumi stack init",
        "pulumi config set",
        "./dynamo-gke preview --stack",
        "pulumi preview --policy-pack",
        "pulumi up --policy-pack",
        "gcloud container clusters",
        "./dynamo-gke status --stack",
        "curl -s http://127.0.0.1:8000/v1/chat/completions",
        "pulumi destroy",
    ]
    assert [begin for i, begin in enumerate(begins) if begin in order and begin not in begins[:i]] == order
    assert ["pulumi", "stack", "init", "try"] in commands()
    assert ["pulumi", "stack", "rm", "try", "--preserve-config"] in commands()  # else it deletes Pulumi.try.yaml
    assert f"clusters get-credentials {tried().cluster.name} --location {tried().region}" in PAGE


def test_the_project_is_all_that_must_be_set() -> None:
    sets = [words[3:] for words in commands() if words[:3] == ["pulumi", "config", "set"]]
    config = stackfile.read(ROOT, "try", ["=".join(words).lower() for words in sets])
    assert [value for value in config.values.values() if re.search(r"\bmy-|example\.com", value)] == []
    assert plan(load(config)).missing_token is None


def test_the_request_is_for_the_model_that_is_served() -> None:
    (asked,) = (words for words in commands() if words[0] == "curl")
    (graph,) = tried().graphs
    assert f'"model": "{graph.served_name}"' in asked[asked.index("-d") + 1]
    assert f"service/{graph.name}-frontend" in PAGE


def test_the_page_names_the_kv_cache_of_a_token() -> None:
    (graph,) = tried().graphs
    memory = graph.workers[0].memory
    assert memory
    assert f"({memory.kv_per_token // 1024} KiB a token)" in PAGE
    assert f"about {4000 * memory.kv_per_token / 1e9:.2f} GB" in PAGE


@pytest.mark.parametrize("zone", ["us-central1-b"])
def test_the_other_zone_that_the_page_names_has_the_machine(zone: str) -> None:
    assert zone in PAGE
    assert zone in gpu_machine("g2-standard-8").zones


def pods_of_cpu_nodes() -> dict[str, dict[str, str]]:
    """Requests of the pods that the stack itself runs on CPU nodes."""
    recording = recorded("try")
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    (frontend,) = (c for c in graph.inputs["spec"]["components"] if c["name"] == "frontend")
    specs = {"frontend": frontend["podTemplate"]["spec"]}
    specs |= {job.name: job.inputs["spec"]["template"]["spec"] for job in of_type(recording, ":Job")}
    return {name: spec["containers"][0]["resources"]["requests"] for name, spec in specs.items()}


def test_by_their_requests_all_pods_fit_on_two_cpu_nodes() -> None:
    pool = tried().system_pool
    assert pool
    assert (pool.nodes, pool.min_nodes, pool.machine.vcpus, pool.machine.memory_gb) == (3, 2, 4, 16)
    of_ours = pods_of_cpu_nodes()
    assert of_ours["frontend"] == {"cpu": "2", "memory": "8Gi"}
    assert len(of_ours) == 3  # with the Jobs that fetch weights and verify
    operator = (0.517, 1.0625)  # manager and proxy by the chart's defaults
    of_gke = [(0.1, 0.2)] * 10
    pods = [*((_cpus(each["cpu"]), _gib(each["memory"])) for each in of_ours.values()), operator, operator, *of_gke]
    free = [(3.92 - 0.6, 13.2 - 1.0)] * pool.min_nodes  # what GKE leaves of a node, without its pods on each node
    for cpu, memory in sorted(pods, reverse=True):
        fitting = [i for i, room in enumerate(free) if room[0] >= cpu and room[1] >= memory]
        assert fitting, f"no room for {cpu} CPUs and {memory} GiB in {free}"
        free[fitting[0]] = (free[fitting[0]][0] - cpu, free[fitting[0]][1] - memory)


def _cpus(given: str) -> float:
    return int(given.removesuffix("m")) / 1000 if given.endswith("m") else float(given)


def _gib(given: str) -> float:
    return int(given[:-2]) / {"Gi": 1, "Mi": 1024}[given[-2:]]
