"""Extra arguments that must be refused or taken, and whether the engine itself refuses them when it starts."""

import json
from dataclasses import dataclass

LLAMA, FP8, GPT_OSS = "llama-3.3-70b-instruct", "llama-3.3-70b-instruct-fp8", "gpt-oss-120b"


@dataclass(frozen=True)
class Refused:
    """Words that one error is about. `at` is the word with the error, `says` a part of its message."""

    words: tuple[str, ...]
    at: int
    says: str
    model: str = LLAMA
    layout: str = "multi-node"

    @property
    def name(self) -> str:
        return f"{self.model} {self.layout} {' '.join(self.words)}"


@dataclass(frozen=True)
class Taken:
    """Words without an error, which the engine's configuration takes too."""

    words: tuple[str, ...]
    model: str = LLAMA
    layout: str = "multi-node"

    @property
    def name(self) -> str:
        return f"{self.model} {self.layout} {' '.join(self.words)}"


_NGRAM = '{"method": "ngram", "num_speculative_tokens": 3}'
_CONFIG, _OUTPUTS = "--speculative-config", "--structured-outputs-config"
# The contract test lays a small draft model there.
DRAFT = "/models/draft"


def _spec(**keys: object) -> str:
    return json.dumps({"method": "ngram", "num_speculative_tokens": 3, **keys})


# The engine's configuration raises: checked by tests/contract/test_engine_start.py.
STARTS_NOT = [
    Refused(words, at, says, *more)
    for words, at, says, *more in (
        # Layout.
        (("--decode-context-parallel-size", "2"), 1, "more than the 8 KV heads"),
        (("-dcp", "4"), 1, "remove it"),
        (("-dcp=2",), 0, "more than the 8 KV heads", LLAMA, "aggregated"),
        (("--decode-context-parallel-size", "8"), 1, "more than the 8 KV heads", GPT_OSS),
        (("--enable-expert-parallel",), 0, "is a dense model"),
        (("--enable-return-routed-experts",), 0, "together with a KV connector", GPT_OSS),
        (("--enable-return-routed-experts",), 0, "aggregated layout"),
        (("--enable-return-routed-experts",), 0, "is a dense model", LLAMA, "aggregated"),
        (("--pipeline-parallel-size", "2"), 0, "`tensorParallel` of a role"),
        (("--kv-offloading-size=100", "--kv-offloading-backend", "lmcache"), 0, "replace NixlConnector"),
        (("--ubatch-size", "2"), 0, "remove it"),
        (("--enable-dbo",), 0, "remove it"),
        (("--data-parallel-rank", "0"), 0, "an engine is one pod"),
        (("--ray-workers-use-nsight",), 0, "do not run under Ray"),
        (("--numa-bind-nodes", "0"), 0, "bind memory"),
        (("--distributed-executor-backend", "ray"), 1, "use mp, or remove it"),
        (("--distributed-executor-backend", "NOPE"), 1, "use mp, or remove it"),
        # Batches.
        (("--no-enable-chunked-prefill", "--max-num-batched-tokens", "8192"), 2, "use at least 32768"),
        (("--no-enable-chunked-prefill", "--max-num-batched-tokens=8k"), 1, "8000 is less than engine.maxModelLen"),
        (("--max-num-batched-tokens", "8K", "--no-enable-chunked-prefill"), 1, "8192 is less than"),
        (("--max-num-batched-tokens", "512", "--max-num-seqs", "1024"), 3, "use at most 512"),
        (("--max-num-seqs=9000",), 0, "8192 by default"),
        (("--max-num-seqs", "20000", "--performance-mode", "throughput"), 1, "16384 by default"),
        (("--max-num-seqs", "0"), 1, "must be at least 1"),
        (("--max-num-batched-tokens", "0"), 1, "must be at least 1"),
        (("--max-num-active-seqs", "2000"), 1, "1024 by default"),
        (("--max-num-active-seqs", "65", "--max-num-seqs", "64"), 1, "use at most 64"),
        (("--long-prefill-token-threshold", "40000"), 1, "use at most 32768"),
        (("--stream-interval", "0"), 1, "must be at least 1"),
        (("--watermark", "1"), 1, "must be less than 1"),
        (("--watermark=-0.1",), 0, "must be at least 0"),
        (("--prefill-schedule-interval", "0"), 1, "must be at least 1"),
        (("--kv-cache-metrics-sample", "0"), 1, "must be more than 0"),
        (("--kv-cache-metrics-sample", "1.5"), 1, "must be at most 1"),
        (("--engine-request-limit", "0"), 1, "use at least 1"),
        (("--safetensors-prefetch-num-threads", "0"), 1, "must be at least 1"),
        (("--enable-batch-sharded-sampling", "--max-num-seqs", "2"), 0, "use at least 8"),
        (("--enable-batch-sharded-sampling",), 0, "nothing to shard", GPT_OSS),
        (("--enable-batch-sharded-sampling", _CONFIG, _NGRAM), 0, "together with speculation"),
        # Text that the engine looks up.
        (("--quantization=fp9",), 0, "use a card with weights in fewer bits"),
        (("--quantization", "awq"), 0, "such as llama-3.3-70b-instruct-fp8"),
        (("-q", "modelopt"), 0, "such as llama-3.3-70b-instruct-fp8"),
        (("-q", "fbgemm_fp8"), 0, "use a card with weights in fewer bits"),
        (("-q", "fp8"), 0, "is in fp8 already", FP8),
        (("-q", "int8_per_channel_weight_only"), 0, "remove it", FP8),
        (("--attention-backend=NOPE",), 0, "is not one of FLASH_ATTN,"),
        (("--attention-config", '{"backend": "NOPE"}'), 1, "is not one of"),
        (("--optimization-level", "4"), 1, "is not one of 0, 1, 2, 3"),
        (("--reasoning-parser", "qwen4"), 1, "did you mean qwen3?"),
        (("--compilation-config", '{"cudagraph_mode": "SOME"}'), 1, "is not one of FULL,"),
        (("--compilation-config", '{"mode": 7}'), 1, "is not one of 0,"),
        (("--config-format", "NOPE"), 0, "write a card"),
        (("--compilation-config", '{"inductor_passes": {"a": "my.pass"}}'), 1, "inductor_passes may not be set"),
        # Relations.
        (("--async-scheduling", _CONFIG, _NGRAM), 0, "speculation by ngram"),
        (("--spec-method", "ngram", "--spec-tokens", "2", "--async-scheduling"), 4, "use ngram_gpu"),
        (("--async-scheduling", "--spec-model", "ngram", "--spec-tokens", "2"), 0, "speculation by ngram"),
        (("--async-scheduling", _CONFIG, _spec(method="ngram_gpu", disable_padded_drafter_batch=True)), 0,
         "together with disable_padded_drafter_batch"),
        (("--spec-method", "ngram"), 1, "needs num_speculative_tokens"),
        ((_CONFIG, '{"method": "ngram"}'), 1, "needs num_speculative_tokens"),
        ((_CONFIG, '{"methd": "ngram", "num_speculative_tokens": 3}'), 1, "did you mean method?"),
        ((_CONFIG, _spec(num_speculative_tokens=0)), 1, "must be at least 1"),
        ((_CONFIG, _spec(prompt_lookup_min=6, prompt_lookup_max=4)), 1, "prompt_lookup_min 6 is more than"),
        ((_CONFIG, _spec(method="mtp")), 1, "no card has weights for it"),
        ((_CONFIG, _spec(method="suffix")), 1, "arctic-inference"),
        ((_CONFIG, _spec(method="medusa")), 1, "needs model"),
        (("--spec-tokens", "3"), 1, "must say how tokens are drafted"),
        (("--spec-method", "ngram", _CONFIG, _NGRAM), 1, "give one of the two"),
        (("--per-request-spec-decode-metrics", "summary"), 1, "nothing drafts"),
        (("--attention-backend", "FLASH_ATTN", "--attention-config", '{"backend": "FLASH_ATTN"}'), 3, "one of the two"),
        (("--cudagraph-capture-sizes", "1", "2", "--compilation-config", '{"cudagraph_capture_sizes": [1]}'), 4,
         "give one of the two"),
        (("--cudagraph-capture-sizes", "1", "2", "--max-cudagraph-capture-size", "4"), 4, "2 in the list"),
        (("--no-enable-flashinfer-autotune", "--kernel-config", '{"enable_flashinfer_autotune": true}'), 2,
         "give one of the two"),
        ((_OUTPUTS, '{"disable_any_whitespace": true}'), 1, "backend is auto by default; add it"),
        ((_OUTPUTS, '{"backend": "outlines", "disable_any_whitespace": true}'), 1, "needs backend xgrammar or"),
        ((_OUTPUTS, '{"backend": "xgrammar", "disable_additional_properties": true}'), 1, "needs backend guidance"),
        ((_OUTPUTS, '{"disable_additional_properties": true}'), 1, "needs backend guidance"),
        ((_CONFIG, _spec(method="draft_model", model=DRAFT, draft_tensor_parallel_size=2)), 1, "use 1 or 8, or remove"),
        ((_CONFIG, _spec(method="draft_model", model=DRAFT, draft_tensor_parallel_size=4)), 1, "neither 1 nor",
         LLAMA, "single-node"),
        ((_CONFIG, _spec(model=DRAFT, method="eagle3", draft_tensor_parallel_size=3)), 1, "neither 1 nor"),
        (("--cudagraph-capture-sizes",), 0, "needs a whole number"),
        *((("--compilation-config", json.dumps(config)), 1, says)
          for config, says in (
              ({"cudagraph_capture_sizes": []}, "an empty list captures no CUDA graph"),
              ({"cudagraph_capture_sizes": None}, "must not be null"),
              ({"cudagraph_capture_sizes": [1.5]}, "whole numbers of at least 1"),
              *(({"compile_sizes": [size]}, "compile_sizes: got") for size in ("x", "8", 1.5, None, [1])),
              ({"mode": "3"}, "without quotes"),
          )),
        (("--attention-config", '{"flash_attn_version": "3"}'), 1, "JSON's type integer"),
        (("--kernel-config", '{"moe_backend": null}'), 1, "must not be null"),
        # Repositories on pods that reach no hub.
        (("--spec-model", "org/x", "--spec-tokens", "2"), 1, "is not under /models"),
        ((_CONFIG, _spec(method="eagle3", model="org/x")), 1, "is not under /models"),
        ((_CONFIG, _spec(method="draft_model", model="/models/../etc")), 1, "is not under /models"),
        (("--custom-jinja-template", "template.jinja"), 1, "is not under /models"),
        # Workers of another kind.
        (("--classify-worker",), 0, "text model"),
        (("--benchmark-points-file", "/x"), 0, "remove it"),
        (("--collect-detailed-traces", "all"), 0, "remove it"),
        (("--watermark-config", "{}"), 0, "remove it"),
        (("--disable-sliding-window",), 0, "use `engine.maxModelLen`", GPT_OSS),
        (("--gms-shadow-mode",), 0, "use `replicas`"),
    )
]  # fmt: skip

# The engine's configuration takes these: the harm comes later, or is silent.
HARMFUL = [
    Refused(words, at, says, *more)
    for words, at, says, *more in (
        # The KV connector.
        (("--kv-offloading-size", "100"), 0, "replace NixlConnector"),
        (("--ec-transfer-config", "{}"), 0, "remove it"),
        (("--kv-transfer-config", '{"kv_connector": "OffloadingConnector", "kv_role": "kv_both"}'), 0, "the role"),
        # Settings of the stack by the back door.
        (("--hf-overrides", '{"max_position_embeddings": 1000000}'), 0, "use `engine.maxModelLen`"),
        (("--device-memory-utilization", "0.99"), 0, "use `engine.gpuMemoryUtilization`"),
        (("--kv-cache-memory-bytes", "100G"), 0, "use `engine.gpuMemoryUtilization`"),
        (("--runner", "pooling"), 0, "text model"),
        # Memory.
        (("--cpu-offload-gb", "10"), 0, "raise `tensorParallel`"),
        (("--offload-group-size", "2"), 0, "raise `tensorParallel`"),
        (("--num-gpu-blocks-override", "64"), 0, "use `engine.gpuMemoryUtilization`"),
        (("--kv-cache-dtype-skip-layers", "0", "1"), 0, "use `engine.kvCacheDtype`"),
        (("--enable-lora",), 0, "merged checkpoint"),
        # What fails once workers start, or with each request.
        (("--seed", "-1"), 1, "must be at least 0: workers seed NumPy"),
        (("--seed=4294967296",), 0, "must be at most 4294967295"),
        *(((flag, value), 1, "must be at least 1: workers wait that long")
          for flag in ("--distributed-timeout-seconds", "--cpu-distributed-timeout-seconds") for value in ("0", "-3")),
        (("--distributed-timeout-seconds", "99999999999999999"), 1, "must be at most"),
        (("--max-num-queued-tokens", "5"), 1, "use at least 1376"),
        (("--max-num-queued-tokens", "1k"), 1, "use at least 1376"),
        (("--max-num-scheduled-tokens", "9000"), 1, "use at most 8192"),
        (("--compilation-config", '{"compile_sizes": [0]}'), 1, "compile_sizes: got 0"),
        (("--compilation-config", '{"compile_sizes": [true]}'), 1, "compile_sizes: got true"),
        *((("--override-generation-config", json.dumps({key: value})), 1, f"{key}: got")
          for key, value in (("temperature", "x"), ("temperature", 2.5), ("top_p", 0), ("top_k", 1.5),
                             ("min_p", 2), ("max_new_tokens", 0), ("repetition_penalty", 0), ("presence_penalty", 3))),
        # The log that verification reads.
        (("--enable-log-requests",), 0, "could forge the lines that verification reads"),
        # Promises.
        (("--no-enable-prefix-caching",), 0, "no KV events"),
        (("--use-vllm-tokenizer",), 0, "tool-call and reasoning parsers"),
        (("--endpoint-types", "completions"), 0, "chat and completions"),
        (("--router-mode", "round-robin"), 0, "KV routing"),
        (("--no-router-kv-events",), 0, "KV routing"),
        (("--router-track-output-blocks",), 0, "with 503"),
        (("--disable-log-stats",), 0, "the engine's metrics"),
        (("--max-num-queued-reqs", "0"), 1, "admits no request"),
        (("--max-num-scheduled-tokens", "0"), 1, "admits no request"),
        # Code and files of others.
        (("--trust-remote-code",), 0, "engine.allowCode"),
        (("--worker-cls", "my.Worker"), 0, "engine.allowCode"),
        (("--worker-extension-cls", "my.Extension"), 0, "engine.allowCode"),
        (("--scheduler-cls", "my.Scheduler"), 0, "engine.allowCode"),
        (("--logits-processors", "my.Processor"), 0, "engine.allowCode"),
        (("--reasoning-parser-plugin", "/tmp/x.py"), 0, "engine.allowCode"),
        (("--io-processor-plugin", "x"), 0, "engine.allowCode"),
        (("--allowed-local-media-path=/",), 0, "engine.allowCode"),
        (("--additional-config", "{}"), 0, "engine.allowCode"),
        (("--compilation-config", '{"backend": "my.Backend"}'), 1, "backend may not be set here"),
        (("--structured-outputs-config", '{"reasoning_parser_plugin": "/x.py"}'), 1, "may not be set here"),
        # Text that the engine looks up only when it loads weights or answers.
        (("-q", "awq"), 0, "is in mxfp4 already", GPT_OSS),
        *((("-q", word), 0, "the plan counts the weights as the card has them")
          for word in ("fp8", "fp8_per_tensor", "fp8_per_block", "fp8_per_channel", "int8_per_channel_weight_only",
                       "mxfp8")),
        (("--attention-backend", "ROCM_ATTN"), 1, "does not run this model on an H200"),
        (("--attention-backend", "FLASHINFER"), 1, "has no attention sinks", GPT_OSS),
        (("--attention-config", '{"backend": "FLASHINFER_MLA"}'), 1, "does not run this model on an H200"),
        (("--moe-backend", "aiter"), 1, "not known to run on an H200"),
        (("--linear-backend", "xpu"), 1, "not known to run on an H200"),
        (("--kernel-config", '{"moe_backend": "rdna3"}'), 1, "not known to run on an H200"),
        (("--prefix-caching-hash-algo", "xxhash"), 1, "use sha256"),
        (("--prefix-cache-retention-interval", "100"), 1, "use 128"),
        (("--tokenizer", "org/x"), 0, "write a card"),
        (("--tokenizer-mode", "NOPE"), 0, "write a card"),
        (("--model-impl", "NOPE"), 0, "write a card"),
        (("--generation-config", "org/x"), 1, "is not under /models"),
        (("--generation-config", "/models"), 1, "is not under /models"),
        (("--model-loader-extra-config", '{"concurrency": 16}'), 1, "allowed: enable_multithread_load"),
        (("--model-loader-extra-config", '{"num_threads": 0}'), 1, "must be at least 1"),
        (("--safetensors-load-strategy", "eager", "--model-loader-extra-config", '{"enable_multithread_load": true}'),
         1, "use lazy"),
        (("--override-generation-config", '{"temprature": 0.5}'), 1, "did you mean temperature?"),
        (("--cudagraph-capture-sizes", "0", "2"), 1, "at least 1"),
        (("--moe-backend", "triton", "--kernel-config", '{"moe_backend": "marlin"}'), 3, "give one of the two"),
        (("--enable-ep-weight-filter",), 0, "add it, or remove this", GPT_OSS),
        (("-O3",), 0, "give --optimization-level 3"),
        (("--compilation-config.mode", "3"), 0, "the whole object as JSON"),
        (("-cc.mode=3",), 0, "the whole object as JSON"),
        (("--allowed-media-domains", "example.com"), 0, "engine.allowCode"),
        (("--dcp-q-replicate",), 0, "has no effect"),
    )
]  # fmt: skip

TAKEN = [
    Taken(words, *more)
    for words, *more in (
        ((),),
        (("--max-num-seqs", "64", "--max-num-batched-tokens", "16k"),),
        (("--no-enable-chunked-prefill",),),
        (("--no-enable-chunked-prefill", "--max-num-batched-tokens", "32K"),),
        (("--max-num-seqs", "9000", "--max-num-batched-tokens=9000"),),
        (("--max-num-batched-tokens", "512"),),
        (("--performance-mode", "throughput", "--max-num-seqs", "16000"),),
        (("--spec-method", "ngram", "--spec-tokens", "4", "--per-request-spec-decode-metrics", "summary"),),
        ((_CONFIG, _NGRAM),),
        ((_CONFIG, _spec(method="ngram_gpu"), "--async-scheduling"),),
        ((_CONFIG, _NGRAM), GPT_OSS, "aggregated"),
        (("--spec-model", "ngram", "--spec-tokens", "2", "--no-async-scheduling"),),
        (("--attention-backend", "FLASH_ATTN"),),
        (("--attention-config", '{"backend": "TRITON_ATTN"}'), GPT_OSS),
        (("--enable-expert-parallel",), GPT_OSS),
        (("--enable-return-routed-experts",), GPT_OSS, "aggregated"),
        (("--compilation-config", '{"mode": 3, "cudagraph_mode": "FULL_DECODE_ONLY"}'),),
        (("--cudagraph-capture-sizes", "1", "2", "4", "--max-cudagraph-capture-size", "4"),),
        (("--enforce-eager", "--no-enable-log-requests", "--seed=4294967295", "--max-logprobs", "5"),),
        (("--decode-context-parallel-size", "1"),),
        (("--distributed-executor-backend", "mp"),),
        (("--override-generation-config", '{"temperature": 0.5}'),),
        (("--dyn-tool-call-parser", "llama3_json", "--dyn-reasoning-parser", "basic"),),
        (("--optimization-level", "3", "--scheduling-policy", "priority"),),
        (("--enable-batch-sharded-sampling",),),
        (("--model-loader-extra-config", '{"enable_multithread_load": true, "num_threads": 8}'),),
        (("--kernel-config", '{"moe_backend": "triton"}'), GPT_OSS),
        (("--disable-hybrid-kv-cache-manager",), GPT_OSS),
        (("--long-prefill-token-threshold", "32768"),),
        (("--seed", "0", "--distributed-timeout-seconds", "1", "--cpu-distributed-timeout-seconds", "None"),),
        (("--max-num-queued-tokens", "1376", "--max-num-scheduled-tokens", "8192"),),
        ((_OUTPUTS, '{"backend": "xgrammar", "disable_any_whitespace": true}'),),
        ((_OUTPUTS, '{"backend": "guidance", "disable_additional_properties": true}'),),
        ((_CONFIG, _spec(method="draft_model", model=DRAFT, draft_tensor_parallel_size=1)),),
        ((_CONFIG, _spec(method="draft_model", model=DRAFT, draft_tensor_parallel_size=8)),),
        (("--compilation-config", '{"compile_sizes": [1, 8, "cudagraph_capture_sizes"]}'),),
        (("--override-generation-config", '{"temperature": 0, "top_p": 1.0, "top_k": -1, "min_p": null}'),),
    )
]  # fmt: skip
