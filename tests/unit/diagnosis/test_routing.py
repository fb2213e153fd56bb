"""Ready pods that receive no requests."""

from dataclasses import replace

import pytest

from ops.diagnosis import Cause
from tests import clusters as c
from tests.unit.diagnosis.case import DECODE, DECODE_POD, PREFILL, WELL, Case, check

CASES = [
    Case(
        "in no endpoint slice",
        c.without(WELL, "endpoint_slices", f"{DECODE}-slice"),
        ((Cause.ROUTING, DECODE_POD),),
        "decode is Ready but not ready in any EndpointSlice",
    ),
    Case(
        "endpoint not ready",
        replace(
            c.without(WELL, "endpoint_slices", f"{DECODE}-slice"),
            endpoint_slices=(
                *c.without(WELL, "endpoint_slices", f"{DECODE}-slice").endpoint_slices,
                c.endpoint_slice({"metadata": {"name": DECODE}}, ready=False),
            ),
        ),
        ((Cause.ROUTING, DECODE_POD),),
        "decode is Ready but not ready in any EndpointSlice",
    ),
    Case(
        "not registered in discovery",
        c.without(WELL, "worker_metadata", PREFILL),
        ((Cause.ROUTING, (f"pod/{PREFILL}",)),),
        "prefill is Ready but has no DynamoWorkerMetadata",
    ),
    Case(
        "no model listed",
        replace(WELL, models={"chat": ()}),
        ((Cause.ROUTING, ("service/chat-frontend",)),),
        "lists no model instead of llama-3.3-70b-instruct",
    ),
    Case(
        "another model listed",
        replace(WELL, models={"chat": ("qwen3-32b",)}),
        ((Cause.ROUTING, ("service/chat-frontend",)),),
        "lists qwen3-32b instead of llama-3.3-70b-instruct",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_reported_with_its_objects_and_what_to_do(case: Case) -> None:
    check(case)
