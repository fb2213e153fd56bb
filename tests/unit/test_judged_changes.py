"""The changes that the judge of the forecasts tries: they cover every setting of the schema, and each is valid."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from reading.frozen import Frozen
from settings.schema import Settings
from tests.rehearsal.judge import cases, choices
from tests.rehearsal.judge.schema import settings_of, values


class Spot(Frozen):
    mode: Literal["spot"]


class Reserved(Frozen):
    mode: Literal["reserved"]
    reservation_name: Annotated[str, Field(examples=["mine"])]


class Graph(Frozen):
    model: str
    replicas: Annotated[int, Field(ge=2, le=5)] | None = None
    capacity: Annotated[Spot | Reserved, Field(discriminator="mode")] | None = None


class Stack(Frozen):
    graphs: dict[str, Graph]
    labels: dict[str, Annotated[str, Field(examples=["red"])]] = {}
    days: tuple[Literal["mon", "tue"], ...] = ()


def test_each_key_of_each_variant_is_a_setting_with_the_keys_it_needs() -> None:
    found = [(setting.path, sorted(setting.needs)) for setting in settings_of(Stack)]
    assert found == [
        ("graphs.*.model", []),
        ("graphs.*.replicas", ["graphs.*.model"]),
        ("graphs.*.capacity.mode", ["graphs.*.model"]),
        ("graphs.*.capacity.mode", ["graphs.*.capacity.reservationName", "graphs.*.model"]),
        ("graphs.*.capacity.reservationName", ["graphs.*.capacity.mode", "graphs.*.model"]),
        ("labels", ["graphs"]),
        ("days", ["graphs"]),
    ]


@pytest.mark.parametrize(
    ("declared", "current", "expected"),
    [
        (bool, False, [True]),
        (Literal["a", "b", "c"], "b", ["a", "c"]),
        (Annotated[int, Field(ge=2, le=5)], 4, [5, 3, 2]),
        (Annotated[int, Field(ge=2, le=5)], 5, [4, 3, 2]),
        (Annotated[int | None, Field(ge=2, le=5)], None, [3, 2, 5]),
        (Annotated[str, Field(examples=["mine", "yours"])], "mine", ["yours"]),
        (tuple[Literal["mon", "tue"], ...], ["mon"], [["tue"]]),
    ],
)
def test_values_come_from_the_declaration_and_differ_from_the_current_one(
    declared: object, current: object, expected: list[object]
) -> None:
    assert values(declared, current) == expected


def test_every_setting_is_in_a_case() -> None:
    changed = set().union(*(case.settings for case in cases.once()))
    assert sorted({setting.path for setting in cases.settings()} - changed) == []


def test_settings_that_no_case_changes_exist() -> None:
    paths = {setting.path for setting in settings_of(Settings)}
    unknown = [left for left in choices.NEVER if not any(path == left or path.startswith(f"{left}.") for path in paths)]
    assert unknown == []


def test_settings_that_decide_together_are_changed_together() -> None:
    """Each set of settings, and each of its values makes a difference: without it another plan, or none."""
    judged = [case.settings for case in cases.once() if case.plans]
    assert [paths for paths in choices.TOGETHER if frozenset(paths) not in judged] == []


def test_every_block_comes_or_goes_in_a_valid_stack() -> None:
    judged = {(case.base, case.overrides) for case in cases.once() if case.plans}
    assert [block for block in choices.BLOCKS if block not in judged] == []


# A place that is listed anyway, and a limit that is not reached.
NO_EFFECT = {"location.allowUnlisted", "capacity.maxNodes"}


def test_only_settings_that_create_nothing_leave_the_plan_as_it_is() -> None:
    without = {path for case in cases.once() if not case.plans and not case.rotates_token for path in case.settings}
    with_effect = {path for case in cases.once() if case.plans for path in case.settings}
    assert without - with_effect <= NO_EFFECT
