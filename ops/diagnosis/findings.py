"""What a diagnosis says: one finding a cause, in the order of what to fix first."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Cause(StrEnum):
    """Why a graph is not served yet. In the order of what to fix first: what hangs on another comes after it."""

    OPERATOR = "operator"
    NOT_DEPLOYED = "notDeployed"
    DELETING = "deleting"
    REFUSED = "refused"
    WEIGHTS = "weights"
    GATE = "schedulingGate"
    QUOTA = "quota"
    CAPACITY = "capacity"
    TAINT = "taint"
    CLAIM = "nicClaim"
    RESOURCES = "resources"
    IMAGE = "image"
    START = "containerStart"
    CRASH = "crash"
    LOADING = "loading"
    READINESS = "readiness"
    ROLLING = "rollingUpdate"
    OLD_GENERATION = "oldGeneration"
    ROUTING = "notRoutable"
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
