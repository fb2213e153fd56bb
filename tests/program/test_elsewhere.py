"""Another Pulumi program plans and creates an environment: the example, and what such a program may choose."""

import contextvars
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pulumi
import pulumi_gcp as gcp
import pytest
from pulumi import automation

import dynamo_gke
from dynamo_gke import ConfigInvalid, plan, plan_of
from dynamo_gke.program import Created, create
from ops.offline.recorded import ProgramFailed, Recording, Resource
from ops.offline.recording import PROJECT, record_program
from tests import doc_blocks, elsewhere
from tests.elsewhere import EXAMPLE, example
from tests.stacks import GOOD, ROOT, recorded

CONFIG: dict[str, Any] = {
    "gcp:project": "my-project",
    "location": {"region": "europe-west1", "zone": "europe-west1-b"},
    "models": {"chat": {"model": "qwen3-0.6b", "layout": "simulated"}},
    "cluster": {"deletionProtection": False},
    "preflight": False,
}
GATED = {**{key: value for key, value in GOOD.items() if key != "hfToken"}, "preflight": False}


def run(program: Callable[[], object], *, preview: bool = True, project: str = "acme-platform") -> Recording:
    """A program of another project, without config."""

    def runs() -> None:
        program()

    return contextvars.copy_context().run(
        record_program, runs, stack="dev", config={}, secret_keys=[], preview=preview, project=project
    )


def components(recording: Recording) -> list[Resource]:
    return [each for each in recording.resources if each.is_component]


def test_the_example_creates_an_environment_below_its_own_component() -> None:
    module = example()
    planned = plan("acme-dev", {**module.CONFIG, "preflight": False})
    recording = run(lambda: module.Inference("inference", planned))
    (own,) = (each for each in recording.resources if each.type == "acme:platform:Inference")
    named = [each for each in recording.resources if each is not own]
    assert len(named) > 60
    assert [each.name for each in named if not each.name.startswith("inference-")] == []
    assert {each.parent for each in components(recording)} == {own.urn}
    clusters = [each.inputs["name"] for each in named if each.type.endswith(":Cluster") and not each.is_component]
    assert clusters == ["dynamo-acme-dev"]


def test_without_prefix_and_parent_the_urns_are_those_of_a_stack() -> None:
    """A stack that this program deployed can move to another program of the same project and stack."""
    shipped = recorded("dev")
    config = dynamo_gke.read(ROOT / "Pulumi.dev.yaml")
    moved = run(lambda: create(plan("dev", {**config, "preflight": False})), project=PROJECT)
    assert [each.to_wire() for each in moved.resources] == [each.to_wire() for each in shipped.resources]


def test_outputs_are_those_of_a_stack() -> None:
    created: list[Created] = []
    run(lambda: created.append(create(plan("acme", CONFIG))))
    shipped = recorded("dev").outputs
    assert set(created[0].outputs) == set(shipped)
    assert created[0].graphs["chat"]["model"] == "qwen3-0.6b"
    assert created[0].kubeconfig_command.startswith("gcloud container clusters get-credentials dynamo-acme ")


def test_two_environments_share_a_stack() -> None:
    def program() -> None:
        for name in ("blue", "green"):
            create(plan(name, CONFIG), prefix=name)

    found = run(program).resources
    assert len({each.urn for each in found}) == len(found)
    assert {each.inputs["name"] for each in found if each.type == "gcp:container/cluster:Cluster"} == {
        "dynamo-blue",
        "dynamo-green",
    }


def test_without_prefixes_two_environments_collide() -> None:
    with pytest.raises(ProgramFailed, match="two resources have the same URN"):
        run(lambda: [create(plan(name, CONFIG)) for name in ("blue", "green")])


def test_a_provider_of_ones_own_creates_everything_in_google_cloud() -> None:
    def program() -> None:
        planned = plan("acme", CONFIG)
        google = gcp.Provider("ours", project=planned.project, default_labels=planned.labels)
        create(planned, google=google)

    found = run(program).resources
    (ours,) = (each.urn for each in found if each.type == "pulumi:providers:gcp")
    assert {each.provider for each in found if each.type.startswith("gcp:")} == {ours}


def test_all_errors_come_at_once_as_an_exception() -> None:
    wrong = {
        **CONFIG,
        "location": {"region": "europe-west1", "zone": "us-east5-a"},
        "models": {"chat": {"model": "qwen3-0.6b", "modle": "x", "layout": "simulated"}},
        "labls": {},
        "weights": {"keep": ROOT},
        "hfToken": "hf_" + "x" * 34,
    }
    with pytest.raises(ConfigInvalid) as raised:
        plan("acme", wrong)
    paths = [error.path for error in raised.value.errors]
    assert paths == ["hfToken", "labls", "location.zone", "models.chat.modle", "weights.keep"]
    assert "did you mean labels?" in str(raised.value)


def test_invalid_settings_stop_the_example_with_a_sentence_each(capsys: pytest.CaptureFixture[str]) -> None:
    module = example()
    module.CONFIG["location"]["zone"] = "us-east5-a"
    assert module.main("plan") == 2
    assert capsys.readouterr().err.startswith("location.zone: zone us-east5-a is not in region us-central1")


INVALID: list[tuple[dict[str, Any], str, str]] = [
    ({"gcp:project": ROOT}, "gcp:project", "is not plain data (PosixPath)"),
    ({"labels": {"owner": [ROOT]}}, "labels.owner[0]", "is not plain data"),
    ({"hfToken": "hf_" + "x" * 34}, "hfToken", "revoke it if it is in plain text"),
    ({"dynamo-gke:location": {}}, "location", "is given twice"),
]


@pytest.mark.parametrize(("change", "path", "message"), INVALID, ids=[case[2] for case in INVALID])
def test_what_only_a_program_can_do_wrong(change: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(ConfigInvalid) as raised:
        plan("acme", {**CONFIG, **change})
    (error,) = (each for each in raised.value.errors if each.path == path)
    assert message in error.message


FOR_A_STACK = re.compile(r"pulumi config|stack file|Pulumi\.yaml")
NOT_FOR_A_STACK: list[tuple[dict[str, Any], str, str]] = [
    ({"gcp:project": None}, "gcp:project", "is required, such as my-project; add it to the config"),
    ({"gcp:project": None, "project": "my-project"}, "project", "did you mean gcp:project?"),
    ({"models.chat.layout": "simulated"}, "models.chat.layout", "write it as a dict in a dict"),
    ({"labels": {"secure": "v1:abc"}}, "labels", "Give its value as it is"),
    ({"location": {"region": 5, "zone": "europe-west1-b"}}, "location.region", "got 5; must be text (quote it)"),
    ({"versions": {"charts": "./nope"}}, "versions.charts", f"paths begin at {ROOT}"),
]


@pytest.mark.parametrize(("change", "path", "message"), NOT_FOR_A_STACK, ids=[case[1] for case in NOT_FOR_A_STACK])
def test_errors_name_no_command_that_needs_a_stack(change: dict[str, Any], path: str, message: str) -> None:
    config = {key: value for key, value in {**CONFIG, **change}.items() if value is not None}
    with pytest.raises(ConfigInvalid) as raised:
        plan("acme", config, folder=ROOT)
    assert message in {error.path: error.message for error in raised.value.errors}[path]
    assert not FOR_A_STACK.search(str(raised.value))


def test_a_wrong_name_is_an_error_of_that_argument() -> None:
    with pytest.raises(ConfigInvalid, match=r'^name: "Acme dev" is not .*; did you mean acme-dev\?$'):
        plan("Acme dev", CONFIG)


NO_PLAN: list[tuple[Any, str]] = [
    (None, "config must be a dict with the keys of a stack file, got NoneType"),
    ([1], "got list"),
    ("Pulumi.prod.yaml", 'got str; `dynamo_gke.read("Pulumi.prod.yaml")` reads one'),
]


@pytest.mark.parametrize(("config", "message"), NO_PLAN, ids=str)
def test_a_config_that_is_no_dict_is_named(config: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        plan("acme", config)


def test_a_dict_for_the_plan_of_a_stack_is_named() -> None:
    with pytest.raises(TypeError, match=r"^plan_of\(config\): .* got dict; use plan\(name, config\) for a dict$"):
        plan_of(cast(Any, CONFIG))


def test_a_folder_may_be_text() -> None:
    config = {**CONFIG, "models": {"chat": {"model": "./cards/ours.yaml", "layout": "multi-node"}}}
    with pytest.raises(ConfigInvalid, match=r'there is no file "./cards/ours.yaml"; paths begin at /nonexistent'):
        plan("acme", config, folder="/nonexistent")


def test_a_stack_file_may_be_named_by_text() -> None:
    assert dynamo_gke.read(str(ROOT / "Pulumi.dev.yaml")) == dynamo_gke.read(ROOT / "Pulumi.dev.yaml")


UNREADABLE = [
    (ROOT, "cannot be read (Is a directory)"),
    (ROOT / "Pulumi.prd.yaml", "there is no file"),
    (ROOT / "Pulumi.prd.yaml", "stack files in its folder: Pulumi.dev.yaml, Pulumi.prod.yaml, Pulumi.staging.yaml"),
    (ROOT / "docs" / "nope.yaml", "a stack file is named Pulumi.<stack>.yaml"),
    (
        ROOT / "Pulumi.yaml",
        "is the project file, which has no settings of a stack; stack files in its folder: Pulumi.d",
    ),
]


@pytest.mark.parametrize(("path", "message"), UNREADABLE, ids=[case[1] for case in UNREADABLE])
def test_a_file_that_is_no_stack_file_is_named(path: Path, message: str) -> None:
    with pytest.raises(ConfigInvalid, match=re.escape(message)):
        dynamo_gke.read(path)


WRONG_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"plan": CONFIG}, "create: plan must be a plan: create(plan(name, config)); got dict"),
    ({"google": "x"}, "create: google must be a pulumi_gcp.Provider; got str"),
    ({"hf_token": "hf_" + "x" * 34}, "create: hf_token must be a secret Output"),
    ({"prefix": None}, "create: prefix must be text"),
    ({"parent": "acme"}, "create: parent must be a resource of Pulumi"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG_ARGUMENTS, ids=[case[1] for case in WRONG_ARGUMENTS])
def test_an_argument_of_another_type_is_named_before_anything_is_registered(
    wrong: dict[str, Any], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = {"plan": plan("acme", CONFIG), **wrong}
    with pytest.raises(TypeError, match=re.escape(message)) as raised:
        create(**arguments)
    assert "hf_x" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


def test_outside_of_a_program_nothing_is_created(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(pulumi.RunError, match="call it inside a Pulumi program"):
        create(plan("acme", CONFIG))
    assert capfd.readouterr() == ("", "")


def test_the_example_names_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert example().main("plna") == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "'plna' is not a command; give one of: plan, preview, up, destroy\n")


def test_the_example_says_that_the_cli_is_missing(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = elsewhere.run(site, Path(shutil.copy(EXAMPLE, tmp_path)), "preview")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "pulumi is not on PATH; install the Pulumi CLI\n"


FAILED = """
 code: 255
 stdout: Previewing update (dev):
  acme:platform:Inference (inference):
    error: the quota is too low
    error: an unhandled error occurred: the quota is too low
 stderr: error: update failed
"""


def test_the_example_repeats_the_errors_of_a_failed_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = example()

    def fails(_planned: object) -> None:
        raise automation.CommandError(cast(automation.CommandResult, FAILED))

    monkeypatch.setattr(module, "stack", fails)
    assert module.main("up") == 1
    assert capsys.readouterr().err == "up failed: the quota is too low; update failed\n"


def test_an_output_is_not_known_when_the_plan_is_made() -> None:
    with pytest.raises(ProgramFailed, match=r"ConfigInvalid: gcp:project: is not plain data \(Output\)"):
        run(lambda: plan("acme", {**CONFIG, "gcp:project": pulumi.Output.from_input("my-project")}))
    with pytest.raises(ProgramFailed, match=r"hfToken: is not taken from the config; give it to"):
        run(lambda: plan("acme", {**CONFIG, "dynamo-gke:hfToken": pulumi.Output.secret("hf_x")}))


def test_an_update_needs_the_token_of_a_gated_model() -> None:
    planned = plan("acme", GATED)
    assert run(lambda: create(planned)).resources
    with pytest.raises(ProgramFailed, match=r"Llama-3.3-70B-Instruct is gated: .*create\(hf_token=…\)"):
        run(lambda: create(planned), preview=False)
    given = run(lambda: create(planned, hf_token=pulumi.Output.secret("hf_x")), preview=False)
    assert {each.name: each.secret_paths for each in given.resources if each.secret_paths} == {
        "workloads-hf-token": ("stringData",)
    }


def test_a_secret_in_secret_manager_needs_no_token() -> None:
    named = {**GATED, "secrets": {"store": "secretManager", "hfToken": "hf-token"}}
    assert run(lambda: create(plan("acme", named)), preview=False).resources


def test_a_stack_file_gives_the_same_plan() -> None:
    planned = plan("prod", dynamo_gke.read(ROOT / "Pulumi.prod.yaml"))
    assert planned.gpus == recorded("prod").outputs["graphs"]["chat"]["gpus"]


def test_cards_and_machines_of_ones_own_are_files_of_the_other_program(tmp_path: Path) -> None:
    machine = (ROOT / "catalog/machines/a3-ultragpu-8g.yaml").read_text()
    card = (ROOT / "catalog/models/qwen3-32b.yaml").read_text()
    model = {"model": "./cards/ours.yaml", "layout": "multi-node"}
    config = {**GATED, "models": {"chat": model}}
    config["capacity"] = {**GATED["capacity"], "machine": "./a3-ultragpu-8g.yaml"}
    for name, layers in (("blue", 64), ("green", 32)):  # the same path in two folders
        folder = tmp_path / name
        (folder / "cards").mkdir(parents=True)
        (folder / "a3-ultragpu-8g.yaml").write_text(machine)
        assert "layers: 64" in card
        (folder / "cards" / "ours.yaml").write_text(card.replace("layers: 64", f"layers: {layers}"))
        (graph,) = plan(name, config, folder=folder).graphs
        assert (graph.card.name, graph.card.architecture.layers) == ("ours", layers)
    with pytest.raises(ConfigInvalid) as raised:
        plan("blue", config, folder=tmp_path)
    assert [error.path for error in raised.value.errors] == ["capacity.machine", "models.chat.model"]
    assert f"paths begin at {tmp_path}; did you mean ./blue/a3-ultragpu-8g.yaml?" in raised.value.errors[0].message
    with pytest.raises(ConfigInvalid, match=f"is outside of {tmp_path}/blue; copy the file into it"):
        plan(
            "blue",
            {**config, "models": {"chat": {**model, "model": "../green/cards/ours.yaml"}}},
            folder=tmp_path / "blue",
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return elsewhere.installed(tmp_path_factory.mktemp("distribution"))


def test_the_installed_distribution_runs_the_example_from_another_folder(site: Path, tmp_path: Path) -> None:
    script = Path(shutil.copy(EXAMPLE, tmp_path))
    assert {each.name for each in site.iterdir() if each.suffix != ".dist-info"} == {*dynamo_gke.ROOMS, "dynamo_gke"}
    done = elsewhere.run(site, script, "plan")
    assert (done.returncode, done.stderr) == (0, "")
    (shown,) = (block for block in doc_blocks.blocks("docs/elsewhere.md") if block.output)
    assert shown.commands[-1] == ("python", "serve.py", "plan")
    assert done.stdout == shown.output


def test_a_module_with_the_name_of_a_room_is_named(site: Path, tmp_path: Path) -> None:
    script = Path(shutil.copy(EXAMPLE, tmp_path))
    (tmp_path / "settings.py").write_text("DEBUG = True\n")
    done = elsewhere.run(site, script, "plan")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: dynamo_gke needs its own package `settings`, but {tmp_path}/settings.py")
