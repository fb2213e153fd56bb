"""`engineArgs` of a card: merged before the stack's own arguments, and checked as strictly."""

import pytest

from catalog.models import Card, card
from planning import resolve
from tests.stacks import errors, planned

MODEL = "qwen3-32b"


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The card with the arguments of the test's parameter, for the default engine."""
    chosen: Card = card(MODEL).model_copy(update={"engine_args": {"vllm": request.param, "mocker": ("--x",)}})
    monkeypatch.setattr(resolve, "card", lambda _: chosen)


def words(*own: str) -> tuple[str, ...]:
    return (
        planned({"models.chat": {"model": MODEL, "layout": "aggregated", "engine": {"extraArgs": own}}})
        .graphs[0]
        .workers[0]
        .extra_args
    )


def refused(*own: str) -> list[tuple[str, str]]:
    chat = {"model": MODEL, "layout": "aggregated", "engine": {"extraArgs": own}}
    return [(error.path, error.message) for error in errors({"models.chat": chat})]


PARSER = ("--dyn-tool-call-parser", "hermes", "--max-num-seqs=64")


@pytest.mark.parametrize("arguments", [PARSER], indirect=True)
@pytest.mark.usefixtures("arguments")
def test_the_stack_s_words_follow_the_card_s_and_take_their_place() -> None:
    assert words() == ("--dyn-tool-call-parser", "hermes", "--max-num-seqs", "64")
    assert words("--seed", "1") == ("--dyn-tool-call-parser", "hermes", "--max-num-seqs", "64", "--seed", "1")
    assert words("--max-num-seqs", "8") == ("--dyn-tool-call-parser", "hermes", "--max-num-seqs", "8")
    assert words("--dyn-tool-call-parser=qwen3_coder") == (
        "--max-num-seqs",
        "64",
        "--dyn-tool-call-parser",
        "qwen3_coder",
    )


BAD = ("--seed", "1", "--max-num-seq", "64", "--model", "x")


@pytest.mark.parametrize("arguments", [BAD], indirect=True)
@pytest.mark.usefixtures("arguments")
def test_an_error_of_a_card_s_argument_names_the_card() -> None:
    found = dict(refused("--seed", "2", "--max-num-sequences", "1"))
    assert set(found) == {
        f"catalog/models/{MODEL}.yaml: engineArgs.vllm[2]",
        f"catalog/models/{MODEL}.yaml: engineArgs.vllm[4]",
        "models.chat.engine.extraArgs[2]",
    }
    assert "did you mean --max-num-seqs?" in found[f"catalog/models/{MODEL}.yaml: engineArgs.vllm[2]"]


@pytest.mark.parametrize("arguments", [("--trust-remote-code",)], indirect=True)
@pytest.mark.usefixtures("arguments")
def test_a_card_runs_no_code_of_others_unless_the_stack_allows_it() -> None:
    ((path, message),) = refused()
    assert path == f"catalog/models/{MODEL}.yaml: engineArgs.vllm[0]"
    assert "engine.allowCode" in message
