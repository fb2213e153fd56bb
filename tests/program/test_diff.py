"""`ops diff` between commits of a real repository: a clone of this one, changed as a pull request would."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.offline import base_checkout
from tests.catalog.tree import ROOMS
from tests.stacks import ROOT

MARKER = "<!-- dynamo-gke:diff:{} -->"


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=root, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with this checkout's code, as it is, in one commit on top: the base."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is nothing to clone")
    git(tmp_path, "clone", "--quiet", str(ROOT), "clone")
    root = tmp_path / "clone"
    for folder in ROOMS:
        for source in (path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".json", ".yaml")):
            target = root / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (root / "__main__.py").write_bytes((ROOT / "__main__.py").read_bytes())
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "base")
    return root


def diff(root: Path, *words: str, base: str = "HEAD") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", "diff", "--base", base, *words],
        cwd=root, capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


def edit(root: Path, stack: str, before: str, after: str) -> None:
    path = root / f"Pulumi.{stack}.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def committed(root: Path, change: Callable[[], None]) -> None:
    change()
    git(root, "commit", "--quiet", "--all", "--message", "head")


def test_another_reservation_replaces_both_pools_and_needs_a_word(clone: Path) -> None:
    committed(clone, lambda: edit(clone, "prod", "reservation: my-h200", "reservation: other"))
    done = diff(clone, "--stack", "prod", "--markdown", base="HEAD~1")
    lines = done.stdout.splitlines()
    assert done.returncode == 4
    said = (
        "error: decode-pool, prefill-pool: replaced, deleted, nodes recreated or released, or an update that fails; "
        "add --allow-replace if you want this"
    )
    assert done.stderr.splitlines() == [said]
    assert lines[0] == MARKER.format("prod")
    assert lines[1] == "```text"
    assert ": 2 replaced: releases 2 reserved H200 nodes" in lines[2]
    assert 'nodeConfig.reservationAffinity.values: ["my-h200"] → ["other"] (forces replacement)' in done.stdout
    assert git(clone, "worktree", "list").count("\n") == 1
    allowed = diff(clone, "--stack", "prod", "--markdown", "--allow-replace", base="HEAD~1")
    assert (allowed.returncode, allowed.stdout, allowed.stderr) == (0, done.stdout, "")


def test_nine_replicas_in_dev_are_an_update(clone: Path) -> None:
    """Compared with the working tree as it is: nothing is committed."""
    edit(clone, "dev", "layout: simulated}", "layout: simulated, decode: {replicas: 9}}")
    before = git(clone, "status", "--porcelain")
    done = diff(clone, "--stack", "dev", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    (graph,) = [c for c in printed["changes"] if c["name"] == "chat-graph"]
    assert graph["change"] == "updated"
    (replicas,) = [i for i in graph["inputs"] if i["path"] == "spec.components[decode].replicas"]
    assert (replicas["before"], replicas["after"], replicas["forces"]) == ("1", "9", False)
    assert (replicas["effect"], replicas["why"]) == ("updates", "")
    assert printed["rolling"] == []
    assert git(clone, "status", "--porcelain") == before


def test_a_platform_that_skips_a_minor_version_is_refused_whatever_is_allowed(clone: Path) -> None:
    versions = "  dynamo-gke:versions: {{platform: {0}, runtime: 1.5.1}}\n"
    committed(clone, lambda: edit(clone, "dev", "config:\n", "config:\n" + versions.format("1.5.1")))
    edit(clone, "dev", versions.format("1.5.1"), versions.format("1.7.0"))
    done = diff(clone, "--stack", "dev", "--allow-replace")
    steps = (
        "versions.platform: from 1.5.1 to 1.7.0 skips minor versions, but NVIDIA supports changes only to the next or "
        "the previous one; set 1.6.2, then 1.7.0, each with an update of its own"
    )
    assert (done.returncode, done.stderr) == (4, f"error: {steps}; no option allows this update\n")
    assert f"          {steps}\n" in done.stdout
    edit(clone, "dev", versions.format("1.7.0"), versions.format("1.6.2"))
    assert diff(clone, "--stack", "dev").returncode == 0


def test_a_comment_in_a_stack_file_changes_nothing(clone: Path) -> None:
    edit(clone, "dev", "config:\n", "config:\n  # a word\n")
    done = diff(clone, "--stack", "dev", "--markdown")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [MARKER.format("dev"), "```text"]
    assert done.stdout.splitlines()[2].endswith(": no change")


def test_a_rule_that_was_already_weaker_is_listed_separately(clone: Path) -> None:
    edit(clone, "prod", "config:\n", "config:\n  # a word\n")
    lines = diff(clone, "--stack", "prod").stdout.splitlines()
    assert lines[0].endswith(": no change")
    assert lines[2] == "policy configuration of this stack, unchanged:"
    assert [line[:27] for line in lines[3:5]] == ["          policy gpu-budget"] * 2
    assert lines[5:7] == ["", "Warnings"]


@pytest.mark.parametrize(
    ("config", "code", "sentence"),
    [
        ('{"all": "disabled"}', 4, "policy no-plain-secret (critical) is disabled; at the base mandatory"),
        (
            '{"no-host-access": {"allowed": ["tool"]}}', 4,
            'policy no-host-access (critical) is weaker: allowed ["tool"]; at the base []',
        ),
        ('{"pinned": "advisory"}', 0, "policy pinned (high) is weaker: advisory; at the base mandatory"),
    ],
)  # fmt: skip
def test_a_weakened_policy_is_named(clone: Path, config: str, code: int, sentence: str) -> None:
    (clone / "policies/config.dev.json").write_text(config)
    done = diff(clone, "--stack", "dev", "--allow-replace")
    assert done.returncode == code
    assert sentence in done.stdout.splitlines()
    assert "no change" not in done.stdout
    assert ("critical policies are weaker than at the base" in done.stderr) == (code == 4)


def test_a_rule_that_left_the_pack_is_named(clone: Path) -> None:
    rules = clone / "policies/rules.py"
    rules.write_text(rules.read_text() + "\nRULES = [rule for rule in RULES if rule.name != 'private-bucket']\n")
    done = diff(clone, "--stack", "dev", "--json")
    weakened = json.loads(done.stdout)["policies"]["weakened"]
    assert done.returncode == 4
    assert [(w["policy"], w["now"]) for w in weakened] == [("private-bucket", "removed from the pack")]


def public_with(root: Path, cidr: str) -> None:
    edit(
        root, "dev", "{exposure: none}", f"{{exposure: gateway, domain: llm.example.com, allowedCidrs: [{cidr}]}}"
    )  # fmt: skip


def test_what_only_the_rules_of_the_base_refuse_is_named(clone: Path) -> None:
    """The half of the internet, allowed by a number outside policies/."""
    ranges = clone / "settings/client_ranges.py"
    text = ranges.read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("WIDEST")]
    ranges.write_text(text.replace(line, line.partition("{")[0] + "{4: 0, 6: 0}"))
    done = diff(clone, "--stack", "dev")
    named = "policy code changed: settings/client_ranges.py; a rule may now be weaker for resources that this stack"
    assert done.returncode == 0
    assert any(line.startswith(named) for line in done.stdout.splitlines())
    assert done.stdout.splitlines()[0].endswith(": policy code changed")
    public_with(clone, "0.0.0.0/1")
    done = diff(clone, "--stack", "dev", "--allow-replace")
    assert done.returncode == 4
    assert "violations of the base's policies pass" in done.stdout.splitlines()[0]
    assert "policy public-gateway (critical) of the base rejects" in done.stdout
    assert "critical policies of the base reject what this checkout creates: public-gateway" in done.stderr


def test_rules_of_the_base_that_give_no_verdict_end_with_4(clone: Path) -> None:
    rules = clone / "ops/offline/judge_recording.py"
    text = rules.read_text()
    rules.write_text("raise SystemExit('out of order')\n")
    committed(clone, lambda: None)
    rules.write_text(text)
    done = diff(clone, "--stack", "dev", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["policies"]["baseDidNotJudge"] == "out of order"


def test_a_new_stack_that_is_judged_more_weakly_than_prod_is_named(clone: Path) -> None:
    (clone / "Pulumi.eu.yaml").write_text((clone / "Pulumi.dev.yaml").read_text())
    assert diff(clone, "--stack", "eu").returncode == 0
    (clone / "policies/config.eu.json").write_text('{"private-bucket": "disabled"}')
    done = diff(clone, "--stack", "eu")
    assert done.returncode == 4
    assert "policy private-bucket (critical) is disabled; at the base mandatory" in done.stdout


def test_a_pasted_token_is_refused_and_not_repeated(clone: Path) -> None:
    edit(clone, "prod", "config:\n", "config:\n  dynamo-gke:hfToken: hf_abcdefghijklmnopqrstuvwxyz012345\n")
    done = diff(clone, "--stack", "prod", "--markdown")
    assert done.returncode == 2
    assert done.stdout.splitlines()[:3] == [MARKER.format("prod"), "```text", "prod: does not load, 1 error"]
    assert "hfToken" in done.stdout
    assert "hf_abc" not in done.stdout + done.stderr


def without_the_stack(root: Path) -> None:
    (root / "Pulumi.dev.yaml").unlink()


def with_an_error(root: Path) -> None:
    edit(root, "dev", "layout: simulated", "layout: simulatd")


def without_commands(root: Path) -> None:
    (root / "ops" / "__main__.py").unlink()


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (without_the_stack, "the base has no stack dev"),
        (with_an_error, 'the base does not load, so it is compared with nothing: models.chat.layout: "simulatd"'),
        (without_commands, "the base's `ops preview --json` is unreadable"),
    ],
)
def test_a_base_that_gives_no_preview_is_compared_with_nothing(
    clone: Path, spoil: Callable[[Path], None], note: str
) -> None:
    committed(clone, lambda: spoil(clone))
    git(clone, "checkout", "--quiet", "HEAD~1", "--", ".")
    done = diff(clone, "--stack", "dev", "--json")
    printed = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert printed["base"]["note"].startswith(note)
    assert {change["change"] for change in printed["changes"]} == {"created"}
    assert git(clone, "worktree", "list").count("\n") == 1


def test_a_base_that_is_no_commit(clone: Path) -> None:
    done = diff(clone, "--stack", "dev", base="mian")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: --base 'mian' is no commit of this repository")


def test_the_worktree_is_gone_after_an_interrupt(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def interrupted(folder: Path, stack: str) -> None:
        seen.append(folder)
        assert (folder / f"Pulumi.{stack}.yaml").is_file()
        raise KeyboardInterrupt

    monkeypatch.setattr(base_checkout, "_preview", interrupted)
    with pytest.raises(KeyboardInterrupt):
        base_checkout.base(clone, "HEAD", "dev", {})
    assert not seen[0].exists()
    assert git(clone, "worktree", "list").count("\n") == 1
