"""Shipped stacks, rehearsed as a user does. One run of the command serves all tests of a stack."""

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from ops.rehearsal.engine.events import name_of
from ops.rehearsal.programs import Programs
from tests import doc_blocks
from tests.stacks import ROOT

SECONDS = 900
"""Limit of one rehearsal, on two busy cores."""
AUTOSCALED = ("--set", "models.chat.autoscaling={decode: {min: 1, max: 2}}", "--set", "capacity.maxNodes=3")
SECOND_GRAPH = ("--set", "models.eu-chat={model: qwen3-0.6b, layout: simulated}")
BEGINNING = ("preview", "up", "check", "up again", "refresh")


@cache
def rehearsed(*words: str) -> dict[str, Any]:
    """The report of a rehearsal, which must do what it is expected to."""
    done = subprocess.run(
        [sys.executable, "-m", "ops", "rehearse", *words, "--json"], cwd=ROOT, env=os.environ,
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def dev(programs: Programs) -> dict[str, Any]:
    return rehearsed("--stack", "dev", *SECOND_GRAPH)


@pytest.fixture
def scaled(programs: Programs) -> dict[str, Any]:
    return rehearsed("--stack", "try", "--thorough", *AUTOSCALED)


@pytest.fixture
def prod(programs: Programs) -> dict[str, Any]:
    swap = doc_blocks.model_swap("README.md")
    return rehearsed("--stack", "prod", "--thorough", *(word for each in swap for word in ("--swap", each)))


@pytest.fixture
def broken(programs: Programs) -> dict[str, Any]:
    return rehearsed("--stack", "dev", "--fail", "chat-graph")


def steps(report: dict[str, Any]) -> list[str]:
    return [step["step"] for step in report["steps"] if not step["skipped"]]


def said(report: dict[str, Any], name: str) -> str:
    (found,) = [step["said"] for step in report["steps"] if step["step"].startswith(name)]
    return found


def test_dev_runs_its_whole_life(dev: dict[str, Any]) -> None:
    assert steps(dev) == [*BEGINNING, "swap qwen3-0.6b for qwen3-32b", "destroy"]
    assert [step["step"] for step in dev["steps"] if step["skipped"]] == ["token in plain text"]
    assert said(dev, "token in plain text") == "the stack has no token"
    assert said(dev, "check").endswith("nothing wrong")
    assert dev["ok"]


def test_a_swap_touches_one_graph_of_two(dev: dict[str, Any]) -> None:
    """The other graph has the same model, and its name ends with the first one's."""
    created = {name_of(entry["urn"]) for entry in dev["timeline"]["resources"]}
    assert {"chat-graph", "chat-proof-job", "eu-chat-graph", "eu-chat-proof-job"} <= created
    assert said(dev, "swap") == "1 updated, 1 replaced"  # the graph and its verification


def test_an_update_leaves_a_role_as_an_autoscaler_has_scaled_it(scaled: dict[str, Any]) -> None:
    assert steps(scaled) == [*BEGINNING, "up after an autoscaler", "destroy"]
    # The graph, which gets a second frontend, with the budget of the two, and its verification.
    assert said(scaled, "up after") == "1 created, 1 updated, 1 replaced"


def test_prod_runs_its_whole_life_as_the_teardown_is_documented(prod: dict[str, Any]) -> None:
    assert steps(prod) == [
        *BEGINNING,
        "another token",
        "swap llama-3.3-70b-instruct for qwen3-32b, all engines stopped first",
        "destroy, protected",
        "up, protection off",
        "token in plain text",
        "destroy",
    ]


def test_another_token_changes_one_secret_in_place(prod: dict[str, Any]) -> None:
    assert said(prod, "another token") == "1 updated"


def test_the_token_is_in_no_file(prod: dict[str, Any]) -> None:
    assert said(prod, "token in plain text").startswith("in none of ")


def test_the_timeline_shows_what_waited_for_what(prod: dict[str, Any]) -> None:
    entries = {name_of(entry["urn"]): entry for entry in prod["timeline"]["resources"]}
    graph, cluster = entries["chat-graph"], entries["cluster-cluster"]
    assert graph["began"] > cluster["began"] + cluster["seconds"]
    path = prod["timeline"]["criticalPath"]
    assert path.index(cluster["urn"]) < path.index(graph["urn"]) < len(path) - 1
    assert prod["timeline"]["maxParallel"] > 1


def test_a_failed_creation_converges_and_leaves_nothing(broken: dict[str, Any]) -> None:
    assert steps(broken) == ["up, which fails", "up", "up again", "destroy"]
    assert broken["failed"].endswith("DynamoGraphDeployment::chat-graph")
    assert broken["converged"] is True
