"""An update whose new engines never fit beside the old ones is named before it hangs."""

import pytest

from ops.changes.rollout import restarted
from ops.offline.dry_run import planned

STUCK = "THE UPDATE NEVER FINISHES"
TWO = "models.chat.decode={replicas: 2, tensorParallel: 8}"


@pytest.mark.parametrize(
    ("stack", "before", "after", "stuck"),
    [
        # One engine of 8 GPUs for prefill becomes eight of one GPU on the same node.
        ("prod", (), ("models.chat.model=qwen3-32b",), "prefill keeps 1 old engine of 8 GPUs"),
        (
            "prod",
            (),
            (
                "models.chat.model=llama-3.3-70b-instruct-fp8",
                "models.chat.prefill={replicas: 1, tensorParallel: 8}",
                "models.chat.decode={replicas: 1, tensorParallel: 8}",
            ),
            "",
        ),
        ("prod", (), ("models.chat.engine.maxModelLen=16384",), ""),
        # Two nodes: one engine leaves, and its node takes the first new one.
        ("prod", (TWO,), (TWO, "models.chat.engine.maxModelLen=16384"), ""),
        # Eight engines of one GPU leave one by one; the one of 8 GPUs that follows needs none of them.
        ("prod", ("models.chat.model=qwen3-32b",), (), ""),
        # Both roles share a node.
        ("staging", (), ("models.chat.model=qwen3-32b",), ""),
    ],
)
def test_a_locked_out_engine(stack: str, before: tuple[str, ...], after: tuple[str, ...], stuck: str) -> None:
    said = [line for line in restarted(planned(stack, before), planned(stack, after)) if STUCK in line]
    assert bool(said) == bool(stuck)
    assert all(stuck in line for line in said)
