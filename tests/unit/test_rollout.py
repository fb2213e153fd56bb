"""What an update restarts, compared plan with plan."""

from dataclasses import dataclass
from typing import Any

import pytest

from ops.changes.rollout import rolls
from tests.stacks import planned

SIMULATED = {"models.chat.layout": "simulated"}
SIMULATED_ROLLS = (
    "chat: all workers roll, since a worker's pod template changes (prefill args, envFrom; decode args, envFrom): no "
    "model is loaded"
)
SIMULATED_FRONTEND = "chat: the frontend's pods are replaced (envFrom), which loads no model"
QWEN = {"model": "qwen3-32b", "layout": "multi-node"}
LLAMA_LOADS = (
    "loading 131 GiB of weights takes about 2.4 min, an ESTIMATE at an assumed 1 GB/s for each engine, "
    "before compiling and warming up"
)
NONE_BEFOREHAND = "none is started beforehand (max-surge 0, max-unavailable 1)"
DRAINED = "before that an old engine drains (prefill 60 s and decode 120 s, drainSeconds)"
OUTAGE = ", so the graph does not serve until new workers of every role have loaded it"


@dataclass(frozen=True)
class Case:
    name: str
    before: dict[str, Any]
    after: dict[str, Any]
    want: list[str]


CASES = [
    Case("nothing", {}, {}, []),
    Case("labels and endpoint", {}, {"labels": {"owner": "me"}, "endpoint": {"exposure": "none"}}, []),
    Case("another region", {}, {"location": {"region": "europe-west4", "zone": "europe-west4-a"}},
         ["place: from projects/my-project/locations/europe-west1/clusters/dynamo-prod to "
          "projects/my-project/locations/europe-west4/clusters/dynamo-prod: what the stack has made in the old cluster "
          "goes, the cluster too if it was the stack's, and nothing serves until all is there anew"]),
    Case("another zone", {}, {"location.zone": "europe-west1-c", "location.allowUnlisted": True},
         ["network: RDMA networks belong to a zone and keep their ranges: they are replaced with the GPU pools, and "
          "all that runs on them is down"]),
    Case("another range of pods", {}, {"network": {"ranges": {"pods": "10.12.0.0/14"}}},
         ["network: that of the cluster is chosen when it is made: it is replaced, and nothing serves meanwhile"]),
    Case("another way to buy", {}, {"capacity": {"mode": "spot"}},
         ["capacity: other nodes are bought, so the GPU pools are replaced, and all that runs on them is down"]),
    Case("another placement", {"capacity": {"mode": "flexStart"}},
         {"capacity": {"mode": "flexStart", "compactPlacement": True}},
         ["capacity: other nodes are bought, so the GPU pools are replaced, and all that runs on them is down"]),
    Case("networks that GKE makes", {}, {"network": {"rdma": "dranetAuto"}},
         ["RDMA: from dranet to dranetAuto takes another cluster, since networks of its nodes are chosen when it is "
          "made: it is replaced, and all that runs on it is down"]),
    Case("networks that GKE makes, where there were none",
         {"models.chat.layout": "aggregated", "network": {"rdma": "none"}},
         {"models.chat.layout": "aggregated", "network": {"rdma": "dranetAuto"}},
         ["RDMA: from none to dranetAuto replaces the GPU pools, and all that runs on them is down"]),
    Case("networks that pods name", {}, {"network": {"rdma": "multiNetwork"}},
         ["chat: all workers roll, since a worker's pod template changes (prefill resources, resourceClaims, "
          "annotations; decode resources, resourceClaims, annotations): prefill 1 of 1 and decode 1 of 1 are down at a "
          f"time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("replicas alone", {}, {"models.chat.decode": {"replicas": 2}},
         ["pool decode: has 2 nodes, 1 before",
          "chat: decode goes from 1 to 2 replicas, which by itself rolls nothing"]),
    Case("one role's template, and so both roles", {}, {"models.chat.engine": {"maxModelLen": 16384}},
         ["chat: all workers roll, since a worker's pod template changes (prefill args; decode args): prefill 1 of 1 "
          f"and decode 1 of 1 are down at a time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("several engines a role", {"models.chat.prefill": {"replicas": 3}, "models.chat.decode": {"replicas": 2}},
         {"models.chat.prefill": {"replicas": 3}, "models.chat.decode": {"replicas": 2},
          "models.chat.engine": {"kvCacheDtype": "fp8"}},
         ["chat: all workers roll, since a worker's pod template changes (prefill args; decode args): prefill 1 of 3 "
          f"and decode 1 of 2 are down at a time, {NONE_BEFOREHAND}; {DRAINED}; {LLAMA_LOADS}, 3 times one after the "
          "other"]),
    Case("the runtime", {}, {"versions": {"runtime": "1.7.0"}},
         ["chat: all workers roll, since a worker's pod template changes (prefill image; decode image): prefill 1 of 1 "
          f"and decode 1 of 1 are down at a time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}",
          "chat: the frontend's pods are replaced (image), which loads no model"]),
    Case("versions that skip one", {"versions": {"platform": "1.4.0", "runtime": "1.4.1"}},
         {"versions": {"platform": "1.6.1", "runtime": "1.4.1"}},
         ["versions.platform: from 1.4.0 to 1.6.1 skips versions, and NVIDIA supports upgrades to the next minor "
          "version only; set 1.5.0 first",
          "platform: operator 1.4.0 gives way to 1.6.1: both replicas are stopped before the next start, so graphs "
          "cannot be written meanwhile and go on serving; whether the new one restarts their workers is not known "
          "from here"]),
    Case("another name for clients", SIMULATED, SIMULATED | {"models.chat.servedName": "gpt"},
         ["chat: clients must send gpt as `model`, and get 404 for llama-3.3-70b-instruct; "
          "models.chat.servedName: llama-3.3-70b-instruct keeps the name",
          "chat: all workers roll, since a worker's pod template changes (prefill args; decode args): no model is "
          "loaded"]),
    Case("another model by another name", SIMULATED, SIMULATED | {"models.chat.model": "qwen3-0.6b"},
         ["chat: clients must send qwen3-0.6b as `model`, and get 404 for llama-3.3-70b-instruct; "
          "models.chat.servedName: llama-3.3-70b-instruct keeps the name", SIMULATED_ROLLS, SIMULATED_FRONTEND]),
    Case("another model by the same name", SIMULATED | {"models.chat.servedName": "gpt"},
         SIMULATED | {"models.chat.servedName": "gpt", "models.chat.model": "qwen3-0.6b"},
         [SIMULATED_ROLLS, SIMULATED_FRONTEND]),
    Case("the platform alone", {}, {"versions": {"platform": "1.7.0"}},
         ["platform: operator 1.6.1 gives way to 1.7.0: both replicas are stopped before the next start, so graphs "
          "cannot be written meanwhile and go on serving; whether the new one restarts their workers is not known from "
          "here"]),
    Case("the platform alone, of others", {"cluster": {"existing": {"name": "c", "platform": "shared"}}},
         {"cluster": {"existing": {"name": "c", "platform": "shared"}}, "versions": {"platform": "1.7.0"}}, []),
    Case("a second graph", {}, {"models.summarize": QWEN},
         ["pool decode: has 2 nodes, 1 before", "pool prefill: has 2 nodes, 1 before",
          "summarize: is new and rolls nothing; loading 61 GiB of weights takes about 1.1 min, an ESTIMATE at an "
          "assumed 1 GB/s for each engine, before compiling and warming up"]),
    Case("a graph less", {"models.summarize": QWEN | {"prefill": {"replicas": 1}}}, {},
         ["pool decode: has 1 nodes, 2 before", "pool prefill: has 1 nodes, 2 before",
          "summarize: is taken away, 9 GPUs with it"]),
    Case("engines that drain as long as they did",
         {"models.chat.decode": {"drainSeconds": 400}}, {"models.chat.decode": {"drainSeconds": 30}},
         ["chat: all workers roll, since a worker's pod template changes (decode env, terminationGracePeriodSeconds): "
          f"prefill 1 of 1 and decode 1 of 1 are down at a time, {NONE_BEFOREHAND}{OUTAGE}; before that an old engine "
          f"drains (prefill 60 s and decode 400 s, drainSeconds); {LLAMA_LOADS}"]),
    Case("an autoscaler for one engine", {}, {"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}},
         ["pool decode: has 1 to 3 nodes, 1 before"]),
    Case("an autoscaler for several engines", {"models.chat.decode": {"replicas": 2}},
         {"models.chat.autoscaling": {"decode": {"min": 2, "max": 3}}},
         ["pool decode: has 2 to 3 nodes, 2 before",
          "chat: decode has 2 replicas, and the operator refuses to hand more than one over to an autoscaler: first "
          "set models.chat.decode.replicas to 1 and update, then give the range"]),
    Case("an autoscaler less", {"models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}}, {},
         ["pool decode: has 1 nodes, 1 to 3 before",
          "chat: decode is taken from its autoscaler; the operator refuses a number other than the one that runs: "
          "`kubectl scale dgdsa chat-decode -n dynamo --replicas=1` first, with the autoscaler deleted"]),
    Case("other roles", {}, {"models.chat.layout": "aggregated", "models.chat.worker": {"replicas": 1}},
         ["pool decode: is deleted and releases 1 × a3-ultragpu-8g",
          "pool prefill: is deleted and releases 1 × a3-ultragpu-8g", "pool worker: is created, 1 × a3-ultragpu-8g",
          "pools: new ones are created before old ones are deleted, so 1 nodes must be available beside the 2 that go; "
          "where they are not, delete the old pools' deployment first",
          "chat: all workers roll, since a worker's pod template changes (prefill ends; decode ends; worker is new): "
          f"worker 1 of 1 are down at a time, {NONE_BEFOREHAND}{OUTAGE}; {DRAINED}; {LLAMA_LOADS}"]),
    Case("simulated engines", {"models.chat.layout": "simulated"},
         {"models.chat.layout": "simulated", "models.chat.engine": {"maxModelLen": 2048}},
         ["chat: all workers roll, since a worker's pod template changes (prefill args; decode args): no model is "
          "loaded"]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_rolls(case: Case) -> None:
    assert rolls(planned(case.before), planned(case.after)) == case.want


def test_the_workers_are_told_to_roll_as_the_sentence_says() -> None:
    from manifests.graph import ROLLOUT

    assert list(ROLLOUT.values()) == ["0", "1"]
    (sentence,) = rolls(planned(), planned({"models.chat.engine": {"maxModelLen": 16384}}))
    assert "max-surge 0, max-unavailable 1" in sentence
