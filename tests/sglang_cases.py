"""Extra arguments of SGLang that must be refused or taken, and whether the engine itself refuses them at start."""

from dataclasses import dataclass

LLAMA, MOE = "llama-3.3-70b-instruct", "gpt-oss-120b"


@dataclass(frozen=True)
class Refused:
    """Words that one error is about. `at` is the word with the error, `says` a part of its message."""

    words: tuple[str, ...]
    at: int
    says: str
    engine_refuses: bool | None
    """Whether SGLang's own check raises; False where it starts and harm follows, None where that is not asked here."""
    model: str = LLAMA

    @property
    def name(self) -> str:
        return f"{self.model} {' '.join(self.words)}"


@dataclass(frozen=True)
class Taken:
    """Words without an error."""

    words: tuple[str, ...]
    model: str = LLAMA

    @property
    def name(self) -> str:
        return f"{self.model} {' '.join(self.words)}"


_DP = "--enable-dp-attention"
_PARSERS = ("--tool-call-parser", "llama3", "--dyn-tool-call-parser", "llama3_json")

REFUSED = [
    Refused(("--chunked-prefill-size", "1000"), 1, "not a multiple of the page size, 64; use 1024", True),
    Refused(_PARSERS, 1, "Dynamo refuses it", True),
    Refused(("--dyn-reasoning-parser", "deepseek_r1"), 1, "add --reasoning-parser deepseek-r1", False),
    Refused(("--dyn-reasoning-parser", "gpt_oss"), 1, "add --reasoning-parser gpt-oss", False),
    Refused(("--reasoning-parser", "deepseek-r1"), 1, "add --dyn-reasoning-parser deepseek_r1", False),
    Refused(("--reasoning-parser", "qwen3", "--dyn-reasoning-parser", "gpt_oss"), 1, "use gpt-oss", False),
    Refused(("--schedule-policy", "priority"), 1, "--enable-priority-scheduling", False),
    Refused(("--retraction-policy", "priority"), 1, "--enable-priority-scheduling", True),
    Refused(("--torch-compile-max-bs", "8"), 1, "no effect without --enable-torch-compile", False),
    Refused(("--disable-cuda-graph-padding", "--enable-torch-compile"), 0, "with --enable-torch-compile", True),
    # SGLang takes pages of 128 tokens in silence, or asks the GPU that is not there.
    Refused(("--attention-backend", "fa4"), 1, "pages of 128", None),
    Refused(("--attention-backend", "trtllm_mla"), 1, "not known to run llama-3.3-70b-instruct on H200", None),
    Refused(("--attention-backend", "flashinfer"), 1, "use one of fa3, triton, trtllm_mha", None, MOE),
    Refused(("--swa-full-tokens-ratio", "0.5"), 0, "no layers with a sliding window", False),
    Refused(("--swa-full-tokens-ratio", "1.5"), 1, "at most 1", True, MOE),
    Refused(("--random-seed", "-1"), 1, "at least 0", False),
    Refused(("--max-running-requests", "0"), 1, "at least 1", False),
    Refused((_DP, "--dp-size", "2"), 0, "mixtures of experts and latent attention", False),
    Refused(("--ep-size", "2"), 1, "is a dense model", False),
    Refused(("--dp-size", "2"), 1, "add --enable-dp-attention", False, MOE),
    Refused((_DP,), 0, "no effect without --dp-size", False, MOE),
    Refused((_DP, "--dp-size", "3"), 2, "does not divide tensorParallel", True, MOE),
    Refused(("--ep-size", "3"), 1, "does not divide tensorParallel", False, MOE),
    Refused(("--enable-dp-lm-head",), 0, "no effect without --enable-dp-attention", False, MOE),
    Refused(("--moe-dense-tp-size", "2"), 1, "must be 1 or tensorParallel", True, MOE),
    Refused(("--moe-a2a-backend", "deepep"), 0, "libraries and buffers", None, MOE),
    Refused((_DP, "--dp-size", "4", "--chunked-prefill-size", "4160"), 4, "use 4096", True, MOE),
]

TAKEN = [
    Taken(("--chunked-prefill-size", "4096", "--max-running-requests", "128")),
    Taken(("--chunked-prefill-size", "-1")),
    Taken(("--dyn-reasoning-parser", "qwen3", "--reasoning-parser", "qwen3")),
    Taken(("--dyn-reasoning-parser", "deepseek_r1", "--reasoning-parser", "deepseek-r1")),
    Taken(("--dyn-tool-call-parser", "llama3_json")),
    Taken(("--cuda-graph-backend-decode", "disabled", "--cuda-graph-backend-prefill", "disabled")),
    Taken(("--disable-overlap-schedule", "--schedule-policy", "lpm")),
    Taken(("--enable-torch-compile", "--torch-compile-max-bs", "8")),
    Taken(("--attention-backend", "fa3"), MOE),
    Taken((_DP, "--dp-size", "2", "--ep-size", "4"), MOE),
    Taken(("--data-parallel-size", "2", _DP, "--ep", "4", "--moe-dense-tp-size", "1"), MOE),
]
