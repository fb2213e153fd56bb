"""A gated model without a token: the preview warns, and `pulumi up` stops before it creates anything."""

import contextvars
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.__main__ import app
from ops.offline import stackfile
from ops.offline.canned_answers import Canned
from ops.offline.recorded import ProgramFailed, Recording
from ops.offline.recording import record_program, run_main
from tests.stacks import ROOT, SHIPPED, recorded

COMMAND = "pulumi config set --secret dynamo-gke:hfToken"


def run(overrides: list[str], *, preview: bool, secret: str | None = None) -> Recording:
    """The prod stack, which serves a gated model; `secret` is Pulumi's value of the key."""
    given = {} if secret is None else {"dynamo-gke:hfToken": secret}
    stack = stackfile.read(ROOT, "prod", overrides)
    return contextvars.copy_context().run(
        record_program,
        lambda: run_main(ROOT),
        stack="prod",
        config={**stack.values, **given},
        secret_keys=sorted(given),
        preview=preview,
        answers=Canned(stack),
    )


MISSING = [
    ("none", [], None),
    ("the empty default of Pulumi.yaml, encrypted", [], ""),
    ("none, where Secret Manager is to get it", ["secrets.store=secretManager"], None),
]
missing = pytest.mark.parametrize(("overrides", "secret"), [m[1:] for m in MISSING], ids=[m[0] for m in MISSING])


@missing
def test_up_stops_and_names_the_command(overrides: list[str], secret: str | None) -> None:
    with pytest.raises(ProgramFailed, match=COMMAND):
        run(overrides, preview=False, secret=secret)


@missing
def test_a_preview_shows_what_up_creates_once_the_token_is_set(overrides: list[str], secret: str | None) -> None:
    shown = run(overrides, preview=True, secret=secret).by_urn()
    assert set(shown) == set(run(overrides, preview=False, secret="hf_x").by_urn())


def test_up_needs_no_token_where_one_is_in_secret_manager() -> None:
    assert run(["secrets.store=secretManager", "secrets.hfToken=hf-token"], preview=False).resources


def test_up_needs_no_token_without_a_gated_model() -> None:
    assert recorded("staging", preview=False).resources
    assert run(["models.chat.model=qwen3-32b"], preview=False).resources


@pytest.mark.parametrize("command", [["preview"], ["preview", "--json"], ["render"]], ids=" ".join)
@pytest.mark.parametrize("stack", SHIPPED)
def test_every_shipped_stack_is_previewed_without_a_secret(stack: str, command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--stack", stack])
    assert done.exit_code == 0, done.stderr
    if command == ["preview", "--json"]:
        warnings: list[Any] = json.loads(done.stdout)["plan"]["warnings"]
        assert [COMMAND in warning for warning in warnings].count(True) == (1 if stack == "prod" else 0)
    if command == ["render"]:
        assert (COMMAND in done.stderr) is (stack == "prod")


def test_a_diff_warns_of_a_missing_token_too() -> None:
    reported = CliRunner().invoke(app, ["diff", "--base", "HEAD", "--stack", "prod"])
    assert reported.exit_code in (0, 4), reported.stderr
    assert COMMAND in reported.stdout
    as_json = CliRunner().invoke(app, ["diff", "--base", "HEAD", "--stack", "prod", "--json"])
    assert any(COMMAND in warning for warning in json.loads(as_json.stdout)["warnings"])


@pytest.mark.parametrize("value", ["replace-me", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz"])
def test_a_stand_in_still_loads_with_a_warning(value: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stack files of earlier versions have this key, which the Pulumi CLI never accepted."""
    for path in ROOT.iterdir():
        if path.name != "Pulumi.prod.yaml":
            (tmp_path / path.name).symlink_to(path)
    shipped = (ROOT / "Pulumi.prod.yaml").read_text()
    (tmp_path / "Pulumi.prod.yaml").write_text(f"{shipped.rstrip()}\n  dynamo-gke:hfToken: {{secure: {value}}}\n")
    monkeypatch.setattr(stackfile, "project_root", lambda: tmp_path)
    done = CliRunner().invoke(app, ["preview", "--json", "--stack", "prod"])
    assert done.exit_code == 0, done.stderr
    (warning,) = [w for w in json.loads(done.stdout)["plan"]["warnings"] if w.startswith("hfToken")]
    assert "was not encrypted by Pulumi" in warning
    assert COMMAND in warning
    assert value not in done.stdout + done.stderr


def test_a_named_secret_is_synced_for_any_model() -> None:
    named = ["secrets.store=secretManager", "secrets.hfToken=hf-token"]
    gated = run(named, preview=True).by_urn()
    free = run([*named, "models.chat.model=llama-3.3-70b-instruct-fp8"], preview=True).by_urn()
    shared = [urn for urn in gated if "SyncedToken" in urn or "gcp:container/" in urn]
    assert any("SyncedToken" in urn for urn in shared)
    assert [urn for urn in shared if urn not in free or free[urn].inputs != gated[urn].inputs] == []
