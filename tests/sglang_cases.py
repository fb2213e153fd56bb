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
    Refused(("--attention-backend", "trtllm_mla"), 1, "for multi-head latent attention", None),
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
    Refused(("--schedule-conservativeness", "-1"), 1, "at least 0", True),
    Refused(("--schedule-conservativeness", "-0.5"), 1, "at least 0", True),
    Refused(("--prompt-tokens-buckets", "foo"), 1, "is not one of default, tse, custom", True),
    Refused(("--prompt-tokens-buckets", "tse", "100", "1", "5"), 1, "the base more than 1", True),
    Refused(("--prompt-tokens-buckets", "tse", "100", "2", "5.5"), 1, "a whole number", True),
    Refused(("--prompt-tokens-buckets", "tse", "100", "2"), 1, "three numbers", True),
    Refused(("--prompt-tokens-buckets", "custom"), 1, "at least one number", True),
    Refused(("--prompt-tokens-buckets", "custom", "1", "1"), 1, "given twice", True),
    Refused(("--prompt-tokens-buckets", "custom", "x", "y"), 1, "must be numbers", True),
    Refused(("--prompt-tokens-buckets", "custom", "-1", "5"), 1, "at least 0", True),
    Refused(("--prompt-tokens-buckets", "default", "1"), 1, "takes no numbers", True),
    Refused(("--generation-tokens-buckets", "bogus"), 1, "is not one of default, tse, custom", True),
    Refused(("--bucket-time-to-first-token", "5", "1"), 1, "larger than the one before", False),
    Refused(("--gc-threshold", "1", "2", "3", "4"), 1, "3 generations", True),
    Refused(("--log-level", "foo"), 1, "is not one of debug", False),
    Refused(("--enable-deterministic-inference", "--attention-backend", "trtllm_mha"), 2, "deterministically", True),
    Refused(("--moe-runner-backend", "flashinfer_cutedsl"), 1, "takes experts in nvfp4 only", True),
    Refused(("--moe-runner-backend", "flashinfer_cutlass"), 1, "gpt-oss-120b is in mxfp4", None, MOE),
    Refused(("--moe-runner-backend", "flashinfer_trtllm"), 1, "gpt-oss-120b is in mxfp4", None, MOE),
    Refused(("--moe-runner-backend", "triton_kernel", "--ep-size", "2"), 3, "must be 1", None, MOE),
    Refused(("--cuda-graph-config", "[1]"), 1, "must be a JSON object", True),
    Refused(("--cuda-graph-config", '{"foo":{}}'), 1, "foo is not a phase", True),
    Refused(("--cuda-graph-config", '{"decode":5}'), 1, "decode: got 5; must be a JSON object", True),
    Refused(("--cuda-graph-config", '{"decode":{"nope":1}}'), 1, "decode.nope may not be set", True),
    Refused(("--cuda-graph-config", '{"decode":{"max_seq_len":1}}'), 1, "decode.max_seq_len may not be set", True),
    Refused(("--cuda-graph-config", '{"decode":{"backend":"foo"}}'), 1, "must be one of full", True),
    Refused(("--cuda-graph-config", '{"decode":{"max_bs":"x"}}'), 1, "a whole number of at least 1", True),
    Refused(("--cuda-graph-config", '{"decode":{"bs":[0]}}'), 1, "a list of whole numbers of at least 1", False),
    Refused(("--model-loader-extra-config", "[1]"), 1, "must be a JSON object", False),
    Refused(("--model-loader-extra-config", "{"), 1, "is not JSON", None),
    Refused(("--model-loader-extra-config", '{"nope":1}'), 1, "nope may not be set", False),
    Refused(("--model-loader-extra-config", '{"num_threads":"x"}'), 1, "a whole number of at least 1", False),
    Refused(("--preferred-sampling-params", '{"temperature":"hot"}'), 1, "a number of at least 0", False),
    Refused(("--preferred-sampling-params", '{"temprature":1}'), 1, "temperature", False),
    Refused(("--preferred-sampling-params", '{"top_p":0}'), 1, "above 0, at most 1", False),
    Refused(("--preferred-sampling-params", '{"top_k":0}'), 1, "-1 or a whole number", False),
    Refused(("--decode-log-interval", "0"), 1, "at least 1", False),
    Refused(("--watchdog-timeout", "-1"), 1, "at least 1", False),
    Refused(("--watchdog-timeout", "99999999999999999999"), 1, "at most 1000000000", False),
    Refused(("--soft-watchdog-timeout", "0"), 1, "at least 1", False),
    Refused(("--dist-timeout", "0"), 1, "at least 1", False),
    Refused(("--cuda-graph-bs-decode", "0"), 1, "at least 1", False),
    Refused(("--cuda-graph-bs-decode", "8", "-1"), 1, "at least 1", False),
    Refused(("--cuda-graph-bs-prefill", "0"), 1, "at least 1", False),
    Refused(("--cuda-graph-max-bs-decode", "-3"), 1, "at least 1", False),
    Refused(("--cuda-graph-max-bs-prefill", "0"), 1, "at least 1", False),
    Refused(("--cuda-graph-max-bs-prefill", "99999999999999999999"), 1, "at most 1048576", True),
    Refused(("--cuda-graph-max-seq-len-prefill", "0"), 1, "at least 1", False),
    Refused(("--prefill-max-requests", "0"), 1, "at least 1", False),
    Refused(("--enable-torch-compile", "--torch-compile-max-bs", "-1"), 2, "at least 1", False),
    Refused(("--max-prefill-tokens", "-1"), 1, "at least 1", False),
    Refused(("--max-prefill-tokens", "99999999999999999999"), 1, "at most 2147483647", False),
    Refused(("--num-reserved-decode-tokens", "-1"), 1, "at least 0", False),
    Refused(("--triton-attention-num-kv-splits", "0"), 1, "at least 1", False),
    Refused(("--triton-attention-split-tile-size", "0"), 1, "at least 1", False),
    Refused(("--engine-request-limit", "0"), 1, "at least 1", True),
    Refused(("--sampling-backend", "ascend"), 1, "Ascend hardware, not on NVIDIA", False),
    Refused(("--sampling-backend", "intel_xpu"), 1, "use one of flashinfer, pytorch", True),
    Refused(("--fp8-gemm-backend", "aiter"), 1, "AMD hardware", False),
    Refused(("--moe-runner-backend", "aiter"), 1, "AMD hardware", False, MOE),
    Refused((_DP, "--dp-size", "4", "--max-running-requests", "3"), 4, "no group could run one; use 4", False, MOE),
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
    Taken(("--prompt-tokens-buckets", "tse", "100", "2", "5")),
    Taken(("--generation-tokens-buckets", "custom", "1", "2.5", "10")),
    Taken(("--prompt-tokens-buckets", "default")),
    Taken(("--bucket-time-to-first-token", "0.1", "0.5", "2")),
    Taken(("--gc-threshold", "700", "10", "10")),
    Taken(("--enable-deterministic-inference", "--attention-backend", "triton")),
    Taken(("--enable-deterministic-inference",)),
    Taken(("--cuda-graph-config", '{"decode":{"max_bs":256},"prefill":{"max_seq_len":4096,"backend":"disabled"}}')),
    Taken(("--cuda-graph-config", '{"decode":{"bs":[1,2,4],"tc_compiler":"eager"}}')),
    Taken(("--model-loader-extra-config", '{"enable_multithread_load":true,"num_threads":8}')),
    Taken(("--preferred-sampling-params", '{"temperature":0.5,"top_k":-1,"stop":["x"]}')),
    Taken(("--schedule-conservativeness", "0.3", "--watchdog-timeout", "600")),
    Taken(("--cuda-graph-bs-decode", "1", "2", "4", "--cuda-graph-max-bs-prefill", "4096")),
    Taken(("--attention-backend", "fa3"), MOE),
    Taken((_DP, "--dp-size", "2", "--ep-size", "4"), MOE),
    Taken(("--data-parallel-size", "2", _DP, "--ep", "4", "--moe-dense-tp-size", "1"), MOE),
]
