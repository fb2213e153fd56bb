"""What every workflow has to keep to: pins, permissions, triggers, and where a credential may be."""

import re
import tomllib
from typing import Any

import pytest

from tests.stacks import ROOT, SHIPPED
from tests.workflows.files import FOLDER, NAMES, action_files, jobs, steps, workflow

PIN = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # (?P<version>v\d+\.\d+\.\d+)$")
WRITES = {
    ("preview", "cloud"): {"id-token"},
    ("comment", "comment"): {"pull-requests"},
    ("deploy", "preview"): {"id-token"},
    ("deploy", "up"): {"id-token"},
    ("docs", "publish"): {"id-token", "pages"},
    ("drift", "drift"): {"id-token", "issues"},
}
# Only these hand an identity or a token that may write to what they run.
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"


def test_every_workflow_is_one_that_the_tests_know() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(f"{name}.yaml" for name in NAMES)


def test_every_action_is_pinned_to_a_commit_and_a_version_to_one_commit() -> None:
    pins: dict[str, set[tuple[str, str]]] = {}
    for path in [*FOLDER.iterdir(), *action_files()]:
        for line in path.read_text().splitlines():
            if "uses:" not in line or "uses: ./" in line:
                continue
            pin = PIN.search(line)
            assert pin, f"{path.name}: {line.strip()} is not pinned as ACTION@COMMIT # vX.Y.Z"
            pins.setdefault(pin["action"], set()).add((pin["commit"], pin["version"]))
    assert {action for action, found in pins.items() if len(found) > 1} == set()
    assert "actions/checkout" in pins


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_nothing_by_itself(name: str) -> None:
    fields = workflow(name)
    assert fields["permissions"] == {}
    assert "cancel-in-progress" in fields["concurrency"]


@pytest.mark.parametrize(("name", "job", "fields"), list(jobs()), ids=lambda v: v if isinstance(v, str) else "")
def test_a_job_may_what_its_task_needs_and_ends(name: str, job: str, fields: dict[str, Any]) -> None:
    assert {right for right, how in fields["permissions"].items() if how == "write"} == WRITES.get((name, job), set())
    assert fields["timeout-minutes"] <= (360 if (name, job) == ("deploy", "up") else 60)
    assert fields["runs-on"] == "ubuntu-24.04"


def test_no_workflow_runs_a_head_with_the_rights_of_the_base() -> None:
    triggers = {name: set(workflow(name)["on"]) for name in NAMES}
    assert triggers == {
        "advisories": {"schedule", "workflow_dispatch"},
        "ci": {"pull_request", "push"},
        "preview": {"pull_request"},
        "comment": {"workflow_run"},
        "deploy": {"workflow_dispatch"},
        "docs": {"push"},
        "drift": {"schedule", "workflow_dispatch"},
    }
    checkouts = [step for step in steps() if step.uses.startswith("actions/checkout@")]
    assert {step.fields["with"]["persist-credentials"] for step in checkouts} == {False}
    refs = {(step.workflow, step.fields["with"].get("ref")) for step in checkouts if "ref" in step.fields["with"]}
    assert refs == {("comment", "${{ github.event.repository.default_branch }}")}


def test_a_fork_gets_no_identity() -> None:
    preview = workflow("preview")["jobs"]
    assert SAME_REPOSITORY in preview["cloud"]["if"]
    assert "||" not in preview["cloud"]["if"]
    for name, job, fields in jobs():
        if "pull_request" in workflow(name)["on"] and SAME_REPOSITORY not in fields.get("if", ""):
            assert fields["permissions"] == {"contents": "read"}, f"{name}.{job}"
            assert not re.search(r"\$\{\{\s*(secrets|vars)\.", str(fields)), f"{name}.{job}"


def test_pulumi_comments_on_no_pull_request() -> None:
    """What it prints is not quoted; only tools/diff_comment.py writes in the bot's name."""
    for step in steps():
        if step.uses.startswith("pulumi/actions@"):
            assert step.fields["with"].get("comment-on-pr", False) is False


@pytest.mark.parametrize("words", ["gh run download", "pulumi refresh"])
def test_a_command_that_prints_text_of_others_runs_while_workflow_commands_are_stopped(words: str) -> None:
    (script,) = [step.run for step in steps() if words in step.run]
    before, after = script.split(words)
    assert 'echo "::stop-commands::$token"' in before
    assert "token=$(openssl rand -hex 16)" in before
    assert 'echo "::$token::"' in after


def test_no_workflow_holds_a_stored_secret() -> None:
    for path in [*FOLDER.iterdir(), *action_files()]:
        assert "secrets." not in path.read_text(), path.name


def test_no_command_has_an_expression_spliced_into_it() -> None:
    assert [step for step in steps() if "${{" in step.run] == []


# Every condition of a job or a step. Others, such as `always()`, would run what is to follow a success.
JOB_CONDITIONS = {
    ("deploy", "preview"): "github.ref == 'refs/heads/main'",
    ("preview", "cloud"): f"{SAME_REPOSITORY} && vars.CLOUD_STACKS != ''",
    ("comment", "comment"): (
        "github.event.workflow_run.event == 'pull_request' && github.event.workflow_run.conclusion != 'cancelled'"
    ),
    ("docs", "publish"): "vars.PUBLISH_DOCS == 'true'",
    ("drift", "drift"): "vars.CLOUD_STACKS != ''",
}
# The diff is reported even if the preview fails; neither hides the job's failure.
STEP_CONDITIONS = {("preview", "plan", "${{ !cancelled() }}")}


def test_a_job_and_a_step_run_after_success_only() -> None:
    assert {(name, job): fields["if"] for name, job, fields in jobs() if "if" in fields} == JOB_CONDITIONS
    conditions = {(step.workflow, step.job, step.fields["if"]) for step in steps() if "if" in step.fields}
    assert conditions == STEP_CONDITIONS


def test_no_failure_is_passed_over() -> None:
    assert [(name, job) for name, job, fields in jobs() if "continue-on-error" in fields] == []
    assert [step for step in steps() if "continue-on-error" in step.fields] == []
    assert [step for step in steps() if re.search(r"\|\|\s*(true|:|exit 0)", step.run)] == []
    assert {step.fields.get("shell", "bash") for step in steps()} == {"bash"}
    kept = [step for step in steps() if re.search(r"\|\|\s*\w+=\$\?", step.run)]
    assert [step for step in kept if not re.search(r'exit "\$(\w+|\{\w+:-0\})"', step.run)] == []
    assert [step for step in steps() if "set +e" in step.run] == []


def test_every_shipped_stack_is_checked_and_can_be_deployed() -> None:
    assert workflow("ci")["jobs"]["previews"]["strategy"]["matrix"]["stack"] == list(SHIPPED)
    assert workflow("preview")["jobs"]["plan"]["strategy"]["matrix"]["stack"] == list(SHIPPED)
    assert workflow("deploy")["on"]["workflow_dispatch"]["inputs"]["stack"]["options"] == list(SHIPPED)


def test_a_deployment_waits_for_approval_and_its_turn_and_is_judged() -> None:
    deploy = workflow("deploy")
    assert deploy["concurrency"] == {"group": "deploy-${{ inputs.stack }}", "cancel-in-progress": False}
    up = deploy["jobs"]["up"]
    assert (up["needs"], up["environment"]) == ("preview", "${{ inputs.stack }}")
    assert deploy["jobs"]["preview"]["if"] == "github.ref == 'refs/heads/main'"
    ups = [step for step in steps() if step.fields.get("with", {}).get("command") == "up"]
    assert [(step.workflow, step.job) for step in ups] == [("deploy", "up")]
    # `up` of the action skips the preview, so the job before it judges the stack.
    judged = [step for step in steps() if step.workflow == "deploy" and step.uses.startswith("pulumi/actions@")]
    assert [(step.job, step.fields["with"]["command"]) for step in judged] == [("preview", "preview"), ("up", "up")]
    for step in judged:
        assert step.fields["with"]["policyPacks"] == "policies"
        assert step.fields["with"]["policyPackConfigs"] == "policies/config.${{ inputs.stack }}.json"


def test_reading_jobs_never_use_the_environment_that_may_write() -> None:
    used = {(name, job): fields["environment"] for name, job, fields in jobs() if "environment" in fields}
    assert used.pop(("docs", "publish"))["name"] == "github-pages"  # of GitHub, without an identity at Google Cloud
    assert {job for job, environment in used.items() if not environment.endswith("-preview")} == {("deploy", "up")}


def test_the_engine_has_the_version_of_the_library() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = next(d.removeprefix("pulumi==") for d in project["dependencies"] if d.startswith("pulumi=="))
    engines = [step.fields["with"]["pulumi-version"] for step in steps() if step.uses.startswith("pulumi/actions@")]
    assert set(engines) == {pinned}
