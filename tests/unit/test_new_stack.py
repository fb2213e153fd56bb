"""`init` writes files that load, or refuses the answers before it writes anything."""

import json
import re
import shutil
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.capacity import NAMES as MODES
from catalog.machines import gpu_machine, gpu_machine_names
from ops.new_stack import files, questions
from ops.new_stack.answers import Answers, blocks, errors, needs_reservation, stack_config
from ops.new_stack.questions import QUESTIONS, Question, ask, filled
from ops.offline import stackfile
from planning.load import load
from planning.plan import plan
from reading.errors import ConfigInvalid
from reading.strict_yaml import parse
from settings.endpoint import Exposure
from settings.stack_schema import FIRST_LINE
from tests.stacks import ROOT, place
from tests.unit.test_stack_schema import validator

GATEWAY = {"domain": "llm.example.com", "allow": "8.8.8.0/24, 9.9.9.9"}
ANSWERS = {
    "project": "my-project",
    "zone": "europe-west1-b",
    "machine": "a3-ultragpu-8g",
    "capacity": "reservation",
    "reservation": "my-h200",
    "model": "llama-3.3-70b-instruct",
    "layout": "single-node",
    "exposure": "internal",
}
COMBINATIONS = list(product(gpu_machine_names(), MODES, Exposure))

# What a plan tells about what was chosen, with nothing in the file to correct: prices, risks, and what is left to do.
FACTS = re.compile(
    r"(cost|capacity(\.machine)?|location\.zone|network\.rdma|alerts\.emails|budget|hfToken"
    r"|models\.chat(\.kvTransfer)?): "
)


def chosen(machine: str, mode: str, exposure: Exposure) -> Answers:
    answers = {
        **{"project": "my-project", "zone": place(gpu_machine(machine))["zone"], "machine": machine},
        **{"capacity": mode, "model": "qwen3-0.6b", "exposure": exposure.value},
    }
    reserved = {"reservation": "ours"} if needs_reservation(answers) else {}
    return answers | reserved | (GATEWAY if exposure is Exposure.GATEWAY else {})


def written(folder: Path, stack: str, answers: Answers) -> tuple[Path, Path]:
    """The two files of answers that load, in a folder with the project's file."""
    (folder / "policies").mkdir(exist_ok=True)
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    config = blocks(answers)
    planned = plan(load(stack_config(stack, config)))
    stack_path, policy_path = files.paths(folder, stack)
    bare = stack_path if stack_path.exists() else None
    texts = {stack_path: files.stack_file(planned, config, bare=bare), policy_path: files.policy_config(planned)}
    files.write(texts, completed=[bare] if bare else [])
    return stack_path, policy_path


@pytest.mark.parametrize(("machine", "mode", "exposure"), COMBINATIONS, ids=["-".join(c) for c in COMBINATIONS])
def test_every_combination_is_written_so_that_it_loads_or_is_refused(
    tmp_path: Path, machine: str, mode: str, exposure: Exposure
) -> None:
    answers = chosen(machine, mode, exposure)
    found = errors("eu", answers)
    assert bool(found) is (mode not in gpu_machine(machine).sold), found
    if found:
        with pytest.raises(ConfigInvalid, match="is not sold by"):
            written(tmp_path, "eu", answers)
        assert not list(tmp_path.glob("Pulumi.eu.yaml"))
        return
    path, policy = written(tmp_path, "eu", answers)
    planned = plan(load(stackfile.read(tmp_path, "eu")))
    assert [warning for warning in planned.warnings if not FACTS.match(warning)] == []
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"{FIRST_LINE}\n")
    validator().validate(yaml.safe_load(text))
    assert yaml.safe_load(text)["config"] == blocks(answers)
    rules = json.loads(policy.read_text(encoding="utf-8"))
    assert rules["gpu-budget"]["nodes"] == sum(pool.max_nodes for pool in planned.gpu_pools)
    assert rules["capacity-mode"] == {"allowed": [mode]}


def test_every_key_has_a_comment_above_it(tmp_path: Path) -> None:
    path, _ = written(tmp_path, "eu", ANSWERS | {"exposure": "gateway", **GATEWAY})
    lines = path.read_text(encoding="utf-8").splitlines()
    keys = [i for i, line in enumerate(lines) if re.match(r"  [a-z-]+:\w+:", line)]
    assert len(keys) == 6
    assert all(lines[i - 1].startswith("  # ") for i in keys)
    assert "hfToken" in lines[-1]
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("text", ["no", "1e3", "012", "0x1f", "1234", "true", "null", "2026-01-01", "1_000"])
def test_text_that_yaml_reads_as_something_else_is_quoted(tmp_path: Path, text: str) -> None:
    path, _ = written(tmp_path, "eu", ANSWERS | {"owner": text, "cost-center": text})
    for read in (yaml.safe_load, parse):
        labels = read(path.read_text(encoding="utf-8"))["config"]["dynamo-gke:labels"]
        assert labels == {"owner": text, "costCenter": text}


def prompts(*answers: str) -> tuple[Any, list[str]]:
    """A prompt that gives the answers in turn, and the names of the questions that it was asked."""
    asked: list[str] = []
    rest = iter(answers)

    def prompt(question: Question, _: Answers) -> str:
        asked.append(question.name)
        return next(rest)

    return prompt, asked


def complaints_of(given: Answers, *answers: str) -> tuple[Answers, list[str], list[str]]:
    complaints: list[str] = []
    prompt, asked = prompts(*answers)
    return ask("eu", given, prompt, lambda error: complaints.append(str(error))), asked, complaints


def test_only_what_is_needed_is_asked() -> None:
    answers, asked, complaints = complaints_of(
        {}, "my-project", "us-central1-a", "g2-standard-8", "spot", "qwen3-0.6b", "multi-node", "internal"
    )
    assert asked == ["project", "zone", "machine", "capacity", "model", "layout", "exposure"]
    assert complaints == []
    assert blocks(answers)["dynamo-gke:models"]["chat"]["kvTransfer"] == "tcp"
    assert complaints_of(ANSWERS | {"exposure": "gateway"}, "llm.example.com", "8.8.8.8")[1] == ["domain", "allow"]


@pytest.mark.parametrize(
    ("name", "wrong", "says"),
    [
        ("project", "My Project", 'gcp:project: "My Project" is not a project\'s id'),
        ("project", "", 'gcp:project: "" is not'),
        ("zone", "europe-west1", "location.zone: europe-west1 is a region; use one of its zones: europe-west1-b"),
        (
            "zone",
            "europe-wst1-b",
            'location.zone: "europe-wst1-b" is not a zone of Google Cloud; did you mean europe-west1-b?',
        ),
        ("zone", "europe-west1-z", "europe-west1-z is not among the zones of europe-west1; use"),
        ("machine", "a3-ultra", "did you mean a3-ultragpu-8g?"),
        ("machine", "g2-standard-8", "models.chat"),
        ("capacity", "reserved", "did you mean reservation?"),
        ("reservation", "My H200", "did you mean my-h200?"),
        ("model", "llama-3.3-70b", "did you mean llama-3.3-70b-instruct?"),
        ("model", "./cards/none.yaml", "there is no file"),
        ("exposure", "public", '"public" is not one of none, internal, gateway'),
    ],
)
def test_a_wrong_answer_is_asked_for_again_with_the_loaders_sentence(name: str, wrong: str, says: str) -> None:
    given = {key: value for key, value in ANSWERS.items() if key != name}
    answers, asked, complaints = complaints_of(given, wrong, ANSWERS[name])
    assert asked == [name, name]
    assert any(says in complaint for complaint in complaints), complaints
    assert answers == ANSWERS


def test_an_answer_is_checked_before_the_next_is_asked() -> None:
    """Also where it is wrong only together with an earlier one."""
    _, asked, complaints = complaints_of(
        {"project": "my-project"}, "europe-west1-b", "a3-ultragpu-8g", "spot", "qwen3-0.6b", "single-node", "internal"
    )
    assert complaints == []
    wrong = (
        "us-west1-a",
        "a3-ultragpu-8g",
        "g2-standard-8",
        "spot",
        "llama-3.3-70b-instruct",
        "qwen3-0.6b",
        "multi-node",
        "none",
    )
    _, asked, complaints = complaints_of({"project": "my-project"}, *wrong)
    assert asked == ["zone", "machine", "machine", "capacity", "model", "model", "layout", "exposure"]
    assert "a3-ultragpu-8g" in complaints[0]
    assert "does not fit" in complaints[1]


def test_a_wrong_option_is_an_error_and_no_question() -> None:
    with pytest.raises(ConfigInvalid, match="did you mean spot"):
        complaints_of(ANSWERS | {"capacity": "spt"})
    with pytest.raises(ConfigInvalid, match="--owner: "):
        complaints_of({"owner": "ML Platform"})


def test_whoever_answers_wrong_again_and_again_is_told_for_the_last_time() -> None:
    with pytest.raises(ConfigInvalid, match="did you mean spot"):
        complaints_of(
            {"project": "my-project"}, "europe-west1-b", *["a3-ultragpu-8g"], *["spt"] * questions.MAX_ATTEMPTS
        )


def lines(error: pytest.ExceptionInfo[ConfigInvalid]) -> Iterable[str]:
    return map(str, error.value.errors)


def test_without_questions_every_missing_and_every_wrong_answer_is_named() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        filled("eu", {"zone": "europe-west1-b", "capacity": "spt"})
    assert {str(error).partition(":")[0] for error in refused.value.errors} == {"--project", "--model", "--capacity"}
    assert any("one of gpt-oss-120b" in line for line in lines(refused))


def test_without_questions_defaults_are_taken() -> None:
    given = {key: ANSWERS[key] for key in ("project", "zone", "capacity", "reservation", "model")}
    assert filled("eu", given) == ANSWERS


OPTIONS = [
    ("zone", "mars-1a", '--zone: "mars-1a" is not a zone of Google Cloud; choose one, such as '),
    ("zone", "eu-west1-b", '--zone: "eu-west1-b" is not a zone of Google Cloud; did you mean europe-west1-b?'),
    ("zone", "Europe-West1-B", "did you mean europe-west1-b?"),
    ("zone", "europe-west1-z", "--zone: europe-west1-z is not among the zones of europe-west1; use "),
    ("zone", "europe-west1", "--zone: europe-west1 is a region; use one of its zones"),
    ("zone", "us-west1-a", "--zone: a3-ultragpu-8g was not listed in us-west1-a"),
    ("machine", "a3-ultra", "--machine: "),
    ("machine", "g2-standard-8", "--layout: single-node is not possible: "),
    ("capacity", "spt", "--capacity: "),
    ("capacity", "spot", "--reservation: has no effect with --capacity spot; leave it out, or use --capacity res"),
    ("reservation", "My H200", "--reservation: "),
    ("project", "My Project", "--project: "),
    ("model", "foo", "--model: "),
    ("layout", "singlenode", '--layout: "singlenode" is not one of '),
    ("exposure", "public", "--exposure: "),
    (
        "domain",
        "llm.example.com",
        "--domain: has no effect with --exposure internal; leave it out, or use --exposure g",
    ),
    ("allow", "8.8.8.8", "--allow: has no effect with --exposure internal; leave it out, or use --exposure gateway"),
    ("owner", "A B", "--owner: "),
    ("cost-center", "A B", "--cost-center: "),
]


@pytest.mark.parametrize(("name", "given", "says"), OPTIONS, ids=[f"{name}-{given}" for name, given, _ in OPTIONS])
def test_a_wrong_option_is_one_error_that_names_options_only(name: str, given: str, says: str) -> None:
    for run in (lambda answers: filled("eu", answers), complaints_of):
        with pytest.raises(ConfigInvalid) as refused:
            run(ANSWERS | {name: given})
        (line,) = lines(refused)
        assert says in line
        assert not re.search(
            r"config set|--set|location\.(zone|region)|capacity\.\w|endpoint\.\w|labels\.|chat\.", line
        )


def test_a_wrong_zone_and_a_wrong_mode_are_two_errors() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        filled("eu", ANSWERS | {"zone": "mars-1a", "capacity": "spt"})
    assert [error.path for error in refused.value.errors] == ["--capacity", "--zone"]


def test_a_model_too_large_names_machines_that_hold_it_before_a_stack_without_gpus() -> None:
    given = {"project": "my-project", "zone": "us-central1-a", "machine": "g2-standard-8", "capacity": "spot"}
    with pytest.raises(ConfigInvalid) as refused:
        filled("eu", given | {"model": "llama-3.3-70b-instruct"})
    (line,) = lines(refused)
    assert line.startswith(
        "--model: single-node is not possible: llama-3.3-70b-instruct does not fit one g2-standard-8"
    )
    assert re.search(r"on g2-standard-8 fit the models .*qwen3-0.6b; the model fits the machines [a-z]", line)
    assert "simulated" not in line


@pytest.mark.parametrize("more", [{}, {"capacity": "reservation", "reservation": "ours"}, {"machine": "g2-standard-8"}])
def test_a_stack_without_gpus_has_no_capacity_and_is_allowed_no_gpu(tmp_path: Path, more: Answers) -> None:
    given = {"project": "my-project", "zone": "us-central1-a", "model": "qwen3-0.6b", "layout": "simulated", **more}
    complete = filled("eu", given)
    path, policy = written(tmp_path, "eu", complete)
    assert "dynamo-gke:capacity" not in yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    assert json.loads(policy.read_text(encoding="utf-8")) == {"gpu-budget": {"nodes": 0, "dollarsPerHour": 0}}
    assert plan(load(stackfile.read(tmp_path, "eu"))).gpu_pools == ()
    assert questions.unused(complete) == sorted(more, key=["machine", "capacity", "reservation"].index)


def test_a_machine_that_the_zone_lacks_is_no_default() -> None:
    with pytest.raises(ConfigInvalid, match="--machine: is required with --yes: GPU machine, one of"):
        filled("eu", {"project": "my-project", "zone": "us-west1-a", "capacity": "spot", "model": "qwen3-0.6b"})


def test_no_file_is_replaced_and_none_is_left_behind(tmp_path: Path) -> None:
    one, two = tmp_path / "Pulumi.eu.yaml", tmp_path / "config.eu.json"
    two.write_text("mine")
    with pytest.raises(FileExistsError):
        files.write({one: "a", two: "b"})
    assert [path.name for path in tmp_path.iterdir()] == [two.name]
    assert two.read_text() == "mine"


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Lets Ctrl-C come just after a step of writing."""
    calls = iter(range(at + 1))

    def interrupted(original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            done = original(*arguments, **options)
            if next(calls, None) == at:
                raise KeyboardInterrupt
            return done

        return call

    for step in ("write_text", "hardlink_to", "replace"):
        monkeypatch.setattr(Path, step, interrupted(getattr(Path, step)))


@pytest.mark.parametrize("step", range(4))
def test_an_interrupt_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """At any of the four steps: two files are written, and two get their names."""
    interrupt(monkeypatch, step)
    with pytest.raises(KeyboardInterrupt):
        files.write({tmp_path / "Pulumi.eu.yaml": "a", tmp_path / "config.eu.json": "b"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", range(5))
def test_an_interrupt_leaves_the_file_that_pulumi_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    own = tmp_path / "Pulumi.eu.yaml"
    own.write_text(SALT)
    interrupt(monkeypatch, step)
    with pytest.raises(KeyboardInterrupt):
        files.write({own: "a", tmp_path / "config.eu.json": "b"}, completed=[own])
    assert [path.name for path in tmp_path.iterdir()] == [own.name]
    assert own.read_text() == SALT


SALT = "encryptionsalt: v1:sIhCPqE0IxY=:v1:qPhtLE9plzLYrwd/:XuQ910zimy7mVDxGHzEbo0boANyZ9g==\n"
KMS = f"secretsprovider: gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/eu\nencryptedkey: {'Ab+/' * 40}==\n"


@pytest.mark.parametrize("found", [SALT, KMS, f"# ours\n{SALT}config: {{}}\n", f"{SALT}config:\n", ""], ids=range(5))
def test_a_stack_file_of_pulumi_s_keys_is_completed_and_keeps_them(tmp_path: Path, found: str) -> None:
    (tmp_path / "Pulumi.eu.yaml").write_text(found)
    assert files.obstacle(tmp_path, "eu") is None
    path, _ = written(tmp_path, "eu", ANSWERS)
    text = path.read_text(encoding="utf-8")
    keys = parse(text)
    assert keys.pop("config") == blocks(ANSWERS)
    assert keys == {key: value for key, value in (parse(found) or {}).items() if key != "config"}
    assert text.startswith(FIRST_LINE)
    assert ("# ours" in text) is ("# ours" in found)
    load(stackfile.read(tmp_path, "eu"))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("Pulumi.eu.yaml", f"{SALT}config:\n  gcp:project: ours\n", "Pulumi.eu.yaml already exists, and init replaces"),
        ("Pulumi.eu.yaml", "config: [\n", "Pulumi.eu.yaml already exists, and init replaces no file; edit it"),
        ("Pulumi.eu.yaml", "encriptionsalt: v1\n", "Pulumi.eu.yaml already exists, and init replaces no file; edit it"),
        ("policies/config.eu.json", "{}", "policies/config.eu.json already exists, and init replaces no file. If it is "
         "left of a stack that was removed, delete it: `rm policies/config.eu.json`; else choose another name"),
    ],
)  # fmt: skip
def test_a_file_in_the_way_is_named_with_what_to_do(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / name).write_text(content)
    assert (files.obstacle(tmp_path, "eu") or "").startswith(says)


@pytest.mark.parametrize("name", ["Pulumi.eu.yaml", "policies/config.eu.json"])
def test_a_link_to_nothing_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / name).symlink_to("elsewhere")
    says = f"{name} is a symbolic link to elsewhere, where no file is; delete the link: `rm {name}`"
    assert files.obstacle(tmp_path, "eu") == says


def test_every_question_has_an_option() -> None:
    import inspect

    from ops.commands.init import init

    options = {name.replace("_", "-") for name in inspect.signature(init).parameters}
    assert {question.name for question in QUESTIONS} <= options
