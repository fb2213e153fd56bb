"""What must be equal on prefill and decode. SGLang compares page size and KV dtype, which this program sets."""

from collections.abc import Mapping

from catalog.contracts import Compared
from catalog.flags.given import Given, Workers

_ATTENTION, _PREFILL, _DECODE = "--attention-backend", "--prefill-attention-backend", "--decode-attention-backend"

# `get_default_attn_backend` of SGLang 0.5.21 chooses fa3 on Hopper, trtllm_mha or flashinfer on Blackwell, others on
# older GPUs. These two are documented for all of them. Whether one backend reads the KV cache of another is unverified,
# and SGLang does not compare their names.
_EVERYWHERE = "flashinfer"
_WITH_SINKS_OR_LATENT = "triton"


def compared(given: Given, workers: Workers) -> Mapping[str, Compared]:
    """By flag. `workers` are those of one role."""
    attention = given.text(_ATTENTION) or f"SGLang's own choice for compute capability {workers.generation}"
    phases = (given.text(_PREFILL) or attention, given.text(_DECODE) or attention)
    special = workers.card.attention.sinks or workers.card.attention.kind == "mla"
    chosen = not any(name in given for name in (_ATTENTION, _PREFILL, _DECODE))
    common = (_ATTENTION, _WITH_SINKS_OR_LATENT if special else _EVERYWHERE) if chosen else ()
    return {_ATTENTION: Compared(value=" and ".join(dict.fromkeys(phases)), common=common)}
