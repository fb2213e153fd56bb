"""What `rehearse` refuses before it starts anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stacks import ROOT

BROKEN = ("models.chat.model=qwen9", "location.zone=mars")


def ops(*words: str, path: str | None = None, temporary: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "NO_COLOR": "1"}
    if path is not None:
        env |= {"PATH": path, "HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere"}
    if temporary:
        env |= {"TMPDIR": str(temporary)}
    return subprocess.run(
        [sys.executable, "-m", "ops", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--stack", "prd"),
        ("--stack", "dev", *(word for override in BROKEN for word in ("--set", override))),
        ("--stack", "dev", "--json", *(word for override in BROKEN for word in ("--set", override))),
    ],
)
def test_what_a_preview_rejects_is_rejected_in_the_same_words(words: tuple[str, ...]) -> None:
    ours, previews = ops("rehearse", *words), ops("preview", *words)
    assert previews.returncode == 2
    assert (ours.returncode, ours.stdout, ours.stderr) == (2, previews.stdout, previews.stderr)


def test_a_stack_in_an_existing_cluster_is_refused() -> None:
    existing = "cluster={existing: {context: gke_my-project_europe-west1_theirs}}"
    done = ops("rehearse", "--stack", "dev", "--set", existing)
    assert done.returncode == 2, done.stderr
    assert "cluster.existing: a rehearsal has a cluster of its own" in done.stderr


def test_a_text_that_no_urn_has_is_refused_with_the_nearest(tmp_path: Path) -> None:
    done = ops("rehearse", "--stack", "dev", "--fail", "sistem-pool", temporary=tmp_path)
    assert done.returncode == 2
    assert 'error: stack dev has 1 error\n  --fail: no resource has "sistem-pool" in its URN' in done.stderr
    assert "system-pool" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system is refused first")
def test_missing_programs_are_named_with_what_builds_them() -> None:
    done = ops("rehearse", "--stack", "dev", path="/nowhere")
    assert done.returncode == 1
    assert "run `make tools`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system is refused first")
def test_missing_programs_are_one_object_with_json() -> None:
    done = ops("rehearse", "--stack", "dev", "--json", path="/nowhere")
    (fault,) = json.loads(done.stdout)["faults"]
    assert (done.returncode, fault["path"], done.stderr) == (1, "rehearsal", "")
    assert "run `make tools`" in fault["message"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fault", "killed"), "a rehearsal with a fault or a judge swaps no model; leave out --fail, "),
        ((), "no graphs get another model, and chat has qwen3-0.6b; swap that of one graph, such as "),
    ],
)
def test_a_swap_that_swaps_no_model_is_refused(words: tuple[str, ...], message: str) -> None:
    done = ops("rehearse", "--stack", "dev", "--swap", "models.chat.servedName=chat", *words, "--json")
    (fault,) = json.loads(done.stdout)["faults"]
    assert (done.returncode, fault["path"]) == (2, "--swap")
    assert fault["message"].startswith(message)


def test_another_fail_every_is_refused_with_what_is_allowed() -> None:
    done = ops("rehearse", "--stack", "dev", "--fail-every", "foo", "--json")
    (fault,) = json.loads(done.stdout)["faults"]
    assert (done.returncode, fault["path"]) == (2, "--fail-every")
    assert fault["message"] == '"foo" is not one of type, resource'


@pytest.mark.parametrize(
    ("words", "path", "message"),
    [
        (("--fault", "sigint"), "--fault", '"sigint" is not one of stockout, timeout, '),
        (("--fault", "node-lost"), "--fault", "node-lost: the stack has no GPU pool"),
        (("--fault", "killed", "--fail", "NodePool"), "--fail", "does not go together with --fault; give one of them"),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(words: tuple[str, ...], path: str, message: str) -> None:
    done = ops("rehearse", "--stack", "dev", *words, "--json")
    (fault,) = json.loads(done.stdout)["faults"]
    assert (done.returncode, fault["path"]) == (2, path)
    assert fault["message"].startswith(message)


@pytest.mark.parametrize(
    ("fault", "setting", "message"),
    [
        (
            "verification",
            "models.chat.verification=reported",
            "verification: no graph of the stack has prefill workers",
        ),
        ("stockout", "capacity.mode=flexStart", "stockout: each GPU pool of the stack is created without a node"),
    ],
)
def test_a_fault_that_a_setting_prevents_is_refused(fault: str, setting: str, message: str) -> None:
    done = ops("rehearse", "--stack", "try", "--set", setting, "--fault", fault, "--json")
    (found,) = json.loads(done.stdout)["faults"]
    assert (done.returncode, found["path"]) == (2, "--fault")
    assert found["message"].startswith(message)
