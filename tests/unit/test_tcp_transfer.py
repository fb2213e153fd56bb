"""The estimated time of KV cache over TCP, of each model's own."""

import pytest

from tests.stacks import errors, planned

# KiB per token of all GPUs: 2 × layers × KV heads × head size × 2 bytes.
CASES = [
    ("qwen3-0.6b", "an estimated 0.9 s longer (0.46 GB"),  # 112
    ("llama-3.3-70b-instruct", "an estimated 2.6 s longer (1.31 GB"),  # 320
    ("gpt-oss-120b", "an estimated 0.3 s longer (0.15 GB"),  # 36, and 36 of 128 tokens of the window
]


@pytest.mark.parametrize(("model", "estimate"), CASES)
def test_tcp_is_warned_of_with_an_estimate_for_the_model(model: str, estimate: str) -> None:
    chat = {"model": model, "layout": "multi-node", "kvTransfer": "tcp"}
    (warning,) = (w for w in planned({"models.chat": chat}).warnings if w.startswith("models.chat.kvTransfer"))
    assert estimate in warning
    assert "NVIDIA's guide reports 98 s in place of 0.2 to 0.5 s for its setup" in warning


def test_a_shorter_context_and_a_smaller_cache_move_less() -> None:
    chat = {"model": "llama-3.3-70b-instruct", "layout": "multi-node", "kvTransfer": "tcp"}
    short = planned({"models.chat": chat | {"engine": {"maxModelLen": 2000, "kvCacheDtype": "fp8"}}}).warnings
    assert any("a prompt of 2,000 tokens takes an estimated 0.7 s longer (0.33 GB" in warning for warning in short)


@pytest.mark.parametrize(
    "changes", [{"network": {"rdma": "none"}}, {"capacity.machine": "a3-megagpu-8g"}], ids=["RDMA off", "no NICs"]
)
def test_a_refusal_names_the_same_estimate(changes: dict[str, object]) -> None:
    assert any("an estimated 2.6 s longer (1.31 GB" in error.message for error in errors(changes))
