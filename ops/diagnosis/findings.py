"""The findings of a diagnosis: one per cause, sorted by what to fix first."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Cause(StrEnum):
    """Why a graph is not Ready, sorted by what to fix first: a consequence comes after its cause."""

    RELEASE = "helmRelease"
    OPERATOR = "operator"
    WEIGHTS = "weights"
    DELETING = "deleting"
    REFUSED = "refused"
    OLD_GENERATION = "oldGeneration"
    """Terminating workers or workers of an older generation, which hold GPUs that others wait for."""
    GATE = "schedulingGate"
    QUOTA = "quota"
    CAPACITY = "capacity"
    NODE_GPUS = "nodeGpus"
    """A node that offers fewer GPUs than its machine has."""
    TAINT = "taint"
    CLAIM = "nicClaim"
    RESOURCES = "resources"
    POD_FAILED = "podFailed"
    """A failed pod that is not restarted: evicted, rejected by its node, preempted, shut down with its node."""
    IMAGE = "image"
    START = "containerStart"
    PROBE = "probe"
    """A container that the kubelet killed because a probe failed."""
    CRASH = "crash"
    LOADING = "loading"
    READINESS = "readiness"
    NOT_DEPLOYED = "notDeployed"
    ROLLING = "rollingUpdate"
    ROUTING = "notRoutable"
    VERIFICATION = "verification"
    ENDPOINT = "endpoint"
    STALE_PEERS = "stalePeers"
    """One role of a pair was restarted; workers of the other may hold NIXL agents of engines that are gone."""
    UNEXPLAINED = "unexplained"
    """An unknown state; the sentence repeats what was seen without guessing."""
    READY = "ready"


ORDER = {cause: place for place, cause in enumerate(Cause)}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One cause of one graph: one sentence on what is wrong and what to do, and the objects that show it."""

    graph: str
    cause: Cause
    objects: tuple[str, ...]
    """`kind/name`, as kubectl takes it."""
    message: str


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings sorted by graph and by what to fix first; equal findings are merged with all their objects."""
    said: dict[tuple[str, Cause, str], Finding] = {}
    for finding in findings:
        key = (finding.graph, finding.cause, finding.message)
        before = said[key].objects if key in said else ()
        said[key] = replace(finding, objects=tuple(dict.fromkeys((*before, *finding.objects))))
    return tuple(sorted(said.values(), key=lambda f: (f.graph, ORDER[f.cause], f.message)))
