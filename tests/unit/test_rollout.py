"""What an update restarts, compared plan with plan."""

from dataclasses import dataclass
from typing import Any

import pytest

from ops.changes.rollout import restarted
from tests.stacks import planned

SIMULATED = {"models.chat.layout": "simulated"}
SIMULATED_ROLLS = (
    "chat: all workers restart, because a pod template changes (prefill args, envFrom; decode args, envFrom): no "
    "model is loaded"
)
SIMULATED_FRONTEND = "chat: the frontend's pods restart (envFrom); no model is loaded"
QWEN = {"model": "qwen3-32b", "layout": "multi-node"}
LLAMA_LOADS = (
    "loading 131 GiB of weights takes about 2.4 min per engine, an ESTIMATE at an assumed 1 GB/s, "
    "plus compilation and warm-up"
)
NONE_BEFOREHAND = "without a surge engine (max-surge 0, max-unavailable 1)"
DRAINED = "each old engine drains first (prefill 60 s and decode 120 s, drainSeconds)"
CREATED_AGAIN = (
    "chat: the graph is deleted and created again, because the operator accepts no other engine or components, and "
    "does not serve until new workers of every role are ready"
)
OUTAGE = ", so the graph does not serve until new workers of every role have loaded the model"


@dataclass(frozen=True)
class Case:
    name: str
    before: dict[str, Any]
    after: dict[str, Any]
    want: list[str]


L4: dict[str, Any] = {
    "location": {"region": "us-central1", "zone": "us-central1-a"},
    "capacity": {"machine": "g2-standard-8", "mode": "spot"},
    "models.chat": {"model": "qwen3-0.6b", "layout": "multi-node", "kvTransfer": "tcp"},
}

CASES = [
    Case("nothing", {}, {}, []),
    Case("labels and endpoint", {}, {"labels": {"owner": "me"}, "endpoint": {"exposure": "none"}}, []),
    Case("another region", {}, {"location": {"region": "europe-west4", "zone": "europe-west4-a"}},
         ["place: from projects/my-project/locations/europe-west1/clusters/dynamo-prod to "
          "projects/my-project/locations/europe-west4/clusters/dynamo-prod: everything of the stack in the old "
          "cluster is deleted, the cluster too if the stack created it; nothing serves until everything exists again"]),
    Case("another zone", {}, {"location.zone": "europe-west1-c", "location.allowUnlisted": True},
         ["network: the zone and the ranges of RDMA networks are fixed, so these are replaced with the GPU pools; "
          "everything on them is down"]),
    Case("another zone without RDMA", L4, {**L4, "location": {"region": "us-central1", "zone": "us-central1-b"}},
         ["zone: from us-central1-a to us-central1-b: the GPU pools' nodes are released and new ones created; "
          "everything on them is down"]),
    Case("another zone with networks of GKE", {"network": {"rdma": "dranetAuto"}},
         {"network": {"rdma": "dranetAuto"}, "location.zone": "europe-west1-c", "location.allowUnlisted": True},
         ["zone: from europe-west1-b to europe-west1-c: the GPU pools' nodes are released and new ones created; "
          "everything on them is down"]),
    Case("another range of pods", {}, {"network": {"ranges": {"pods": "10.12.0.0/14"}}},
         ["network: fixed at cluster creation, so the cluster is replaced; nothing serves meanwhile"]),
    Case("another way to buy", {}, {"capacity": {"mode": "spot"}},
         ["capacity: nodes are bought differently, so the GPU pools are replaced; everything on them is down"]),
    Case("another way to buy the nodes of one role", {}, {"models.chat.decode": {"capacity": {"mode": "spot"}}},
         ["pool decode: deleted, releases 1 × a3-ultragpu-8g", "pool decode-spot: created, 1 × a3-ultragpu-8g",
          "pools: new pools are created before old ones are deleted, so 1 nodes must be available in addition to the "
          "1 old ones; if they are not, delete the old pools' deployment first",
          "chat: all workers restart, because a pod template changes (decode nodeSelector): prefill 1 of 1 and decode "
          f"1 of 1 down at a time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("another placement of one role's nodes",
         {"models.chat.decode": {"capacity": {"mode": "flexStart"}}},
         {"models.chat.decode": {"capacity": {"mode": "flexStart", "compactPlacement": True}}},
         ["pool decode-flex-start: nodes are bought differently, so it is replaced; everything on it is down"]),
    Case("another placement", {"capacity": {"mode": "flexStart"}},
         {"capacity": {"mode": "flexStart", "compactPlacement": True}},
         ["capacity: nodes are bought differently, so the GPU pools are replaced; everything on them is down"]),
    Case("networks that GKE makes", {}, {"network": {"rdma": "dranetAuto"}},
         ["RDMA: from dranet to dranetAuto replaces the cluster, because multi-networking is fixed at cluster "
          "creation; everything on it is down"]),
    Case("networks that GKE makes, where there were none",
         {"models.chat.layout": "aggregated", "network": {"rdma": "none"}},
         {"models.chat.layout": "aggregated", "network": {"rdma": "dranetAuto"}},
         ["RDMA: from none to dranetAuto replaces the GPU pools; everything on them is down"]),
    Case("networks that pods name", {}, {"network": {"rdma": "multiNetwork"}},
         ["chat: all workers restart, because a pod template changes (prefill resources, resourceClaims, "
          "annotations; decode resources, resourceClaims, annotations): prefill 1 of 1 and decode 1 of 1 down at a "
          f"time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("replicas alone", {}, {"models.chat.decode": {"replicas": 2}},
         ["pool decode: 2 nodes, was 1",
          "chat: decode goes from 1 to 2 replicas, which restarts nothing"]),
    Case("replicas with another template", {}, {"models.chat.decode": {"replicas": 2, "drainSeconds": 400}},
         ["pool decode: 2 nodes, was 1",
          "chat: all workers restart, because a pod template changes (decode env, terminationGracePeriodSeconds): "
          f"prefill 1 of 1 and decode 1 of 2 down at a time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}, 2 "
          "times in sequence",
          "chat: decode goes from 1 to 2 replicas"]),
    Case("replicas in an update that never finishes", {},
         {"models.chat.decode": {"replicas": 2, "tensorParallel": 4}},
         ["chat: all workers restart, because a pod template changes (decode args, resources, resourceClaims, "
          "sharedMemorySize): THE UPDATE NEVER FINISHES: decode keeps 1 old engine of 8 GPUs until a new one runs, and "
          "pool decode has 0 GPUs left for a new one of 4; meanwhile neither generation has an engine of every role, "
          "so the graph does not serve; run `pulumi config set --path 'dynamo-gke:models.chat.updateStrategy' "
          "recreate` before the update: all old engines stop first, and the graph does not serve until the new ones "
          "have loaded the model; or keep the engines as they are: models.chat.decode: {replicas: 1, "
          "tensorParallel: 8}",
          "chat: decode goes from 1 to 2 replicas"]),
    Case("one role's template, and so both roles", {}, {"models.chat.engine": {"maxModelLen": 16384}},
         ["chat: all workers restart, because a pod template changes (prefill args; decode args): prefill 1 of 1 "
          f"and decode 1 of 1 down at a time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("several engines a role", {"models.chat.prefill": {"replicas": 3}, "models.chat.decode": {"replicas": 2}},
         {"models.chat.prefill": {"replicas": 3}, "models.chat.decode": {"replicas": 2},
          "models.chat.engine": {"kvCacheDtype": "fp8"}},
         ["chat: all workers restart, because a pod template changes (prefill args; decode args): prefill 1 of 3 "
          f"and decode 1 of 2 down at a time, {NONE_BEFOREHAND}; {DRAINED}; {LLAMA_LOADS}, 3 times in sequence"]),
    Case("several engines a role, all at once",
         {"models.chat.prefill": {"replicas": 3}, "models.chat.updateStrategy": "recreate"},
         {"models.chat.prefill": {"replicas": 3}, "models.chat.updateStrategy": "recreate",
          "models.chat.engine": {"kvCacheDtype": "fp8"}},
         ["chat: all workers restart, because a pod template changes (prefill args; decode args): all engines stop, "
          "then the new ones start (updateStrategy recreate), so the graph does not serve until new workers of every "
          f"role have loaded the model; {DRAINED}; {LLAMA_LOADS}"]),
    Case("back to one engine at a time", {"models.chat.updateStrategy": "recreate"}, {},
         ["chat: all workers restart, because a pod template changes (prefill annotations; decode annotations): "
          f"prefill 1 of 1 and decode 1 of 1 down at a time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("the runtime", {}, {"versions": {"runtime": "1.7.0"}},
         ["chat: all workers restart, because a pod template changes (prefill image, env; decode image, env): prefill "
          f"1 of 1 and decode 1 of 1 down at a time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}",
          "chat: the frontend's pods restart (image); no model is loaded"]),
    Case("versions that skip one", {"versions": {"platform": "1.4.0", "runtime": "1.4.1"}},
         {"versions": {"platform": "1.6.1", "runtime": "1.4.1"}},
         ["versions.platform: from 1.4.0 to 1.6.1 skips minor versions, but NVIDIA supports changes only to the next "
          "or the previous one; set 1.5.1, then 1.6.1, each with an update of its own",
          "platform: operator 1.6.1 replaces 1.4.0: both replicas stop before the new ones start; meanwhile graphs "
          "serve but cannot be changed; whether the new operator restarts workers is unknown"]),
    Case("another name for clients", SIMULATED, SIMULATED | {"models.chat.servedName": "gpt"},
         ["chat: clients must send gpt as `model`; llama-3.3-70b-instruct returns 404; to keep the name set "
          "models.chat.servedName: llama-3.3-70b-instruct",
          "chat: all workers restart, because a pod template changes (prefill args; decode args): no model is "
          "loaded"]),
    Case("another model by another name", SIMULATED, SIMULATED | {"models.chat.model": "qwen3-0.6b"},
         ["chat: clients must send qwen3-0.6b as `model`; llama-3.3-70b-instruct returns 404; to keep the name set "
          "models.chat.servedName: llama-3.3-70b-instruct", SIMULATED_ROLLS, SIMULATED_FRONTEND]),
    Case("another model by the same name", SIMULATED | {"models.chat.servedName": "gpt"},
         SIMULATED | {"models.chat.servedName": "gpt", "models.chat.model": "qwen3-0.6b"},
         [SIMULATED_ROLLS, SIMULATED_FRONTEND]),
    Case("the platform alone", {}, {"versions": {"platform": "1.7.0"}},
         ["platform: operator 1.7.0 replaces 1.6.1: both replicas stop before the new ones start; meanwhile graphs "
          "serve but cannot be changed; whether the new operator restarts workers is unknown"]),
    Case("the platform alone, of others", {"cluster": {"existing": {"name": "c", "platform": "shared"}}},
         {"cluster": {"existing": {"name": "c", "platform": "shared"}}, "versions": {"platform": "1.7.0"}}, []),
    Case("a second graph", {}, {"models.summarize": QWEN},
         ["pool decode: 2 nodes, was 1", "pool prefill: 2 nodes, was 1",
          "summarize: new, restarts nothing; loading 61 GiB of weights takes about 1.1 min per engine, an ESTIMATE at "
          "an "
          "assumed 1 GB/s, plus compilation and warm-up"]),
    Case("a graph less", {"models.summarize": QWEN | {"prefill": {"replicas": 1}}}, {},
         ["pool decode: 1 nodes, was 2", "pool prefill: 1 nodes, was 2",
          "summarize: deleted with its 9 GPUs"]),
    Case("engines that drain as long as they did",
         {"models.chat.decode": {"drainSeconds": 400}}, {"models.chat.decode": {"drainSeconds": 30}},
         ["chat: all workers restart, because a pod template changes (decode env, terminationGracePeriodSeconds): "
          f"prefill 1 of 1 and decode 1 of 1 down at a time, {NONE_BEFOREHAND}{OUTAGE}; each old engine drains first "
          f"(prefill 60 s and decode 400 s, drainSeconds); {LLAMA_LOADS}"]),
    Case("an argument of one role", {}, {"models.chat.decode": {"extraArgs": ["--max-num-seqs", "8"]}},
         [f"chat: all workers restart, because a pod template changes (decode args): prefill 1 of 1 and decode 1 of 1 "
          f"down at a time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("another engine", {}, {"models.chat.engine": {"name": "sglang"}},
         ["chat: SGLang replaces vLLM: each node pulls nvcr.io/nvidia/ai-dynamo/sglang-runtime; the router knows no "
          "prefixes until the new workers report theirs, in blocks of 64 tokens instead of 128; verification runs "
          "again, by the counters of SGLang; dashboard and alerts read its metrics",
          f"{CREATED_AGAIN}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("an autoscaler for one engine", {}, {"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}},
         ["pool decode: 1 to 3 nodes, was 1"]),
    Case("an autoscaler for several engines", {"models.chat.decode": {"replicas": 2}},
         {"models.chat.autoscaling": {"decode": {"min": 2, "max": 3}}},
         ["pool decode: 2 to 3 nodes, was 2",
          "chat: decode has 2 replicas, but the operator starts autoscaling only from one: first set "
          "models.chat.decode.replicas to 1 and update, then set the range"]),
    Case("an autoscaler less", {"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}}, {},
         ["pool decode: 1 nodes, was 1 to 3",
          "chat: decode loses its autoscaler; the operator owns its number of replicas, and an update to another "
          "number ends in a conflict: first delete the autoscaler and run `kubectl scale dgdsa chat-decode -n dynamo "
          "--replicas=1`"]),
    Case("other roles", {}, {"models.chat.layout": "aggregated", "models.chat.worker": {"replicas": 1}},
         ["pool decode: deleted, releases 1 × a3-ultragpu-8g",
          "pool prefill: deleted, releases 1 × a3-ultragpu-8g", "pool worker: created, 1 × a3-ultragpu-8g",
          "pools: new pools are created before old ones are deleted, so 1 nodes must be available in addition to the "
          "2 old ones; if they are not, delete the old pools' deployment first",
          f"{CREATED_AGAIN}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("simulated engines", {"models.chat.layout": "simulated"},
         {"models.chat.layout": "simulated", "models.chat.engine": {"maxModelLen": 2048}},
         ["chat: all workers restart, because a pod template changes (prefill args; decode args): no model is "
          "loaded"]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_restarts(case: Case) -> None:
    assert restarted(planned(case.before), planned(case.after)) == case.want


def test_the_workers_restart_as_the_sentence_says() -> None:
    from manifests.graph import ROLLOUT

    assert list(ROLLOUT.values()) == ["0", "1"]
    (sentence,) = restarted(planned(), planned({"models.chat.engine": {"maxModelLen": 16384}}))
    assert "max-surge 0, max-unavailable 1" in sentence


@pytest.mark.parametrize("becomes", ["sglang", "trtllm"])
def test_another_engine_replaces_the_graph_and_moves_the_autoscalers(becomes: str) -> None:
    scaled = {"models.chat.autoscaling": {"prefill": {"min": 1, "max": 2}}}
    after = planned(scaled | {"models.chat.engine": {"name": becomes}})
    first, second = restarted(planned(scaled), after)
    assert f"{after.graphs[0].runs.title} replaces vLLM" in first
    assert f"in blocks of {after.graphs[0].runs.block_size} tokens instead of 128" in first
    assert first.endswith("dashboard, alerts and autoscalers read its metrics")
    assert second.startswith(CREATED_AGAIN)
