"""Pages of environments for tests, from goldens and plans: no provider is imported."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from ops.changes.comparison import compare
from ops.changes.previewed import Snapshot
from ops.offline import stackfile
from ops.offline.against_base import AgainstBase
from ops.offline.base_checkout import Base, JudgedByBase
from ops.offline.dry_run import DryRun
from ops.offline.judged import Judged
from ops.offline.recorded import Recording
from ops.offline.verdicts import Verdict
from ops.report.page.view import Page, page
from planning.load import load
from planning.plan import plan
from settings.stack_config import StackConfig
from tests.stacks import ROOT, config

SCRIPT = "<script>window.ran=1</script>"
SEVERAL: Mapping[str, Any] = {
    "models": {
        "chat": {
            "model": "llama-3.3-70b-instruct",
            "layout": "multi-node",
            "prefill": {"replicas": 30},
            "decode": {"replicas": 32},
            "engine": {"extraArgs": [f"--custom-jinja-template=/models/{SCRIPT}"]},
        },
        "small": {"model": "llama-3.3-70b-instruct-fp8", "layout": "single-node"},
        "one": {"model": "llama-3.3-70b-instruct-fp8", "layout": "aggregated"},
    },
    "capacity.maxNodes": 64,
    "endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]},
}
"""64 GPU nodes, three deployments, a public endpoint, and an argument with a script in it."""

REORDERED = "\u202edesrever\u202c שלום"
"""Text with marks that reorder it, and text that is read from right to left."""
CROWDED: Mapping[str, Any] = {
    "models": {
        "n" * 30: {
            "model": "llama-3.3-70b-instruct",
            "layout": "multi-node",
            "servedName": "served-" + "x" * 50,
            "autoscaling": {"prefill": {"min": 1, "max": 3}, "decode": {"min": 1, "max": 5}},
        },
        "sgl": {"model": "qwen3-32b", "layout": "single-node", "engine": {"name": "sglang"}},
        "trt": {"model": "qwen3-32b", "layout": "multi-node", "engine": {"name": "trtllm"}},
        "half": {
            "model": "llama-3.3-70b-instruct-fp8",
            "layout": "aggregated",
            "worker": {"replicas": 1, "tensorParallel": 4},
        },
        "wide": {"model": "llama-3.3-70b-instruct-fp8", "layout": "multi-node-aggregated"},
        "oss": {
            "model": "gpt-oss-120b",
            "layout": "single-node",
            "engine": {"extraArgs": [f"--custom-jinja-template=/models/{REORDERED}"]},
        },
        "small": {
            "model": "llama-3.1-8b-instruct",
            "layout": "aggregated",
            "worker": {"replicas": 8, "tensorParallel": 1},
        },
        "spot": {
            "model": "llama-3.3-70b-instruct-fp8",
            "layout": "multi-node",
            "decode": {"capacity": {"mode": "spot"}},
        },
    },
    "capacity.maxNodes": 40,
    "capacity.reservation": "r" * 60,
}
"""Eight deployments of three engines, long names, autoscaling, two capacity modes, nodes that engines share."""
ELSEWHERE: Mapping[str, Any] = {
    "capacity": {"machine": "a3-highgpu-8g", "mode": "spot"},
    "network": {
        "existing": {
            "vpc": "corporate-" + "n" * 50, "subnet": "s" * 60, "podsRange": "pods", "servicesRange": "services",
            "project": "host-project",
        },
    },
    "models.chat.kvTransfer": "tcp",
    "endpoint": {"exposure": "none"},
}  # fmt: skip
"""An existing VPC with long names, KV cache over TCP, a price that is only bounded, no load balancer."""


@cache
def shipped(stack: str) -> Page:
    """The page of a shipped stack, by its golden preview."""
    return page(_judged(stackfile.read(ROOT, stack), stack))


def of(changes: Mapping[str, Any]) -> Page:
    """The page of a changed stack, with the resources of prod."""
    return page(_judged(config(dict(changes)), "prod"))


def changed() -> Page:
    """The page of prod on a base that had the resources of staging: resources of every kind of change."""
    before, after = (_golden(stack) for stack in ("staging", "prod"))
    for preview in (before, after):
        text = (
            json.dumps(preview["resources"]).replace("dynamo-staging", "dynamo-prod").replace("::staging::", "::prod::")
        )
        preview["resources"] = json.loads(text.replace("urn:pulumi:staging", "urn:pulumi:prod"))
    found = _judged(stackfile.read(ROOT, "prod"), "prod")
    verdict = Verdict(policy="no-buckets", level="mandatory", urn="urn::bucket", message="a bucket", remedy="no bucket")
    found = replace(found, verdicts=[verdict])
    base = Base(
        ref="main", commit="c0ffee" * 6, snapshot=Snapshot.from_wire(before), note=None, policies={}, judging={},
        judged=JudgedByBase(),
    )  # fmt: skip
    comparison = compare(base.snapshot, Snapshot.from_wire(after))
    return page(found, AgainstBase(head=found, base=base, comparison=comparison, warnings=()))


def _judged(given: StackConfig, recorded: str) -> Judged:
    golden = _golden(recorded)
    planned = replace(plan(load(given)), warnings=tuple(golden["plan"]["warnings"]))
    run = DryRun(config=given, plan=planned, recording=Recording.from_wire(golden))
    verdicts = [Verdict(**verdict) for verdict in golden["policies"]]
    return Judged(run=run, verdicts=verdicts, rules=golden["rules"], weak=())


def _golden(stack: str) -> dict[str, Any]:
    return json.loads((ROOT / f"tests/golden/{stack}.preview.json").read_text(encoding="utf-8"))
