"""Bad input gets one sentence an error, with its key path, all of them together."""

from dataclasses import dataclass
from typing import Any

import pytest

from settings.stack_config import StackConfig
from tests.stacks import config, errors


@dataclass(frozen=True)
class Case:
    name: str
    changes: dict[str, Any]
    path: str
    says: str


CASES = [
    Case("missing project", {"gcp:project": None}, "gcp:project", "is required"),
    Case("project of a wrong form", {"gcp:project": "My Project"}, "gcp:project", "such as my-project"),
    Case("a misspelt namespace", {"dynamo:alerts": {"emails": ["a@b.c"]}}, "dynamo:alerts", "write dynamo-gke:alerts"),
    Case("a namespace in capitals", {"Dynamo-GKE:labels": {}}, "Dynamo-GKE:labels", "write dynamo-gke:labels"),
    Case("a namespace with a typing error", {"dynamo-gk:modls": {}}, "dynamo-gk:modls", "the namespace is dynamo-gke"),
    Case("a known key under a foreign namespace", {"gke:models": {}}, "gke:models", "write dynamo-gke:models"),
    Case("a secret under a misspelt namespace", {"dynamo:hfToken": {"secure": "v1:x"}}, "dynamo:hfToken",
         "write dynamo-gke:hfToken"),
    Case("a misspelt provider", {"gpc:project": "p"}, "gpc:project", "write gcp:project"),
    Case("other provider keys", {"gcp:zone": "europe-west1-b"}, "gcp:zone", "is not read"),
    Case("missing location", {"location": None}, "location", "is required"),
    Case("region in place of the zone", {"location.zone": "europe-west1"}, "location.zone",
         "is a region; use one of its zones: europe-west1-b, europe-west1-c"),
    Case("zone in place of the region", {"location.region": "europe-west1-b"}, "location.region",
         "did you mean europe-west1?"),
    Case("placeholder of the docs", {"gcp:project": "YOUR-PROJECT"}, "gcp:project",
         "YOUR-PROJECT is a placeholder of the docs"),
    Case("placeholder at depth", {"budget": {"monthly": 1, "emails": ["YOU@YOUR-ORG.COM"]}}, "budget.emails[0]",
         "YOU@YOUR-ORG.COM is a placeholder"),
    Case("no models", {"models": {}}, "models", "is required"),
    Case("zone of an unknown form", {"location.zone": "b"}, "location.zone", "such as europe-west1-b"),
    Case("zone outside the region", {"location.zone": "us-east5-a"}, "location.zone", "is not in region europe-west1"),
    Case("zone that there is none of", {"location": {"region": "us-central1", "zone": "us-central1-z"}},
         "location.zone", "us-central1-z is not among the zones of us-central1; use us-central1-a, us-central1-b, "
         "us-central1-c or us-central1-f. The list is of 2026-11-28; location.allowUnlisted: true accepts a place"),
    Case("zone without the machine", {"location.zone": "europe-west1-c"}, "location.zone",
         "was not listed in europe-west1-c when last looked up, but in europe-west1-b, europe-west4-a, asia-south1-b"),
    Case("machine that there is none of", {"capacity.machine": "a3-ultra-8g"}, "capacity.machine",
         "did you mean a3-ultragpu-8g?"),
    Case("CPU machine for workers", {"capacity.machine": "n2-standard-16"}, "capacity.machine",
         "is not one of a2-highgpu-8g, "),
    Case("region that there is none of", {"location": {"region": "us-centrall1", "zone": "us-centrall1-f"}},
         "location.region", "did you mean {region: us-central1, zone: us-central1-f}?"),
    Case("region misspelt beside a right zone", {"location.region": "europe-wets1"}, "location.region",
         "did you mean europe-west1, where zone europe-west1-b is?"),
    Case("cluster in a zone that there is none of",
         {"cluster.existing": {"name": "c", "location": "europe-west1-x"}}, "cluster.existing.location",
         "not among the zones of europe-west1: europe-west1-b, europe-west1-c, europe-west1-d. The list is of"),
    Case("region of an unknown form", {"location.region": "Belgium"}, "location.region", "such as europe-west1"),
    Case("unknown top-level key", {"network_": {}}, "network_", "did you mean network?") ,
    Case("unknown key in a block", {"location.allowUnlistd": True}, "location.allowUnlistd",
         "did you mean allowUnlisted?"),
    Case("unknown key of a graph", {"models.chat.engin": {}}, "models.chat.engin", "did you mean engine?"),
    Case("snake case", {"models.chat.decode": {"tensor_parallel": 8}}, "models.chat.decode.tensor_parallel",
         "did you mean tensorParallel?"),
    Case("unknown key at depth", {"cluster": {"systemPool": {"node": 1}}}, "cluster.systemPool.node",
         "did you mean nodes?"),
    Case("unknown model", {"models.chat.model": "llama-3.3-70b"}, "models.chat.model",
         "did you mean llama-3.3-70b-instruct?"),
    Case("unknown layout", {"models.chat.layout": "multinode"}, "models.chat.layout", "did you mean multi-node?"),
    Case("unknown capacity mode", {"capacity": {"mode": "reserved"}}, "capacity.mode", "did you mean reservation?"),
    Case("unknown RDMA mode", {"network": {"rdma": "dra"}}, "network.rdma",
         "dranet, dranetAuto, multiNetwork, none"),
    Case("RDMA mode in capitals", {"network": {"rdma": "multinetwork"}}, "network.rdma", "did you mean multiNetwork?"),
    Case("unknown CPU machine", {"cluster": {"systemPool": {"machine": "n2-standard-61"}}},
         "cluster.systemPool.machine", "did you mean n2-standard-16?"),
    Case("text for an object", {"endpoint": "internal"}, "endpoint", "must be an object"),
    Case("text for a number", {"models.chat.decode": {"replicas": "2"}}, "models.chat.decode.replicas",
         "must be a whole number"),
    Case("fraction for a whole number", {"models.chat.decode": {"replicas": 1.5}}, "models.chat.decode.replicas",
         "must be a whole number"),
    Case("number for text", {"labels": {"costCenter": 1234}}, "labels.costCenter", "quote it"),
    Case("text for a switch", {"cluster": {"deletionProtection": "no"}}, "cluster.deletionProtection",
         "must be true or false"),
    Case("zero replicas", {"models.chat.prefill": {"replicas": 0}}, "models.chat.prefill.replicas", "at least 1"),
    Case("negative replicas", {"models.chat.decode": {"replicas": -1}}, "models.chat.decode.replicas", "at least 1"),
    Case("TP 3", {"models.chat.decode": {"tensorParallel": 3}}, "models.chat.decode.tensorParallel",
         "one of 1, 2, 4, 8"),
    Case("TP 16", {"models.chat.decode": {"tensorParallel": 16}}, "models.chat.decode.tensorParallel",
         "over the 8 GPUs of a node"),
    Case("BF16 70B on one GPU", {"models.chat.prefill": {"tensorParallel": 1}}, "models.chat.prefill.tensorParallel",
         "use tensorParallel 2"),
    Case("maxModelLen over the model's", {"models.chat.engine": {"maxModelLen": 200000}},
         "models.chat.engine.maxModelLen", "exceeds the maximum of llama-3.3-70b-instruct, 131072"),
    Case("flag that the engine does not know", {"models.chat.engine": {"extraArgs": ["--max-num-sequences", "64"]}},
         "models.chat.engine.extraArgs[0]", "did you mean --max-num-seqs?"),
    Case("flag of the program", {"models.chat.engine": {"extraArgs": ["--enforce-eager", "-tp=4"]}},
         "models.chat.engine.extraArgs[1]", "use `tensorParallel` of a role"),
    Case("too many GPUs for one node", {"models.chat.layout": "single-node", "models.chat.decode": {"replicas": 2}},
         "models.chat", "prefill 2 × 2 + decode 2 × 4 = 12; set decode.replicas to 1"),
    Case("override of a role that is not there", {"models.chat.worker": {"replicas": 1}}, "models.chat.worker",
         "has no worker role"),
    Case("token in plain text", {"hfToken": "hf_plain"}, "hfToken", "in plain text"),
    Case("models as a secret", {"models": {"secure": "v1:abc"}}, "models", "is set as a secret"),
    Case("reservation mode without one", {"capacity": {"mode": "reservation"}}, "capacity.reservation",
         "gcloud compute reservations list"),
    Case("reservation in another mode", {"capacity": {"mode": "spot", "reservation": "r"}}, "capacity.reservation",
         "unused but paid"),
    Case("placement of a reservation", {"capacity.compactPlacement": False}, "capacity.compactPlacement",
         "has no effect with mode reservation, which leaves no choice"),
    Case("placement as text", {"capacity": {"mode": "spot", "compactPlacement": "yes"}}, "capacity.compactPlacement",
         "must be true or false"),
    Case("no capacity for GPU nodes", {"capacity": None}, "capacity", "models.chat needs GPU nodes"),
    Case("RDMA off across nodes", {"network": {"rdma": "none"}}, "network.rdma",
         "accept TCP with models.chat.kvTransfer: tcp"),
    Case("RDMA off on one node", {"network": {"rdma": "none"}, "models.chat.layout": "single-node"}, "network.rdma",
         "NVLink does not work between pods"),
    Case("RDMA off and asked for", {"network": {"rdma": "none"}, "models.chat.kvTransfer": "rdma"}, "network.rdma",
         "200 to 500 times"),
    Case("name for clients with a blank", {"models.chat.servedName": "my model"}, "models.chat.servedName",
         "such as llama-3.3-70b"),
    Case("name for clients that is a flag", {"models.chat.servedName": "--x"}, "models.chat.servedName", "such as"),
    Case("name for clients with two slashes", {"models.chat.servedName": "a/b/c"}, "models.chat.servedName", "such as"),
    Case("name for clients that is empty", {"models.chat.servedName": ""}, "models.chat.servedName", "such as"),
    Case("name for clients as a flag", {"models.chat.engine": {"extraArgs": ["--served-model-name", "x"]}},
         "models.chat.engine.extraArgs[0]", "use `servedName`"),
    Case("unknown transport", {"models.chat.kvTransfer": "TCP"}, "models.chat.kvTransfer", "did you mean tcp?"),
    Case("transport of simulated engines", {"models.chat.layout": "simulated", "models.chat.kvTransfer": "tcp"},
         "models.chat.kvTransfer", "layout simulated moves no KV cache between GPUs of different pods; remove it"),
    Case("transport of aggregated engines", {"models.chat.layout": "aggregated", "models.chat.kvTransfer": "rdma"},
         "models.chat.kvTransfer", "layout aggregated moves no KV cache"),
    Case("whole nodes' NICs for parts of one",
         {"network": {"rdma": "multiNetwork"}, "models.chat.layout": "single-node"}, "network.rdma",
         "models.chat needs engines of all 8 GPUs, but prefill has tensorParallel 2 and decode has "
         "tensorParallel 4; use dranet, or use layout multi-node"),
    Case("whole nodes' NICs for a smaller engine",
         {"network": {"rdma": "multiNetwork"}, "models.chat.prefill": {"tensorParallel": 4}}, "network.rdma",
         "but prefill has tensorParallel 4; use dranet, or set tensorParallel of prefill to 8"),
    Case("names alike but for capitals", {"models.Chat": {"model": "qwen3-32b", "layout": "multi-node"}}, "models.chat",
         "is the same name as Chat"),
    Case("one name the beginning of another", {"models.chat-v2": {"model": "qwen3-32b", "layout": "multi-node"}},
         "models.chat-v2", "begins with the name of another graph, chat"),
    Case("no mode", {"capacity": {"reservation": "my-h200"}}, "capacity.mode",
         "is required; one of reservation, spot, flexStart, onDemand"),
    Case("no model", {"models.chat": {"layout": "multi-node"}}, "models.chat.model", "; one of gpt-oss-120b, llama"),
    Case("neither a card of the catalog nor an own one", {"models.chat": {"layout": "multi-node"}}, "models.chat.model",
         ", or a file such as ./cards/ours.yaml"),
    Case("graph name with capitals", {"models.Other": {"model": "qwen3-32b", "layout": "multi-node"}}, "models.Other",
         "such as chat"),
    Case("address of a wrong form", {"alerts": {"emails": ["oncall"]}}, "alerts.emails[0]",
         "such as oncall@example.com"),
    Case("address named twice", {"alerts": {"emails": ["a@example.com", "a@example.com"]}}, "alerts.emails",
         "a@example.com is given more than once"),
    Case("one address for a list", {"alerts": {"emails": "a@example.com"}}, "alerts.emails", "must be a list"),
    Case("a budget of nothing", {"budget": {"monthlyUsd": 0, "emails": ["a@example.com"]}}, "budget.monthlyUsd",
         "at least 1"),
    Case("a budget without an amount", {"budget": {"emails": ["a@example.com"]}}, "budget.monthly", "is required"),
    Case("a budget with two amounts", {"budget": {"monthly": 1, "monthlyUsd": 1, "emails": ["a@example.com"]}},
         "budget.monthly", "remove monthlyUsd"),
    Case("a budget in no currency", {"budget": {"monthly": 1, "currency": "eur", "emails": ["a@example.com"]}},
         "budget.currency", "such as EUR"),
    Case("a budget that nobody hears of", {"budget": {"monthlyUsd": 1, "emails": []}}, "budget.emails", "is empty"),
    Case("unknown key of the alerts", {"alerts": {"email": ["a@example.com"]}}, "alerts.email", "did you mean emails?"),
    Case("text for the preflight", {"preflight": "no"}, "preflight", "must be true or false"),
    Case("an object for the preflight", {"preflight": {"quota": False}}, "preflight", "must be true or false"),
    Case("label with capitals", {"labels": {"owner": "ML"}}, "labels.owner", "such as ml-platform"),
    Case("a tag that moves", {"versions": {"runtime": "latest"}}, "versions.runtime", "'latest' is no release X.Y.Z"),
    Case("a minor version alone", {"versions": {"platform": "1.6"}}, "versions.platform", "is no release X.Y.Z"),
    Case("a version with a v", {"versions": {"platform": "v1.6.1"}}, "versions.platform", "use 1.6.1"),
    Case("a version as a number", {"versions": {"runtime": 1.6}}, "versions.runtime", "quote it"),
    Case("runtime too new for the operator", {"versions": {"platform": "1.5.0", "runtime": "1.7.0"}},
         "versions.runtime", "too new for operator 1.5.0, which runs 1.3 to 1.6; set versions.runtime to 1.6.1"),
    Case("runtime too old for the operator", {"versions": {"platform": "1.7.0", "runtime": "1.4.2"}},
         "versions.runtime",
         "runtime 1.4.2 is too old for operator 1.7.0, which runs 1.5 to 1.8; raise versions.runtime to 1.5.0"),
    Case("platform newer than any known", {"versions": {"platform": "1.9.0"}}, "versions.platform",
         "1.9.0 is newer than 1.7.0, the newest release in catalog/dynamo.yaml; what it changes is unknown; use 1.7.0"),
    Case("runtime newer than any known", {"versions": {"runtime": "1.7.1"}}, "versions.runtime", "newer than 1.7.0"),
    Case("unknown version", {"versions": {"operator": "1.6.1"}}, "versions.operator", "allowed: platform, runtime"),
    Case("memory share of everything", {"models.chat.engine": {"gpuMemoryUtilization": 1}},
         "models.chat.engine.gpuMemoryUtilization", "less than 1"),
    Case("gateway without clients", {"endpoint": {"exposure": "gateway", "domain": "llm.example.com"}},
         "endpoint.allowedCidrs", "only these clients are admitted"),
    Case("gateway without a domain", {"endpoint": {"exposure": "gateway", "allowedCidrs": ["203.0.113.0/24"]}},
         "endpoint.domain", "the certificate is for it"),
    Case("gateway for everyone",
         {"endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["0.0.0.0/0"]}},
         "endpoint.allowedCidrs[0]", "opens the model to everyone"),
    Case("gateway for everyone, in small ranges",
         {"endpoint": {"exposure": "gateway", "domain": "llm.example.com",
                       "allowedCidrs": [f"{first}.0.0.0/8" for first in range(256)]}},
         "endpoint.allowedCidrs", "0.0.0.0/0 opens the model to everyone"),
    Case("gateway for half of everyone",
         {"endpoint": {"exposure": "gateway", "domain": "llm.example.com",
                       "allowedCidrs": ["203.0.113.0/24", "0.0.0.0/1"]}},
         "endpoint.allowedCidrs[1]", "0.0.0.0/1 opens the model to 57 % of all public IPv4 addresses"),
    Case("gateway for too many, in small ranges",
         {"endpoint": {"exposure": "gateway", "domain": "llm.example.com",
                       "allowedCidrs": [f"{first}.0.0.0/9" for first in (17, 18, 19)]}},
         "endpoint.allowedCidrs", "17.0.0.0/9, 18.0.0.0/9, 19.0.0.0/9 open the model to 0.68 %"),
    Case("gateway for all of IPv6",
         {"endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["2000::/3"]}},
         "endpoint.allowedCidrs[0]", "opens the model to everyone"),
    Case("IPv4 written as IPv6",
         {"endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["::ffff:0:0/96"]}},
         "endpoint.allowedCidrs[0]", "which stand for IPv4 addresses"),
    Case("a range that is none",
         {"endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["10.0.0.1/24"]}},
         "endpoint.allowedCidrs[0]", "is not a range of addresses"),
    Case("clients without a gateway", {"endpoint": {"exposure": "internal", "allowedCidrs": ["203.0.113.0/24"]}},
         "endpoint.allowedCidrs", "belongs to exposure gateway"),
    Case("autoscaling max under min", {"models.chat.autoscaling": {"decode": {"min": 3, "max": 2}}},
         "models.chat.autoscaling.decode.max", "less than min, 3"),
    Case("autoscaling from none", {"models.chat.autoscaling": {"decode": {"min": 0, "max": 2}}},
         "models.chat.autoscaling.decode.min", "at least 1"),
    Case("autoscaling of a role that is not there", {"models.chat.autoscaling": {"worker": {"min": 1, "max": 2}}},
         "models.chat.autoscaling.worker", "has no worker role"),
    Case("replicas under an autoscaler",
         {"models.chat.autoscaling": {"decode": {"min": 1, "max": 2}}, "models.chat.decode": {"replicas": 2}},
         "models.chat.decode.replicas", "is set by the autoscaler"),
    Case("autoscaling of simulated engines",
         {"models.chat.layout": "simulated", "models.chat.autoscaling": {"decode": {"min": 1, "max": 2}}},
         "models.chat.autoscaling.decode", "no queue and no KV cache"),
    Case("autoscaling over the one node",
         {"models.chat.layout": "single-node", "models.chat.autoscaling": {"decode": {"min": 1, "max": 2}}},
         "models.chat", "prefill 2 × 2 + decode 2 × 4 = 12"),
    Case("a role of more engines than a pool has nodes", {"models.chat.prefill": {"replicas": 1001}},
         "models.chat.prefill.replicas", "at most 1000"),
    Case("more nodes than allowed", {"capacity.maxNodes": 1}, "capacity.maxNodes",
         "less than the 2 GPU nodes that the graphs may request (decode 1 + prefill 1)"),
    Case("more nodes than allowed, scaled up",
         {"capacity.maxNodes": 3, "models.chat.autoscaling": {"decode": {"min": 1, "max": 3}}}, "capacity.maxNodes",
         "set capacity.maxNodes to 4"),
    Case("reservation in another zone",
         {"capacity.reservation": "projects/other/zones/us-east5-a/reservations/r"}, "capacity.reservation",
         "is in zone us-east5-a, but the GPU nodes are in europe-west1-b"),
    Case("range with host bits", {"network": {"ranges": {"nodes": "10.0.0.1/20"}}}, "network.ranges.nodes",
         "the range that contains it is 10.0.0.0/20"),
    Case("range that is none", {"network": {"ranges": {"pods": "10.0.0.0-10.4.0.0"}}}, "network.ranges.pods",
         "is not a range of IPv4 addresses"),
    Case("rails over the pods", {"network": {"ranges": {"rdma": "10.4.0.0/18"}}}, "network.ranges.rdma",
         "overlaps network.ranges.pods (10.4.0.0/14)"),
    Case("nodes over the default rails", {"network": {"ranges": {"nodes": "192.168.128.0/20"}}},
         "network.ranges.nodes", "overlaps network.ranges.rdma (192.168.128.0/18)"),
    Case("a /29 for 300 nodes",
         {"capacity.maxNodes": 300, "network": {"ranges": {"nodes": "10.0.0.0/29", "secondGvnic": "10.77.0.0/23"}}},
         "network.ranges.nodes", "too small for 304 nodes: it gives room for 4 of them; a /23 holds them"),
    Case("a second gVNIC for few", {"capacity.maxNodes": 300}, "network.ranges.secondGvnic",
         "too small for 300 GPU nodes: it gives room for 252 of them"),
    Case("pods of few nodes", {"network": {"ranges": {"pods": "10.4.0.0/22"}}}, "network.ranges.pods",
         "too small for 6 nodes: it gives room for 4 of them; a /21 holds them"),
    Case("rails without room", {"network": {"ranges": {"rdma": "192.168.128.0/27"}}}, "network.ranges.rdma",
         "8 subnets, each with room for 0 of them; a /26 holds them"),
    Case("proxies too small", {"network": {"ranges": {"proxies": "10.9.0.0/27"}}}, "network.ranges.proxies",
         "smaller than the /26"),
    Case("rails without RDMA", {"models.chat.layout": "aggregated",
         "network": {"rdma": "none", "ranges": {"rdma": "192.168.128.0/18"}}}, "network.ranges.rdma",
         "has no effect with network.rdma none"),
    Case("existing VPC with ranges",
         {"network": {"existing": {"vpc": "v", "subnet": "s"}, "ranges": {"nodes": "10.0.0.0/20"}}},
         "network.ranges.nodes", "has no effect with network.existing"),
    Case("existing VPC without a subnet", {"network": {"existing": {"vpc": "v"}}}, "network.existing.subnet",
         "is required, such as my-subnet"),
    Case("existing cluster by a wrong name", {"cluster": {"existing": {"name": "My Cluster"}}}, "cluster.existing.name",
         "such as my-cluster"),
    Case("existing cluster with ranges",
         {"cluster": {"existing": {"context": "c"}}, "network": {"ranges": {"pods": "10.4.0.0/14"}}},
         "network.ranges.pods", "has no effect with cluster.existing"),
    Case("existing cluster with rails, without pools",
         {"cluster": {"existing": {"context": "c"}}, "network": {"ranges": {"rdma": "10.4.0.0/18"}}},
         "network.ranges.rdma", "cluster.existing without addGpuPools"),
    Case("existing cluster in an existing VPC",
         {"cluster": {"existing": {"name": "c"}}, "network": {"existing": {"vpc": "v", "subnet": "s"}}},
         "network.existing", "contradicts cluster.existing"),
    Case("existing cluster with a system pool", {"cluster": {"existing": {"name": "c"}, "systemPool": {"nodes": 3}}},
         "cluster.systemPool", "has no effect on an existing cluster"),
    Case("existing cluster of no name", {"cluster": {"existing": {"location": "europe-west1"}}},
         "cluster.existing.name", "unless cluster.existing.context is set"),
    Case("existing cluster of another project", {"cluster": {"existing": {"context": "gke_other_europe-west1_c"}}},
         "cluster.existing.context", "is in project other, but the stack is in my-project"),
    Case("gateway in an existing VPC",
         {"network": {"existing": {"vpc": "v", "subnet": "s"}},
          "endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}},
         "network.ranges.proxies", "the frontends admit only the gateway's proxies"),
    Case("a context and a name of two clusters",
         {"cluster": {"existing": {"context": "gke_my-project_europe-west1_a", "name": "b"}}}, "cluster.existing.name",
         "b is not the cluster of cluster.existing.context, a"),
    Case("a context and a location of two clusters",
         {"cluster": {"existing": {"context": "gke_my-project_europe-west1_a", "location": "europe-west1-b"}}},
         "cluster.existing.location", "is not the location in cluster.existing.context, europe-west1"),
    Case("existing cluster of another region", {"cluster": {"existing": {"name": "c", "location": "us-central1"}}},
         "cluster.existing.location", "is not in region europe-west1"),
    Case("a context of another region", {"cluster": {"existing": {"context": "gke_my-project_us-east5_c"}}},
         "cluster.existing.location", "us-east5 is not in region europe-west1"),
    Case("a context of another region, with its name",
         {"cluster": {"existing": {"context": "gke_my-project_us-east5_c", "name": "c"}}},
         "cluster.existing.location", "us-east5 is not in region europe-west1"),
    Case("an empty context", {"cluster": {"existing": {"context": ""}}}, "cluster.existing.context",
         "such as my-context"),
    Case("proxies of another size than Envoy's",
         {"cluster": {"existing": {"name": "c"}}, "network": {"ranges": {"proxies": "10.9.0.0/30"}},
          "endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}},
         "network.ranges.proxies", "smaller than the /26"),
    Case("a VPC that the stack makes", {"network": {"existing": {"vpc": "dynamo-prod-gvnic", "subnet": "s"}}},
         "network.existing.vpc", "has the name of a network that the stack creates"),
    Case("one range for pods and Services",
         {"network": {"existing": {"vpc": "v", "subnet": "s", "podsRange": "a", "servicesRange": "a"}}},
         "network.existing.servicesRange", "is also the range of the pods"),
    Case("a range for no machine", {"network": {"ranges": {"nodes": "224.0.0.0/20"}}}, "network.ranges.nodes",
         "224.0.0.0/20 is not a range for machines"),
    Case("a range around one for no machine", {"network": {"ranges": {"pods": "126.0.0.0/7"}}}, "network.ranges.pods",
         "126.0.0.0/7 is not a range for machines; an example is 10.4.0.0/14"),
    Case("a range of private and public addresses", {"network": {"ranges": {"rdma": "172.0.0.0/8"}}},
         "network.ranges.rdma", "172.0.0.0/8 holds the special-purpose range 172.16.0.0/12 and other addresses, which "
         "Google Cloud refuses; an example is 192.168.128.0/18"),
    Case("rails over existing proxies",
         {"network": {"existing": {"vpc": "v", "subnet": "s"}, "ranges": {"proxies": "192.168.128.0/23"}},
          "endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}},
         "network.ranges.rdma", "overlaps network.ranges.proxies (192.168.128.0/23)"),
    Case("a label of the program's own", {"labels": {"stack": "other"}}, "labels",
         "stack is set by the program itself"),
    Case("two labels that become one", {"labels": {"costCenter": "a", "cost-center": "b"}}, "labels",
         "two keys become cost-center"),
    Case("a label that grows too long", {"labels": {"a" + "B" * 40: "x"}}, "labels", "longer than the 63 characters"),
    Case("pools for a context", {"cluster": {"existing": {"context": "c", "addGpuPools": True}}},
         "cluster.existing.addGpuPools", "needs cluster.existing.name"),
    Case("maintenance too seldom", {"cluster": {"maintenance": {"days": ["sun"]}}}, "cluster.maintenance.hours",
         "6 on sun is less than the 48 hours in 32 days that GKE requires; use at least 11"),
    Case("no RDMA mode", {"network": {"rdma": None}}, "network.rdma", "null is not one of dranet"),
    Case("a day that is none", {"cluster": {"maintenance": {"days": ["samstag"]}}}, "cluster.maintenance.days[0]",
         "mon, tue"),
    Case("one CPU node", {"cluster": {"systemPool": {"nodes": 1}}}, "cluster.systemPool.nodes", "at least 2"),
    Case("maintenance too short", {"cluster": {"maintenance": {"hours": 3}}}, "cluster.maintenance.hours",
         "at least 4"),
    Case("maintenance at no hour", {"cluster": {"maintenance": {"start": "2:00"}}}, "cluster.maintenance.start",
         "such as 02:00"),
    Case("unknown secret store", {"secrets": {"store": "vault"}}, "secrets.store", "kubernetes, secretManager"),
    Case("a named secret that nobody reads", {"secrets": {"hfToken": "hf-token"}, "hfToken": None}, "secrets.hfToken",
         "store kubernetes does not read; set store to secretManager"),
    Case("a secret by its path", {"secrets": {"store": "secretManager", "hfToken": "projects/p/secrets/s"},
         "hfToken": None}, "secrets.hfToken", "such as hf-token"),
    Case("the token for its secret's name", {"secrets": {"store": "secretManager", "hfToken": "hf_AbCd"},
         "hfToken": None}, "secrets.hfToken", "looks like a Hugging Face token, in plain text"),
    Case("the token twice", {"secrets": {"store": "secretManager", "hfToken": "hf-token"}}, "secrets.hfToken",
         "pulumi config rm dynamo-gke:hfToken"),
    Case("a key by its name alone", {"cluster": {"secretsKey": "secrets"}}, "cluster.secretsKey",
         "such as projects/my-project/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"),
    Case("a key of another region",
         {"cluster": {"secretsKey": "projects/p/locations/us-east5/keyRings/gke/cryptoKeys/secrets"}},
         "cluster.secretsKey", "one in europe-west1"),
    Case("text for Binary Authorization", {"cluster": {"binaryAuthorization": "on"}}, "cluster.binaryAuthorization",
         "must be true or false"),
    Case("no frontend", {"models.chat.frontend": {"replicas": 0}}, "models.chat.frontend.replicas", "at least 1"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_an_error_names_its_path_and_the_remedy(case: Case) -> None:
    found = errors(case.changes)
    assert [f.path for f in found].count(case.path) == 1, found
    (error,) = [f for f in found if f.path == case.path]
    assert case.says in error.message


@pytest.mark.parametrize("name", ["chat-next", "chat-v2", "chat2"])
def test_another_name_is_proposed_once(name: str) -> None:
    (error,) = errors({f"models.{name}": {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}})
    assert error.message.count("rename it, such as ") == 1


# These say one thing in two places by their nature: the duplicate name is also badly formed, the unknown role's
# layout still has its own errors.
WITH_COMPANY = {"names alike but for capitals"}


@pytest.mark.parametrize("case", [c for c in CASES if c.name not in WITH_COMPANY], ids=lambda c: c.name)
def test_one_mistake_is_one_error(case: Case) -> None:
    assert len(errors(case.changes)) == 1, errors(case.changes)


def test_all_errors_come_together() -> None:
    changes = {
        "gcp:project": None,
        "location.zone": "us-east5-a",
        "capacity": {"mode": "reservation"},
        "models.chat.decode": {"tensorParallel": 3, "replicaz": 2},
        "models.other": {"model": "qwen3-32", "layout": "multinode"},
        "labels": {"owner": 1},
        "extra": 1,
    }
    assert [error.path for error in errors(changes)] == [
        "capacity.reservation",
        "extra",
        "gcp:project",
        "labels.owner",
        "location.zone",
        "models.chat.decode.replicaz",
        "models.chat.decode.tensorParallel",
        "models.other.layout",
        "models.other.model",
    ]


def test_a_wrong_value_raises_no_second_error_of_what_hangs_on_it() -> None:
    found = errors({"models.chat.prefill": {"tensorParallel": "1"}, "models.chat.decode": {"tensorParallel": 4}})
    assert [error.path for error in found] == ["models.chat.prefill.tensorParallel"]


@pytest.mark.parametrize(
    ("capacity", "path"),
    [
        ({"machine": "a3-megagpu-8g", "mode": "reserved"}, "capacity.mode"),
        ({"machine": "a3-megagpu-8g"}, "capacity.mode"),
        ("a3-megagpu-8g", "capacity"),
    ],
    ids=["another mode", "no mode", "no block"],
)
def test_a_machine_that_is_not_read_is_not_judged_as_the_default_one(capacity: Any, path: str) -> None:
    zone_without_h200 = {"region": "us-central1", "zone": "us-central1-a"}
    assert [error.path for error in errors({"location": zone_without_h200, "capacity": capacity})] == [path]


def test_a_key_is_not_held_against_a_region_that_is_not_known() -> None:
    key = {"secretsKey": "projects/p/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"}
    for location in (None, {"region": "Belgium", "zone": "europe-west1-b"}):
        found = errors({"cluster": key, "location": location})
        assert "cluster.secretsKey" not in {error.path for error in found}
        assert found


def test_nodes_are_not_counted_against_a_limit_while_a_graph_is_at_error() -> None:
    found = errors({"capacity.maxNodes": 1, "models.chat.autoscaling": {"decode": {"min": 9, "max": 2}}})
    assert [error.path for error in found] == ["models.chat.autoscaling.decode.max"]


def test_a_token_under_a_wrong_key_is_not_repeated() -> None:
    found = errors({"labels": {"owner": "hf_AbCdEf"}, "endpoint": "hf_AbCdEf", "hfTokn": "hf_AbCdEf"})
    assert len(found) == 3
    assert "hf_AbCdEf" not in "".join(map(str, found))


def test_a_stack_name_too_long_for_its_account_is_refused() -> None:
    assert [f.path for f in errors(stack="a-very-long-stack-name")] == ["stack"]


def test_an_encrypted_value_counts_as_present() -> None:
    assert errors() == ()


def test_the_secret_value_never_reaches_the_settings() -> None:
    assert "hfToken" not in "".join(config().values.values())
    assert isinstance(config(), StackConfig)


def test_keys_of_other_tools_are_left_to_them() -> None:
    assert errors({"pulumi:disable-default-providers": ["aws"], "kubernetes:context": "lab", "acme:team": "ml"}) == ()
