"""The model swap of a rehearsal is one whose update finishes."""

import pytest

from ops.offline.dry_run import planned
from ops.rehearsal.engine import swap

RECREATE = "models.chat.updateStrategy=recreate"
FP8, LLAMA = "llama-3.3-70b-instruct-fp8", "llama-3.3-70b-instruct"


@pytest.mark.parametrize(
    ("stack", "overrides", "after", "stops_all_first"),
    [
        ("prod", [], FP8, True),  # its eight engines would never fit beside the one of eight GPUs
        ("prod", [RECREATE], FP8, False),
        ("staging", [f"models.chat.model={LLAMA}"], FP8, True),  # decode may take GPUs that new prefill needs
        ("staging", [f"models.chat.model={LLAMA}", RECREATE], FP8, False),
        ("staging", [], "qwen3-32b", False),  # the nearest name is gated, and the stack has no token
    ],
)
def test_all_engines_stop_first_only_where_the_update_would_never_finish(
    stack: str, overrides: list[str], after: str, stops_all_first: bool
) -> None:
    found = swap.find(stack, overrides, planned(stack, overrides))
    assert found is not None
    assert (found.after, found.stops_all_first) == (after, stops_all_first)
    assert found.plan.graphs[0].card.name == after
    assert found.plan.pools == planned(stack, overrides).pools
