"""Shutdown of a graph's pods: the seconds of each step between SIGTERM and SIGKILL.

Kubernetes kills a pod `terminationGracePeriodSeconds` after the pod starts to terminate, even if it still serves.
Dynamo's defaults do not fit that: its runtime waits longer (900 s), and an engine aborts far too early (after 5 s). So
this program sets every step.
"""

from catalog.contracts import Role

# Grace period of a pod, unless the drain of its engine needs more.
GRACE_SECONDS = 600

# Delay between a frontend's removal from the Service and its SIGTERM, so that load balancers have stopped sending
# requests: from SIGTERM on it answers 503. The pod's grace period includes the delay.
PRE_STOP_SECONDS = 15

# Time to close servers, the engine and its connections at the end of a process.
EXIT_SECONDS = 60

# Spare time before SIGKILL.
_SPARE_SECONDS = 30

# Time that a frontend waits for running answers. Its default of 5 s drops state that a stream may need, although with
# mockers over plain HTTP the stream itself continued.
ANSWERS_SECONDS = GRACE_SECONDS - PRE_STOP_SECONDS - EXIT_SECONDS
FRONTEND_ENV = {
    "DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS": str(ANSWERS_SECONDS),
    "DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS": str(ANSWERS_SECONDS),
}

# Time after SIGTERM in which an engine finishes running requests before it aborts them. It gets no new requests. The
# time is fixed: an idle engine waits, too. Prefill needs it only for KV cache that decode still reads.
DRAIN_SECONDS = {Role.PREFILL: 60, Role.DECODE: 120, Role.WORKER: 120}

# Time that Dynamo's runtime in an engine then waits for its endpoints. A simulated engine has no drain of its own and
# finishes its requests in this time.
RUNTIME_SECONDS = 300

# Time that GKE waits for the pods of a node that it upgrades. Then it deletes the node.
NODE_DRAIN_SECONDS = 3600

MAX_DRAIN_SECONDS = NODE_DRAIN_SECONDS - RUNTIME_SECONDS - EXIT_SECONDS - _SPARE_SECONDS


def worker_grace(drain: int) -> int:
    """The `terminationGracePeriodSeconds` of a pod whose engine drains for `drain` seconds."""
    return max(GRACE_SECONDS, drain + RUNTIME_SECONDS + EXIT_SECONDS + _SPARE_SECONDS)


def worker_env(drain: int) -> dict[str, str]:
    """Environment variables of an engine: its drain time, and the wait of Dynamo's runtime after it."""
    return {
        "DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS": str(drain),
        "DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS": str(RUNTIME_SECONDS),
    }
