"""How the pods of a graph end: what happens between the call to stop and the kill, in seconds that add up.

Kubernetes kills a pod `terminationGracePeriodSeconds` after it was told to stop, whatever still runs in it. Dynamo's
own defaults go beyond that on one side (its runtime waits 900 s) and far below it on the other (an engine serves on for
5 s, then aborts), so each of them is set.
"""

from catalog.contracts import Role

# The pod's, unless an engine drains so long that it needs more.
GRACE_SECONDS = 600

# A frontend answers 503 from the moment it is told to stop. It is told that much later than the Service, so that load
# balancers have stopped sending by then. The pod's grace includes it.
PRE_STOP_SECONDS = 15

# For what closes last in a process: servers, the engine, its connections.
EXIT_SECONDS = 60

# Between the last of these and the kill.
_SPARE_SECONDS = 30

# How long a frontend waits for the answers that still run. Its own 5 s give up the state that a stream may need; seen
# with mockers over plain HTTP, the stream itself goes on.
ANSWERS_SECONDS = GRACE_SECONDS - PRE_STOP_SECONDS - EXIT_SECONDS
FRONTEND_ENV = {
    "DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS": str(ANSWERS_SECONDS),
    "DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS": str(ANSWERS_SECONDS),
}

# How long an engine that is told to stop serves on before it aborts what still runs. No new request reaches it then.
# The time is fixed: an idle engine takes it, too. Prefill needs it only for KV cache that decode still reads.
DRAIN_SECONDS = {Role.PREFILL: 60, Role.DECODE: 120, Role.WORKER: 120}

# How long Dynamo's runtime in an engine then waits for its endpoints. A simulated engine, which drains nothing itself,
# serves on for as long.
RUNTIME_SECONDS = 300

# GKE waits an hour for the pods of a node that it upgrades, then goes on without them.
NODE_DRAIN_SECONDS = 3600

MAX_DRAIN_SECONDS = NODE_DRAIN_SECONDS - RUNTIME_SECONDS - EXIT_SECONDS - _SPARE_SECONDS


def worker_grace(drain: int) -> int:
    """The `terminationGracePeriodSeconds` of an engine's pod that drains for so many seconds."""
    return max(GRACE_SECONDS, drain + RUNTIME_SECONDS + EXIT_SECONDS + _SPARE_SECONDS)


def worker_env(drain: int) -> dict[str, str]:
    """What an engine reads of this: its own drain, then the wait of Dynamo's runtime in it."""
    return {
        "DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS": str(drain),
        "DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS": str(RUNTIME_SECONDS),
    }
