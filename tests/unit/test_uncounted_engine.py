"""An engine without counters of KV transfers: what a preview and `rollout` say of its verification and metrics."""

from typing import Any

import pytest

from catalog.engines import Engine
from ops.changes.rollout import restarted
from tests.made_up_engine import heron as heron  # a fixture
from tests.made_up_engine import otter as otter  # a fixture
from tests.stacks import planned

UNCOUNTED = "models.chat.engine.name: Otter has no counters of KV cache transfers"
UNLOGGED = "models.chat.engine.name: Otter does not log the transport of KV cache"


def with_otter(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"models.chat.layout": "multi-node", "models.chat.engine": {"name": "otter"}} | (changes or {})


@pytest.mark.parametrize("transport", ["rdma", "tcp"])
def test_a_preview_warns_of_what_verification_cannot_see(otter: Engine, transport: str) -> None:
    warnings = planned(with_otter({"models.chat.kvTransfer": transport})).warnings
    assert [w for w in warnings if w.startswith(UNCOUNTED)]
    assert [w for w in warnings if w.startswith(UNLOGGED) and w.endswith(f"whether it is {transport}")]


def test_no_warning_of_an_engine_that_counts_and_logs(heron: Engine) -> None:
    warnings = planned(with_otter({"models.chat.engine": {"name": heron.name}})).warnings
    assert not [warning for warning in warnings if "Heron" in warning]


def test_rollout_names_only_metrics_that_the_engine_has(otter: Engine) -> None:
    (change,) = [
        line
        for line in restarted(planned({"models.chat.layout": "multi-node"}), planned(with_otter()))
        if "Otter replaces" in line
    ]
    assert "verification runs again, by answers only, as Otter counts no transfers of KV cache" in change
    assert change.endswith("; dashboard reads its metrics")
