"""Keys that were renamed: a stack file with the old name loads as before, and preview says so."""

import pytest

from planning.load import load
from planning.plan import plan
from reading.errors import ConfigInvalid
from settings.models import VerificationMode
from tests.stacks import config


def test_the_old_name_loads_with_a_warning_that_gives_the_new_one() -> None:
    planned = plan(load(config({"models.chat.proof": "reported"})))
    assert planned.graphs[0].verification.required is False
    assert "models.chat.proof: was renamed to verification; the old name still works" in planned.warnings


def test_the_new_name_loads_without_a_word() -> None:
    stack = load(config({"models.chat.verification": "reported"}))
    assert stack.settings.models["chat"].verification is VerificationMode.REPORTED
    assert not any("is called" in warning for warning in plan(stack).warnings)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"models.chat.proof": "report"}, 'models.chat.proof: "report" is not one of required, reported'),
        (
            {"models.chat.proof": "reported", "models.chat.verification": "required"},
            "models.chat.proof: is the old name of models.chat.verification, which is also set; "
            "remove models.chat.proof",
        ),
        ({"models": {"chat": 3}}, "models.chat: got 3; must be an object"),
        ({"models": [1]}, "models: got [1]; must be an object"),
    ],
)
def test_errors_name_the_key_that_the_stack_file_has(changes: dict[str, object], error: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        load(config(changes))
    assert any(str(found).startswith(error) for found in refused.value.errors), refused.value.errors


def test_the_list_of_moved_keys_is_no_key_of_a_stack_file() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        load(config({"renamed": {"a": "b"}}))
    assert "is not a key here" in str(refused.value.errors[0])
