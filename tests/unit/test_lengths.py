"""Settings of an engine that its own verification, or its memory, does not fit into."""

import re

import pytest

from catalog import sizing
from tests.stacks import errors
from workloads.jobs.verify import chat

NEEDED = sizing.VERIFICATION_TOKENS
LENGTH, SHARE = "models.chat.engine.maxModelLen", "models.chat.engine.gpuMemoryUtilization"


def test_the_tokens_of_a_verification_are_those_of_its_prompt_and_answer() -> None:
    unique = len(chat.fresh_prompt().split()[0])
    assert chat.PROMPT_WORDS * 3 + unique + 128 + chat.ANSWER_TOKENS == NEEDED


@pytest.mark.parametrize("layout", ["multi-node", "simulated"])
@pytest.mark.parametrize("length", [1, 256, NEEDED - 1])
def test_a_length_too_small_for_the_verification_is_refused_with_fixes(layout: str, length: int) -> None:
    found = [f for f in errors({"models.chat.layout": layout, LENGTH: length}) if f.path == LENGTH]
    assert len(found) == 1
    assert f"use {NEEDED} or more, or set models.chat.verification to reported" in found[0].message


def test_a_length_that_the_verification_fits_into_is_taken_and_a_reported_one_may_be_smaller() -> None:
    assert errors({LENGTH: NEEDED}) == ()
    assert errors({LENGTH: 256, "models.chat.verification": "reported"}) == ()


@pytest.mark.parametrize("layout", ["multi-node", "single-node", "aggregated"])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.15])
def test_too_small_a_share_of_memory_is_refused_with_the_least_that_fits(layout: str, share: float) -> None:
    given = {"models.chat.layout": layout, SHARE: share}
    found = errors(given)
    assert {error.path for error in found} == {SHARE}
    least = max(float(value) for f in found for value in re.findall(r"gpuMemoryUtilization to ([0-9.]+) or", f.message))
    assert errors(given | {SHARE: least}) == ()
    assert errors(given | {SHARE: round(least - 0.01, 2)}) != ()
