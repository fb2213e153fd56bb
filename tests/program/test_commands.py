"""`python -m ops` as a user runs it: exit codes, what goes to stdout and to stderr, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy
from ruamel.yaml import YAML
from typer.testing import CliRunner

from ops import __main__ as cli
from ops.offline import policy_config, recording, stackfile, verdicts
from ops.offline.recorded import ProgramFailed
from ops.report import objects as manifests
from policies.rules import RULES
from tests.local.fake_endpoint import Behavior, serving
from tests.stacks import ROOT, recorded
from tests.ucx_tables import RDMA, TCP, log


def ops(*words: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", *words], cwd=root, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


def test_a_preview_says_what_is_built_and_what_it_costs() -> None:
    done = ops("preview", "--stack", "prod")
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "resources to create",
        "16 GPUs, 16 RDMA NICs",
        "172.05",
        "KV-aware router, KV cache transfer over RDMA",
    ):
        assert words in done.stdout
    assert "\x1b" not in done.stdout
    assert not any(line.endswith(" ") for line in done.stdout.splitlines())


def test_a_preview_of_a_change_says_what_it_restarts() -> None:
    done = ops("preview", "--stack", "prod", "--set", "models.chat.engine.maxModelLen=16384")
    assert "What the overrides restart" in done.stdout
    assert "prefill 1 of 1 and decode 1 of 1 down at a time" in " ".join(done.stdout.split())
    assert "What the overrides restart" not in ops("preview", "--stack", "prod").stdout


def test_a_preview_says_that_google_cloud_was_not_asked() -> None:
    done = ops("preview", "--stack", "prod")
    assert "Preflight: not run here; `pulumi preview` checks whether\n  • GKE in europe-west1 offers" in done.stdout
    off = ops("preview", "--stack", "prod", "--set", "preflight=false")
    assert "Preflight: off\n" in off.stdout
    assert "asks whether" not in off.stdout


@pytest.mark.parametrize("currency", ["EUR", "JPY"])
def test_no_made_up_answer_refuses_a_preview(currency: str) -> None:
    done = ops("preview", "--stack", "prod", "--set", f"budget.currency={currency}", "--set", "budget.monthly=140000")
    assert done.returncode == 0, done.stderr
    assert f"has a billing account in {currency}" in done.stdout


def test_the_checks_of_the_preflight_are_in_the_plan() -> None:
    def preflight(*words: str) -> object:
        return json.loads(ops("preview", "--stack", "dev", "--json", *words).stdout)["plan"]["preflight"]

    assert preflight() == {"asked": False, "questions": ["GKE in europe-west1 offers 1.35.x in channel REGULAR"]}
    assert preflight("--set", "preflight=false") == {"asked": False, "questions": []}


def test_json_is_one_object_and_nothing_else() -> None:
    done = ops("preview", "--stack", "dev", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert list(printed) == ["stack", "resources", "outputs", "plan", "policies", "rules"]
    assert set(printed["rules"]) == {rule.name for rule in RULES}
    settings = {"compute": False, "weights": False}  # as policies/config.dev.json has it
    assert printed["rules"]["protected"] == {"level": "mandatory", "severity": "high", "settings": settings}
    assert set(printed["resources"][0]) == {
        "urn", "type", "name", "parent", "provider", "inputs", "dependsOn", "options", "secretPaths",
    }  # fmt: skip
    assert set(printed["plan"]) >= {"gpus", "nodes", "pools", "graphs", "costPerHour", "warnings"}


def test_errors_go_to_stderr_together_and_fast() -> None:
    done = ops("preview", "--stack", "prod", "--set", "models.chat.layout=multi", "--set", "capacity.mode=spott")
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "error: stack prod has 2 errors"
    assert lines[1].startswith('  capacity.mode: "spott" is not one of')
    assert lines[2].startswith('  models.chat.layout: "multi" is not one of')
    assert len(lines) == 3


def test_errors_as_json() -> None:
    done = ops("preview", "--stack", "prod", "--json", "--set", "models.chat.decode.replicas=0")
    assert done.returncode == 2
    assert json.loads(done.stdout) == {
        "stack": "prod",
        "faults": [{"path": "models.chat.decode.replicas", "message": "got 0; must be at least 1"}],
    }


@pytest.mark.parametrize("words", [("render",), ("preview",), ("preview", "--json")])
def test_a_stack_that_is_not_there(words: tuple[str, ...]) -> None:
    done = ops(*words, "--stack", "prdo")
    assert done.returncode == 2
    assert "did you mean prod?" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_an_override_that_is_none() -> None:
    done = ops("preview", "--set", "models.chat.layout")
    assert done.returncode == 2
    assert "is not path=value" in done.stderr


def test_an_override_is_typed() -> None:
    done = ops("preview", "--stack", "prod", "--json", "--set", "models.chat.prefill.replicas=2")
    assert json.loads(done.stdout)["plan"]["gpus"] == 24


def test_a_mandatory_violation_ends_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_buckets(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type.endswith(":Bucket"):
            report("no buckets here", None)

    rule = ResourceValidationPolicy("no-buckets", "none", no_buckets, EnforcementLevel.MANDATORY)
    monkeypatch.setattr(verdicts, "RULES", [rule])
    monkeypatch.setattr(policy_config, "read", lambda *_: {})  # the stack's own names the rules that are replaced here
    done = CliRunner().invoke(cli.app, ["preview", "--stack", "dev"])
    assert done.exit_code == 3
    assert "mandatory no-buckets: no buckets here (weights-bucket)" in done.stdout
    assert done.stderr == "error: 1 mandatory policy violation\n"
    advisory = ResourceValidationPolicy("no-buckets", "none", no_buckets, EnforcementLevel.ADVISORY)
    monkeypatch.setattr(verdicts, "RULES", [advisory])
    done = CliRunner().invoke(cli.app, ["preview", "--stack", "dev"])
    assert done.exit_code == 0
    assert "advisory no-buckets" in done.stdout


def test_a_stack_over_its_budget_ends_with_3() -> None:
    done = ops("preview", "--stack", "prod", "--json", "--set", "models.chat.prefill.replicas=5")
    assert done.returncode == 3
    found = [(verdict["policy"], verdict["message"]) for verdict in json.loads(done.stdout)["policies"]]
    assert found == [
        (
            "gpu-budget",
            "508.86 USD per hour for GPU nodes exceed the max of 350; lower replicas or autoscaling in the stack "
            "file, or set gpu-budget.dollarsPerHour to 509 in policies/config.prod.json, in a separate change",
        ),
        (
            "gpu-budget",
            "6 GPU nodes exceed the max of 4; lower replicas or autoscaling in the stack file, or set "
            "gpu-budget.nodes to 6 in policies/config.prod.json, in a separate change",
        ),
    ]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_copied_stack_is_judged_by_the_configuration_of_prod(
    as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six nodes, which the rules' defaults and dev's configuration reject too; prod also requires a reservation."""
    for path in ROOT.iterdir():
        (tmp_path / path.name).symlink_to(path)
    copied = (ROOT / "Pulumi.staging.yaml").read_text().replace("mode: flexStart", "mode: spot")
    (tmp_path / "Pulumi.copy.yaml").write_text(copied)
    monkeypatch.setattr(stackfile, "project_root", lambda: tmp_path)
    done = CliRunner().invoke(cli.app, ["preview", "--stack", "copy", *(["--json"] if as_json else [])])
    assert done.exit_code == 3
    assert "no policy configuration" in done.stdout
    if as_json:
        printed = json.loads(done.stdout)
        (warning,) = [w for w in printed["plan"]["warnings"] if "no policy configuration" in w]
        assert "`cp policies/config.prod.json policies/config.copy.json`" in warning
        assert {v["policy"] for v in printed["policies"]} == {"capacity-mode", "has-budget"}
        assert all(v["remedy"] for v in printed["policies"])
        assert "allow it in policies/config.copy.json" in done.stdout
        assert "has-budget to false in policies/config.copy.json" in done.stdout
        assert "<stack>" not in done.stdout
    else:
        assert "capacity-mode: Set capacity.mode in the stack file" in done.stdout


def test_an_error_in_the_configuration_of_policies_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_config, "read", lambda *_: {"pined": "advisory"})
    done = CliRunner().invoke(cli.app, ["preview", "--stack", "dev"])
    assert done.exit_code == 2
    assert "pined: is not a rule of the pack; did you mean pinned?" in done.stderr


def _program_fails(*_: object, **__: object) -> None:
    raise ProgramFailed("two resources have the same URN: urn:x")


def test_a_program_that_fails_ends_with_1_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "record", _program_fails)
    done = CliRunner().invoke(cli.app, ["preview", "--stack", "dev"])
    assert done.exit_code == 1
    assert done.stderr == "error: two resources have the same URN: urn:x\n"


FAILURES = {
    "no such option": (["preview", "--stak", "dev"], 2, "--stak", "No such option"),
    "no value": (["diff", "--stack", "dev"], 2, "--base", "Missing option '--base'"),
    "no such command": (["previw"], 2, "command", "No such command 'previw'"),
    "no such stack": (["status", "--stack", "prd"], 2, "Pulumi.prd.yaml", "did you mean prod?"),
    "a full name": (["preview", "--stack", "acme/dynamo-gke/dev"], 2, "--stack", "give its last part, dev"),
    "an empty name": (["rehearse", "--stack", ""], 2, "--stack", "is empty; stacks: dev"),
    "an unknown card": (["models", "show", "qwen9"], 2, "model", '"qwen9" is not one of'),
    "a page in no folder": (["preview", "--diagram", "/nowhere/p.html"], 1, "--diagram", "there is no folder /nowhere"),
    "a page of no picture": (["preview", "--base", "HEAD"], 1, "--base", "shows changes in a page"),
    "the program": (["preview", "--stack", "dev"], 1, "program", "two resources have the same URN: urn:x"),
    "the program, compared": (["diff", "--stack", "dev", "--base", "HEAD"], 1, "program", "the same URN"),
    "the program, rehearsed": (["rehearse", "--stack", "dev", "--fail", "NodePool"], 1, "program", "the same URN"),
    "a component": (["rehearse", "--stack", "dev", "--fail", "GpuPool::decode"], 2, "--fail", "URN"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_as_json_is_one_object(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words, code, path, says = FAILURES[name]
    if "program" in name:
        monkeypatch.setattr(recording, "record", _program_fails)
    done = CliRunner().invoke(cli.app, [*words, "--json"])
    assert (done.exit_code, done.stderr) == (code, "")
    (fault,) = json.loads(done.stdout)["faults"]
    assert fault["path"] == path
    assert says in fault["message"]


def test_a_card_to_pin_that_does_not_exist_is_named() -> None:
    done = CliRunner().invoke(cli.app, ["models", "pin", "./nope.yaml"])
    assert done.exit_code == 2
    assert done.stderr.startswith('error: model: there is no file "./nope.yaml"; paths begin at the folder')


def test_an_unexpected_error_as_json_is_one_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(recording, "record", broken)
    monkeypatch.setattr(sys, "argv", ["dynamo-gke", "preview", "--stack", "dev", "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (ended.value.code, fault["path"]) == (1, "dynamo-gke")
    assert fault["message"].startswith("dynamo-gke failed unexpectedly: RuntimeError: broken")


def test_rollout_says_what_overrides_would_restart() -> None:
    done = ops("rollout", "--stack", "prod", "--set", "versions.runtime=1.7.0")
    assert (done.returncode, done.stderr) == (0, "")
    workers, frontend = done.stdout.splitlines()
    changed = "(prefill image, env; decode image, env)"  # the new runtime also has limits on admission
    assert workers.startswith(f"chat: all workers restart, because a pod template changes {changed}")
    assert frontend.startswith("chat: the frontend's pods restart (image)")
    assert (
        ops("rollout", "--stack", "prod", "--set", "labels.owner=me").stdout
        == "no pod restarts; `./dynamo-gke diff` shows other changes\n"
    )


def test_rollout_as_json_is_one_object() -> None:
    def reported(change: str) -> dict[str, Any]:
        done = ops("rollout", "--stack", "prod", "--json", "--set", change)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    workers, frontend = reported("versions.runtime=1.7.0")["restarts"]
    assert workers.startswith("chat: all workers restart")
    assert frontend.startswith("chat: the frontend's pods restart (image)")
    assert reported("labels.owner=me") == {"stack": "prod", "restarts": []}
    invalid = ops("rollout", "--stack", "prod", "--json", "--set", "versions.runtime=latest")
    assert invalid.returncode == 2
    assert [error["path"] for error in json.loads(invalid.stdout)["faults"]] == ["versions.runtime"]


def test_rollout_of_nothing_or_of_an_error_is_refused() -> None:
    done = ops("rollout", "--stack", "prod")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--set: is missing" in done.stderr
    done = ops("rollout", "--stack", "prod", "--set", "versions.runtime=latest")
    assert (done.returncode, done.stdout) == (2, "")
    assert "versions.runtime: 'latest' is no release X.Y.Z" in done.stderr


def test_render_prints_what_kubectl_applies() -> None:
    done = ops("render", "--stack", "prod")
    assert done.returncode == 0
    assert all(line.startswith("warning: ") for line in done.stderr.splitlines())
    assert "# LEFT OUT: Secret/hf-token: contains a secret." in done.stdout
    assert "Install first, with Helm: release dynamo-platform in namespace dynamo-system, chart https://" in done.stdout
    as_kubectl = YAML(typ="safe", pure=True)
    as_kubectl.version = "1.1"
    applied = list(as_kubectl.load_all(done.stdout))
    assert applied == [m for m in manifests.objects(recorded("prod")) if m["kind"] != "Secret"]
    cluster_wide = {"Namespace", "PersistentVolume", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    assert {m["kind"] for m in applied if "namespace" not in m["metadata"]} == cluster_wide


def test_render_prints_one_object() -> None:
    done = ops("render", "--stack", "prod", "--only", "DynamoGraphDeployment/chat")
    (graph,) = yaml.safe_load_all(done.stdout)
    assert (graph["kind"], graph["metadata"]["name"]) == ("DynamoGraphDeployment", "chat")
    done = ops("render", "--stack", "prod", "--only", "DynamoGraphDeployment/chta")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean DynamoGraphDeployment/chat?" in done.stderr


def test_the_program_itself_refuses_a_bad_stack_without_a_traceback() -> None:
    """What `pulumi preview` runs: the same errors, as the RunError that Pulumi prints as it is."""
    from tests.stacks import config

    with pytest.raises(ProgramFailed, match=r'models\.chat\.layout: "x" is not one of'):
        recording.record(ROOT, config({"models.chat.layout": "x"}))


@pytest.mark.parametrize("command", ["verify", "proof"])
def test_ops_verify_says_what_is_verified_and_what_is_not(command: str) -> None:
    """`proof` is an older name of the command."""
    with serving(Behavior()) as url:
        done = ops(command, "--endpoint", url, "--prefill", f"{url}/prefill", "--decode", f"{url}/decode")
        assert (done.returncode, done.stdout.count("not verified")) == (0, 0)
        done = ops(command, "--endpoint", url, "--decode", f"{url}/decode", "--timeout", "3")
    assert done.returncode == 1
    assert "not verified  prefill worker served: there is no prefill worker" in done.stdout


def test_ops_verify_judges_saved_logs(tmp_path: Path) -> None:
    (tmp_path / "good.log").write_text("\n".join(log("1.22", RDMA)))
    (tmp_path / "bad.log").write_text("\n".join(log("1.21", TCP)))
    done = ops("verify", "--transport-log", f"decode-0={tmp_path}/good.log", "--json")
    assert (done.returncode, json.loads(done.stdout)["pods"][0]["verdict"]) == (0, "verified")
    done = ops("verify", "--transport-log", f"decode-0={tmp_path}/good.log", f"decode-1={tmp_path}/bad.log")
    assert done.returncode == 1
    assert "not verified  decode-1:" in done.stdout
    done = ops("verify", "--transport-log", f"decode-0={tmp_path}/none.log")
    assert done.returncode == 2
    assert "the file does not exist" in done.stderr


def test_ops_verify_of_no_address_is_an_invalid_argument() -> None:
    done = ops("verify", "--endpoint", "chat.example.com")
    assert done.returncode == 2
    assert "is not an HTTP address" in done.stderr
    assert "Traceback" not in done.stderr
