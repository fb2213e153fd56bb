"""Recordings of the shipped stacks with one thing changed."""

import re
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

from ops.offline import stackfile
from ops.offline.recorded import Recording, Resource
from ops.offline.recording import record
from ops.offline.verdicts import Verdict, judge
from tests.stacks import ROOT, recorded

GATEWAY = '{"exposure": "gateway", "domain": "models.example.com", "allowedCidrs": ["203.0.113.0/24"]}'


def judged_by_others(recording: Recording, config: dict[str, Any] | None = None) -> list[Verdict]:
    """The verdicts of all rules except known-inputs, which alone would reject most inputs of an attacker."""
    return judge(recording, {**(config or {}), "known-inputs": "disabled"})


@cache
def with_gateway() -> Recording:
    """The prod stack with a public gateway."""
    return record(ROOT, stackfile.read(ROOT, "prod", [f"endpoint={GATEWAY}"]))


@cache
def with_networks_by_name() -> Recording:
    """The prod stack with NICs that pods get by network names, not by claims."""
    return record(ROOT, stackfile.read(ROOT, "prod", ["network.rdma=multiNetwork"]))


@cache
def prod_with(*overrides: str) -> Recording:
    """The prod stack with settings changed."""
    return record(ROOT, stackfile.read(ROOT, "prod", list(overrides)))


def with_extra_args(*words: str) -> Recording:
    """The prod stack with more words at the end of a worker's command line."""
    path = "spec.components[1].podTemplate.spec.containers[0].args"
    graph = next(r for r in prod().resources if r.type.endswith("DynamoGraphDeployment"))
    args = graph.inputs["spec"]["components"][1]["podTemplate"]["spec"]["containers"][0]["args"]
    return changed(prod(), "DynamoGraphDeployment", graph.name, path, [*args, *words])


def changed(recording: Recording, suffix: str, name: str, path: str, value: Any) -> Recording:
    """One input of one resource changed; `path` has list indexes in brackets."""
    *parents, last = [int(key) if key.isdigit() else key for key in re.findall(r"[^.\[\]]+", path)]

    def apply(resource: Resource) -> Resource:
        inputs = deepcopy(resource.inputs)
        block: Any = inputs
        for key in parents:
            block = block[key]
        block[last] = value
        return replace(resource, inputs=inputs)

    return _mapped(recording, suffix, name, apply)


def unprotected(recording: Recording, suffix: str, name: str) -> Recording:
    return _mapped(recording, suffix, name, lambda resource: replace(resource, options={}))


def independent(recording: Recording, suffix: str, name: str, *, but_for: str | None = None) -> Recording:
    """The recording with one resource that depends only on resources of a type."""
    needed = tuple(r.urn for r in recording.resources if but_for and r.type.endswith(but_for))
    return _mapped(recording, suffix, name, lambda resource: replace(resource, depends_on=needed))


def without(recording: Recording, suffix: str) -> Recording:
    kept = tuple(resource for resource in recording.resources if not resource.type.endswith(suffix))
    assert len(kept) < len(recording.resources)
    return replace(recording, resources=kept)


def added(recording: Recording, type_: str, inputs: dict[str, Any]) -> Recording:
    resource = Resource(
        urn=f"urn:pulumi:prod::dynamo-gke::{type_}::added",
        type=type_,
        name="added",
        parent=None,
        provider=None,
        inputs=inputs,
        depends_on=(),
        options={},
        secret_paths=(),
    )
    return replace(recording, resources=(*recording.resources, resource))


def _mapped(recording: Recording, suffix: str, name: str, change: Any) -> Recording:
    matches = [r for r in recording.resources if r.type.endswith(suffix) and r.name == name]
    assert len(matches) == 1, f"{len(matches)} resources end with {suffix} and are called {name}"
    return replace(recording, resources=tuple(change(r) if r is matches[0] else r for r in recording.resources))


def prod() -> Recording:
    return recorded("prod")
