"""The choices behind the cases: deployed stacks, values that no declaration gives, settings changed together."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog import releases
from catalog.contracts import Role
from catalog.engines import engine_names
from catalog.layouts import layout_names
from catalog.machines import cpu_machine_names
from catalog.models import card_names

GRAPH = "chat"
"""The graph of every shipped stack, which stands for `*` in a path."""

BASES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "prod": ("prod", ()),
    # What prod leaves out.
    "full": (
        "prod",
        (
            "capacity={mode: flexStart}",
            "network.rdma=dranetAuto",
            f"models.{GRAPH}.layout=aggregated",
            f"models.{GRAPH}.autoscaling.worker={{min: 1, max: 2}}",
            "endpoint={exposure: gateway, domain: llm.example.com, allowedCidrs: [8.8.8.0/24]}",
            "secrets={store: secretManager, hfToken: hf-token}",
            "alerts={emails: [oncall@example.com]}",
            "budget={monthlyUsd: 140000, emails: [ml-platform@example.com]}",
            "cluster.binaryAuthorization=true",
            "cluster.secretsKey=projects/my-project/locations/europe-west1/keyRings/gke/cryptoKeys/secrets",
        ),
    ),
}
"""Name → stack file and overrides of what is deployed before a change."""


def stack_of(base: str) -> tuple[str, Sequence[str]]:
    """Stack file and overrides of a base. Every other shipped stack is one without overrides."""
    return BASES.get(base, (base, ()))


NEVER: Mapping[str, str] = {
    "stack": "another name is another deployment",
    "renamed": "set by the loader, no key of a stack file",
    **{
        f"models.*.{role}.capacity.{key}": "refused there: it belongs to the stack's own capacity, or to the role"
        for role in Role
        for key in ("machine", "maxNodes")
    },
    "cluster.existing": "a rehearsal has no cluster but its own, and does not know what another one holds",
}
"""Settings, or blocks of them, that no case changes, and why."""

# Another one with RDMA NICs, one without, and a small one.
_MACHINES = ("a4-highgpu-8g", "a3-megagpu-8g", "g2-standard-96")
VALUES: Mapping[str, Sequence[Any]] = {
    "project": ("other-project",),
    "location.region": ("us-central1",),
    "location.zone": ("europe-west1-c", "us-central1-b"),
    "location.allowUnlisted": (True, False),
    "models.*.model": card_names(),
    "models.*.layout": layout_names(),
    "models.*.engine.name": engine_names(),
    "models.*.engine.maxModelLen": (16384,),
    "models.*.engine.extraArgs": (["--max-num-seqs", "64"], ["--trust-remote-code"]),
    "models.*.engine.allowCode": (["--trust-remote-code"],),
    "models.*.{role}.extraArgs": (["--max-num-seqs", "32"],),
    "models.*.{role}.machine": _MACHINES,
    "capacity.machine": _MACHINES,
    "network.ranges.nodes": ("10.0.0.0/19", "10.64.0.0/20"),
    "network.ranges.pods": ("10.64.0.0/14",),
    "network.ranges.services": ("10.64.0.0/20",),
    "network.ranges.proxies": ("10.64.0.0/23",),
    "network.ranges.secondGvnic": ("192.168.65.0/24",),
    "network.ranges.rdma": ("192.168.192.0/18",),
    "network.existing.project": ("host-project",),
    "network.existing.podsRange": ("gke-pods",),
    "network.existing.servicesRange": ("gke-services",),
    "cluster.systemPool.machine": cpu_machine_names(),
    "cluster.maintenance.start": ("03:30",),
    "endpoint.domain": ("llm.example.org",),
    "endpoint.allowedCidrs": (["8.8.4.0/24"],),
    "versions.platform": releases.known(),
    "versions.runtime": releases.known(),
}
"""Values of settings whose declaration gives none that another stack would have; `{role}` stands for each role."""

TOGETHER: Sequence[tuple[str, ...]] = (
    ("capacity.mode", "network.rdma"),
    ("capacity.machine", "models.*.layout"),
    ("capacity.machine", "network.rdma"),
    ("capacity.machine", "capacity.mode", "location.allowUnlisted"),
    ("capacity.machine", "models.*.kvTransfer", "network.rdma"),
    ("location.region", "location.zone"),
    ("location.zone", "location.allowUnlisted"),
    ("location.zone", "location.allowUnlisted", "network.rdma"),
    ("models.*.model", "models.*.layout"),
    ("models.*.model", "models.*.engine.name"),
    ("models.*.model", "models.*.updateStrategy"),
    ("models.*.model", "secrets.store"),
    ("models.*.kvTransfer", "network.rdma"),
    ("models.*.layout", "models.*.worker.replicas"),
    ("models.*.prefill.machine", "models.*.prefill.capacity.mode", "location.allowUnlisted"),
    ("models.*.decode.machine", "models.*.decode.capacity.mode", "location.allowUnlisted"),
    ("models.*.worker.machine", "models.*.worker.capacity.mode", "location.allowUnlisted"),
    ("models.*.prefill.replicas", "models.*.autoscaling.decode.min", "models.*.autoscaling.decode.max"),
    ("models.*.engine.extraArgs", "models.*.engine.allowCode"),
    ("models.*.decode.tensorParallel", "models.*.decode.replicas"),
    ("cluster.deletionProtection", "weights.keep"),
    ("cluster.deletionProtection", "capacity.mode"),
    ("cluster.systemPool.machine", "cluster.systemPool.nodes"),
    ("cluster.maintenance.days", "cluster.maintenance.hours"),
    ("project", "location.region", "location.zone"),
    ("secrets.store", "secrets.hfToken"),
    ("versions.platform", "versions.runtime"),
    ("labels", "capacity.mode"),
    ("labels", "models.*.model"),
)
"""Settings that decide together what a resource becomes, or whether a stack is valid."""

BLOCKS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("prod", ("models.more={model: qwen3-0.6b, layout: simulated}",)),
    ("prod", (f"models.{GRAPH}=", "models.talk={model: llama-3.3-70b-instruct, layout: multi-node}")),
    ("prod", ("endpoint={exposure: gateway, domain: llm.example.com, allowedCidrs: [8.8.8.0/24]}",)),
    ("prod", ("budget=",)),
    ("prod", ("labels=",)),
    ("full", (f"models.{GRAPH}.autoscaling=", f"models.{GRAPH}.worker.replicas=3")),
)
"""Base, and the blocks of it that come or go."""
