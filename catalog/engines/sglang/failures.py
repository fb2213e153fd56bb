"""What SGLang says when KV cache did not move: the texts of sglang/srt/disaggregation, SGLang 0.5.21."""

from catalog import nixl
from catalog.contracts import KnownFailure

# A prefill worker's bootstrap server, from which decode workers of other pods get its ranks and their addresses. Only
# pods of the same graph can reach it. Without the flag Dynamo chooses a random free port.
BOOTSTRAP_PORT = 30001

KNOWN_FAILURES = (
    KnownFailure(
        pattern=r"does NOT support PD different TP sizes|via NIXL does NOT support",
        remedy="SGLang does not move this model's KV cache between these sizes: give prefill and decode the same "
        "tensorParallel and the same groups of attention (--dp-size)",
    ),
    KnownFailure(
        pattern=r"(?i)(page size|kv.?cache.?dtype) mismatch",
        remedy="prefill and decode were started with different settings: wait for the update of both to end, or "
        "run `pulumi up` again",
    ),
    KnownFailure(
        pattern=r"failed to register to bootstrap server",
        remedy="a prefill worker did not reach its own bootstrap server, so decode cannot find it: read the log of "
        "prefill from its start, and restart the pod",
    ),
    KnownFailure(
        pattern=r"KVPoll\.Bootstrapping|(Prefill|Decode) (bootstrap|handshake) failed|info from bootstrap"
        r"|Failed to get prefill server info|Could not fetch bootstrap info",
        remedy=f"prefill and decode did not find each other by the bootstrap server, port {BOOTSTRAP_PORT} of "
        "prefill: check that prefill is Ready, that both were started with the same settings, and the "
        "NetworkPolicy of the graph's pods",
    ),
    KnownFailure(
        pattern=r"Lost connection with prefill instance|kvcache from prefill instance, it might be dead",
        remedy="prefill ended or became unreachable while decode waited for its KV cache: read why prefill's container "
        "ended, and retry the request",
    ),
    KnownFailure(
        pattern=r"KVPoll\.WaitingForInput",
        remedy="decode found prefill but got no KV cache within SGLANG_DISAGGREGATION_WAITING_TIMEOUT, by default "
        "300 s: read prefill's log for failed transfers, and look at its queue, which grows if prefill is too small",
    ),
    *nixl.KNOWN_FAILURES,
)
