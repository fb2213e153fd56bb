"""An editor with the YAML language server completes, explains and checks a stack file by its first line."""

from collections.abc import Iterator

import pytest

from catalog.capacity import NAMES as CAPACITY_MODES
from catalog.layouts import layout_names
from catalog.models import card, card_names
from settings.stack_config import NOT_READ
from settings.stack_schema import FIRST_LINE
from tests.editors.language_server import LanguageServer, installed
from tests.stacks import ROOT, SHIPPED

STACK = f"""\
{FIRST_LINE}
config:
  gcp:project: my-project
  dynamo-gke:location: {{region: europe-west1, zone: europe-west1-b}}
  dynamo-gke:capacity:
    mode: spot
  dynamo-gke:models:
    chat:
      model: qwen3-32b
      layout: single-node
"""


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    with LanguageServer(installed()) as running:
        yield running


def place(text: str, key: str) -> tuple[int, int]:
    """Line of a key, and the column behind its colon."""
    line = next(i for i, each in enumerate(text.splitlines()) if each.strip().startswith(f"{key}:"))
    return line, text.splitlines()[line].index(":") + 2


@pytest.mark.parametrize(
    ("key", "words"),
    [("model", card_names()), ("layout", layout_names()), ("mode", CAPACITY_MODES)],
    ids=["model", "layout", "mode"],
)
def test_names_of_the_catalog_are_proposed_with_their_description(
    server: LanguageServer, key: str, words: tuple[str, ...]
) -> None:
    line, column = place(STACK, key)
    text = "".join(
        each[:column] + "\n" if i == line else each for i, each in enumerate(STACK.splitlines(keepends=True))
    )
    proposed = server.completions(server.open(f"Pulumi.{key}.yaml", text), line, column)
    assert set(words) <= set(proposed)
    assert all(proposed[word] for word in words)
    if key == "model":
        assert all(card(name).repository in proposed[name] for name in card_names())


def test_a_key_is_explained_where_the_pointer_is(server: LanguageServer) -> None:
    uri = server.open("Pulumi.hover.yaml", STACK)
    line, column = place(STACK, "model")
    text = server.hover(uri, line, column - 4)
    assert text.startswith("The model to serve: a card of the catalog.")
    assert "./cards/ours.yaml" in text
    assert "Qwen/Qwen3-32B" in text
    line, column = place(STACK, "mode")
    assert "spare capacity at a discount" in server.hover(uri, line, column)


def test_keys_are_proposed_without_old_names(server: LanguageServer) -> None:
    uri = server.open("Pulumi.keys.yaml", STACK + "      \n")
    proposed = server.completions(uri, len(STACK.splitlines()), 6)
    assert {"servedName", "prefill", "decode", "engine", "verification", "kvTransfer"} <= set(proposed)
    assert "proof" not in proposed


def test_a_mistake_is_shown_in_its_line_with_a_sentence_that_helps(server: LanguageServer) -> None:
    text = STACK.replace("      layout:", "      layuot:").replace("mode: spot", "mode: spot\n    reservation: ours")
    found = server.errors(server.open("Pulumi.wrong.yaml", text + "  dynamo-gke:hfToken: plain\n"))
    lines = text.splitlines()
    assert "Property layuot is not allowed" in found[lines.index("      layuot: single-node")]
    assert found[lines.index("    reservation: ours")] == "has no effect with mode spot; remove it"
    assert "pulumi config set --secret dynamo-gke:hfToken" in found[len(lines)]


def test_what_only_the_program_rejects_is_marked_too(server: LanguageServer) -> None:
    text = f"{STACK}  gcp:region: europe-west1\n"
    found = server.errors(server.open("Pulumi.region.yaml", text))
    assert found[len(STACK.splitlines())] == NOT_READ


def test_a_client_range_of_no_form_is_explained(server: LanguageServer) -> None:
    endpoint = '{exposure: gateway, domain: llm.example.com, allowedCidrs: ["1.2.3"]}'
    found = server.errors(server.open("Pulumi.range.yaml", f"{STACK}  dynamo-gke:endpoint: {endpoint}\n"))
    assert "must be a range of addresses or a single address" in found[len(STACK.splitlines())]


@pytest.mark.parametrize("stack", SHIPPED)
def test_a_shipped_stack_has_no_error(server: LanguageServer, stack: str) -> None:
    name = f"Pulumi.{stack}.yaml"
    assert server.errors(server.open(name, (ROOT / name).read_text(encoding="utf-8"))) == {}


def test_an_old_name_is_no_error(server: LanguageServer) -> None:
    assert server.errors(server.open("Pulumi.old.yaml", STACK + "      proof: reported\n")) == {}
