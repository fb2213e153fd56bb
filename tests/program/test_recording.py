"""The recorder is as strict as the engine where the mock monitor is not."""

import contextvars
import subprocess
import sys
from collections.abc import Callable

import pulumi
import pytest
from pulumi_gcp import serviceaccount, storage

from ops.offline.recorded import UNKNOWN, ProgramFailed, Recording
from ops.offline.recording import record_program
from tests.stacks import ROOT


def run(program: Callable[[], None]) -> Recording:
    return contextvars.copy_context().run(record_program, program, stack="s", config={}, secret_keys=[], preview=True)


def bucket(logical: str, **inputs: pulumi.Input[str]) -> storage.Bucket:
    return storage.Bucket(logical, location="EU", **inputs)  # pyright: ignore[reportArgumentType] - only inputs that are text


def test_a_urn_that_comes_twice_is_refused() -> None:
    def program() -> None:
        bucket("a")
        bucket("a")

    with pytest.raises(ProgramFailed, match="same URN"):
        run(program)


def test_only_the_cause_of_a_failure_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    def program() -> None:
        first = bucket("a")
        for i in range(20):
            bucket(f"b{i}", name=pulumi.Output.from_input(first.urn).apply(lambda _: {}["gone"]))

    with pytest.raises(ProgramFailed, match="KeyError: 'gone'"):
        run(program)
    assert capfd.readouterr().err == ""


def test_secrets_and_unknowns_are_distinguished_from_values() -> None:
    def program() -> None:
        first = bucket("a", name=pulumi.Output.secret("hidden"))
        pulumi.export("plain", 2.0)
        pulumi.export("self_link", first.self_link)

    recording = run(program)
    (resource,) = recording.resources
    assert resource.inputs == {"location": "EU", "name": "[secret]"}
    assert resource.secret_paths == ("name",)
    assert recording.outputs == {"plain": 2, "self_link": "[unknown]"}
    assert isinstance(recording.outputs["plain"], int)


def test_a_service_accounts_address_is_known_before_it_exists() -> None:
    """Google's provider derives it from the id, so Pulumi's preview shows it. The account's full name is unknown."""

    def program() -> None:
        account = serviceaccount.Account("nodes", account_id="nodes", project="my-project")
        bucket("b", name=account.email, project=account.name)

    inputs = run(program).resources[-1].inputs
    assert (inputs["name"], inputs["project"]) == ("nodes@my-project.iam.gserviceaccount.com", UNKNOWN)


def test_runs_do_not_see_each_other() -> None:
    def program() -> None:
        bucket("a")

    assert run(program) == run(program)


def test_an_alias_is_recorded_as_the_urn_that_it_stands_for() -> None:
    def program() -> None:
        storage.Bucket("new", location="EU", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))

    (resource,) = run(program).resources
    assert resource.options["aliases"] == [resource.urn.replace("::new", "::old")]


EARLY = """
import contextvars
import pulumi
early = pulumi.Output.from_input("early")
from ops.offline.recording import record_program
program = lambda: pulumi.export("late", "late")
settings = {"stack": "dev", "config": {}, "secret_keys": [], "preview": True}
print(contextvars.copy_context().run(record_program, program, **settings).outputs)
"""


def test_an_output_from_before_the_program_does_not_hold_it_up() -> None:
    words = [sys.executable, "-c", EARLY]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "{'late': 'late'}\n"), done.stderr
