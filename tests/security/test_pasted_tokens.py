"""A pasted token is rejected wherever it could do harm, and never printed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ops.__main__ import app
from ops.commands.ending import unexpected
from ops.offline import stackfile
from planning.load import load
from reading import shape
from reading.errors import ConfigInvalid
from settings.schema import Settings
from settings.stack_config import NAMESPACE, PLAIN_KEYS, StackConfig
from tests.security.canaries import PASTED
from tests.stacks import ROOT, SHIPPED, config

Place = tuple[str | int, ...]


def places(model: Any = Settings, path: Place = ()) -> Iterator[Place]:
    """Every path of a stack file that takes a value, with one entry of each list and dictionary."""
    here = shape.bare(model)
    if names := shape.keys(here):
        for name in names:
            if path or name in PLAIN_KEYS:
                yield from places(shape.at(here, [name]), (*path, name))
    elif get_origin(here) is dict:
        yield (*path, "chat")
        yield from places(get_args(here)[1], (*path, "chat"))
    elif get_origin(here) is tuple:
        yield path
        yield from places(get_args(here)[0], (*path, 0))
    else:
        yield path


PLACES = sorted(set(places()), key=str)


def test_the_places_reach_every_block_to_its_depth() -> None:
    shown = {".".join(map(str, path)) for path in PLACES}
    assert {
        "endpoint.allowedCidrs.0", "versions.runtime", "models.chat.engine.extraArgs.0", "labels.chat",
        "cluster.secretsKey", "secrets.hfToken", "alerts.emails.0", "models.chat.decode.replicas",
    } <= shown  # fmt: skip
    assert len(PLACES) > 60


def nested(path: Place, value: Any) -> Any:
    for key in reversed(path):
        value = [value] if isinstance(key, int) else {key: value}
    return value


def stack_with(path: Place, value: Any) -> StackConfig:
    top, *rest = path
    given = config()
    full = f"{NAMESPACE}:{top}"
    block = json.loads(given.values[full]) if full in given.values and rest else {}
    laid = merged(block, nested(tuple(rest), value)) if rest else value
    text = laid if isinstance(laid, str) else json.dumps(laid)
    return StackConfig(stack=given.stack, values={**given.values, full: text}, secrets=given.secrets)


def merged(block: Any, change: Any) -> Any:
    if isinstance(block, dict) and isinstance(change, dict):
        return {**block, **{key: merged(block.get(key), inner) for key, inner in change.items()}}
    return change


# Contexts of the token: alone, inside a text, inside JSON, after a line break, below unknown keys.
WRAPPED = [
    lambda token: token,
    lambda token: f"x {token} y",
    lambda token: json.dumps({"a": {"b": token}}),
    lambda token: f"\n{token}",
    lambda token: {"nobody": {"knows": [token]}},
    lambda token: {token: 1},
    lambda token: {"nobody": {token: "x"}},
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(sorted(PASTED)), st.sampled_from(WRAPPED))
def test_a_token_anywhere_in_a_stack_is_refused_and_not_repeated(path: Place, name: str, wrap: Any) -> None:
    token = PASTED[name]
    with pytest.raises(ConfigInvalid) as refused:
        load(stack_with(path, wrap(token)))
    assert f"looks like {name}" in str(refused.value)
    for line in token.splitlines():
        if not line.startswith("-----BEGIN"):
            assert line not in str(refused.value)


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_no_place_is_left_out(path: Place) -> None:
    token = PASTED["a Hugging Face token"]
    with pytest.raises(ConfigInvalid) as refused:
        load(stack_with(path, token))
    assert "looks like a Hugging Face token" in str(refused.value)
    assert token not in str(refused.value)


TOKEN = PASTED["a Hugging Face token"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program with separate stack files."""
    for path in ROOT.iterdir():
        if not path.name.startswith("Pulumi.") or path.name == "Pulumi.yaml":
            (tmp_path / path.name).symlink_to(path)
    for stack in SHIPPED:
        (tmp_path / f"Pulumi.{stack}.yaml").write_text((ROOT / f"Pulumi.{stack}.yaml").read_text())
    monkeypatch.setattr(stackfile, "project_root", lambda: tmp_path)
    return tmp_path


COMMANDS = [
    ["preview"], ["preview", "--json"], ["render"], ["rollout", "--set", "preflight=false"],
    ["rollout", "--json", "--set", "preflight=false"], ["status"], ["status", "--json"], ["local", "--once"],
    ["diff", "--base", "HEAD"], ["diff", "--base", "HEAD", "--json"], ["diff", "--base", "HEAD", "--markdown"],
]  # fmt: skip

STACK = """\
config:
  gcp:project: my-project
  dynamo-gke:location: {region: europe-west1, zone: europe-west1-b}
  dynamo-gke:models: {chat: {model: qwen3-32b, layout: simulated}}
"""

FILES = {
    "a range": f"  dynamo-gke:endpoint: {{exposure: internal, allowedCidrs: [{TOKEN}]}}\n",
    "a version": f"  dynamo-gke:versions: {{runtime: {TOKEN}}}\n",
    "a key": f"  dynamo-gke:labels: {{{TOKEN}: x}}\n",
    "a key of the file": f"  dynamo-gke:{TOKEN}: x\n",
    "a key twice": f"  {TOKEN}: x\n  dynamo-gke:{TOKEN}: y\n",
    "an alias": f"  dynamo-gke:labels: *{TOKEN}\n",
    "a tag": f"  dynamo-gke:labels: !{TOKEN} x\n",
    "no YAML": f"  dynamo-gke:labels: {{{TOKEN}: [\n",
    "the same key in a block": f"  dynamo-gke:labels: {{{TOKEN}: x, {TOKEN}: y}}\n",
    "a line that is none": f"  {TOKEN}\n",
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("file", FILES)
def test_no_command_repeats_what_the_file_holds(root: Path, command: list[str], file: str) -> None:
    path = root / "Pulumi.dev.yaml"
    path.write_text(STACK + FILES[file])
    done = CliRunner().invoke(app, [*command, "--stack", "dev"])
    assert done.exit_code == 2, done.output
    assert TOKEN not in done.output
    assert "[secret]" in done.output or "looks like" in done.output or "is not YAML" in done.output


ARGUMENTS = [
    ["preview", "--set", TOKEN],
    ["preview", "--set", f"{TOKEN}=x"],
    ["preview", "--set", f"models.chat.layout={TOKEN}"],
    ["preview", "--set", f'models.chat.engine.extraArgs=[--override-generation-config, \'{{"a": "{TOKEN}"}}\']'],
    ["preview", "--set", f"models.chat.engine.extraArgs=[{TOKEN}"],
    ["preview", "--set", f"endpoint.allowedCidrs[7]={TOKEN}"],
    ["preview", "--set", f"labels=a{{\n{TOKEN}"],
    ["preview", "--json", "--stack", TOKEN],
    ["preview", "--stack", TOKEN],
    ["diff", "--base", TOKEN],
    ["diff", "--base", "HEAD", "--markdown", "--stack", TOKEN],
    ["render", "--only", TOKEN],
    ["rollout", "--set", TOKEN],
    ["status", "--graph", TOKEN],
    ["local", "--graph", TOKEN],
    ["local", "--engine", TOKEN],
    ["local", "--port", TOKEN],
    ["preview", f"--{TOKEN}"],
    ["preview", TOKEN],
    [TOKEN],
    ["models", "pin", TOKEN],
    ["models", TOKEN],
]


@pytest.mark.parametrize("words", ARGUMENTS, ids=lambda words: " ".join(words).replace(TOKEN, "TOKEN"))
def test_no_command_repeats_a_token_of_its_arguments(words: list[str]) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code in (1, 2), done.output
    assert done.output
    assert TOKEN not in done.output
    assert TOKEN[3:] not in "".join(done.output.split())  # nor broken over two lines


@pytest.mark.parametrize("debug", ["", "1"])
def test_an_unforeseen_error_is_masked_with_its_traceback(
    debug: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DYNAMO_GKE_DEBUG", debug)
    try:
        raise RuntimeError(f"401 for {TOKEN}")
    except RuntimeError as error:
        unexpected("dynamo-gke", error)
    printed = capsys.readouterr().err
    assert "401 for [secret]" in printed
    assert ("Traceback" in printed) is bool(debug)
    assert TOKEN not in printed
