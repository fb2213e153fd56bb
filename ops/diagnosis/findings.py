"""What a diagnosis says: one finding a cause, in the order of what to fix first."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Cause(StrEnum):
    """Why a graph is not served yet. In the order of what to fix first: what hangs on another comes after it."""

    RELEASE = "helmRelease"
    OPERATOR = "operator"
    WEIGHTS = "weights"
    DELETING = "deleting"
    REFUSED = "refused"
    OLD_GENERATION = "oldGeneration"
    """Workers of a generation before, or workers that end: they hold the GPUs that others wait for."""
    GATE = "schedulingGate"
    QUOTA = "quota"
    CAPACITY = "capacity"
    NODE_GPUS = "nodeGpus"
    """A node that offers fewer GPUs than its machine has."""
    TAINT = "taint"
    CLAIM = "nicClaim"
    RESOURCES = "resources"
    POD_FAILED = "podFailed"
    """A pod that has ended and is not restarted: evicted, refused by its node, preempted, shut down with it."""
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
    """What was seen fits no cause that is known here: the sentence repeats it and guesses nothing."""
    READY = "ready"


ORDER = {cause: place for place, cause in enumerate(Cause)}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One cause of one graph: what it waits for and what to do, in one sentence, and the objects that show it."""

    graph: str
    cause: Cause
    objects: tuple[str, ...]
    """`kind/name`, as kubectl takes it."""
    message: str


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorted by graph and by what to fix first; what is said of several objects is said once, with all of them."""
    said: dict[tuple[str, Cause, str], Finding] = {}
    for finding in findings:
        key = (finding.graph, finding.cause, finding.message)
        before = said[key].objects if key in said else ()
        said[key] = replace(finding, objects=tuple(dict.fromkeys((*before, *finding.objects))))
    return tuple(sorted(said.values(), key=lambda f: (f.graph, ORDER[f.cause], f.message)))
