"""How an operation of Google Cloud fails as a rehearsal asked, and what is left then."""

import threading
from dataclasses import dataclass

from ops.rehearsal.google.faults import Effect, Fault, Faults, Operation
from ops.rehearsal.google.operations import ApiError
from policies import kinds

RETRY_SECONDS = 0.1
"""Between two tries of a refused operation of a node pool; the provider's own waits grow to ten seconds."""

WORDS = {
    Effect.FAIL: "googleapi: Error 503: The service is currently unavailable., backendError",
    Effect.STOCKOUT: (
        "error waiting for creating GKE NodePool: Google Compute Engine: Not all instances running in IGM after "
        "35m0s. Expected nodes are missing. Current errors: [ZONE_RESOURCE_POOL_EXHAUSTED]: Instance creation failed: "
        "The zone does not have enough resources available to fulfill the request.  Try a different zone, or try "
        "again later."
    ),
    Effect.TIMEOUT: "timeout while waiting for state to become 'DONE' (last state: 'RUNNING')",
    Effect.PRECONDITION: "googleapi: Error 400: Cluster is running incompatible operation., failedPrecondition",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an operation that took place ends badly."""

    words: str
    nodes: bool = True
    """Whether a node pool gets its nodes."""


class Failing:
    """Asks for the fault of each operation, and waits or raises as it says."""

    def __init__(self, faults: Faults, cancelled: threading.Event) -> None:
        self._faults = faults
        self._cancelled = cancelled

    def meet(self, type_: str, urn: str, operation: Operation) -> Outcome | None:
        """The bad end of an operation that takes place. Raises ApiError if it does not take place."""
        while fault := self._faults.take(urn, operation):
            words = fault.message or WORDS.get(fault.effect, "")
            match fault.effect:
                case Effect.DELAY:
                    self._wait(fault.seconds)
                case Effect.PRECONDITION if type_ == kinds.NODE_POOL:
                    self._wait(RETRY_SECONDS)
                case Effect.TIMEOUT:
                    return Outcome(words=words)
                case Effect.STOCKOUT:
                    _only_pools(type_, fault)
                    return Outcome(words=words, nodes=False)
                case _:
                    raise ApiError(words)
        return None

    def _wait(self, seconds: float) -> None:
        if self._cancelled.wait(seconds):
            raise ApiError("the operation was cancelled")


def _only_pools(type_: str, fault: Fault) -> None:
    if type_ != kinds.NODE_POOL or fault.operation is not Operation.CREATE:
        raise ApiError(f"the fault {fault.effect} for {fault.urn} is for the creation of node pools only")
