"""The rules over engines with other arguments: the catalog says what each does; an unknown one is judged strictly."""

from typing import Any

import pytest

from ops.offline import policy_config
from ops.offline.recorded import Recording
from ops.offline.recording import record
from ops.offline.verdicts import judge
from tests.made_up_engine import heron as heron  # a fixture
from tests.made_up_engine import otter as otter  # a fixture
from tests.policies.mutations import changed, prod
from tests.stacks import ROOT, config

GRAPH = ("DynamoGraphDeployment", "chat-graph")
PREFILL, DECODE = (f"spec.components[{i}].podTemplate.spec.containers[0]" for i in (1, 2))
RULES = ("kv-transfer", "no-foreign-code", "nic-per-gpu", "proven", "monitored")


def recorded(name: str) -> Recording:
    sizes = {"prefill": {"tensorParallel": 8}, "decode": {"tensorParallel": 8}}
    model = {"model": "qwen3-32b", "layout": "multi-node", "engine": {"name": name}, **sizes}
    return record(ROOT, config({"models": {"chat": model}}))


def broken(recording: Recording, *rules: str) -> list[str]:
    found = judge(recording, policy_config.read(ROOT, "prod"))
    return [f"{verdict.policy}: {verdict.message}" for verdict in found if verdict.policy in rules]


def but(recording: Recording, path: str, value: Any) -> Recording:
    return changed(recording, *GRAPH, path, value)


@pytest.mark.usefixtures("heron")
def test_another_engine_holds_to_the_rules() -> None:
    assert broken(recorded("heron"), *RULES) == []


@pytest.mark.usefixtures("otter")
def test_an_engine_whose_arguments_do_not_tell_is_not_judged_by_them() -> None:
    assert broken(recorded("otter"), *RULES) == []


@pytest.mark.usefixtures("heron")
@pytest.mark.parametrize(
    ("path", "args", "says"),
    [
        (PREFILL, ["--beak", "decode"], "prefill of graph chat sends no KV cache, by the arguments of Heron"),
        (DECODE, ["--weights", "x"], "decode of graph chat receives no KV cache, by the arguments of Heron"),
        (DECODE, ["--weights", "x"], "moves its KV cache by beak and nothing"),
    ],
)
def test_each_side_is_judged_by_its_own_engine(path: str, args: list[str], says: str) -> None:
    assert any(says in found for found in broken(but(recorded("heron"), f"{path}.args", args), "kv-transfer"))


@pytest.mark.parametrize("command", [["python3", "-m", "dynamo.vllm2"], ["/start.sh"], []])
def test_an_engine_that_nobody_knows_is_judged_strictly(command: list[str]) -> None:
    unknown = but(prod(), f"{PREFILL}.command", command)
    assert any("prefill of graph chat starts no engine of the catalog" in f for f in broken(unknown, "kv-transfer"))
    with_code = but(unknown, f"{PREFILL}.args", ["--trust-remote-code"])
    assert any("--trust-remote-code" in found for found in broken(with_code, "no-foreign-code"))


@pytest.mark.usefixtures("heron")
def test_an_engine_without_a_table_of_flags_is_judged_by_those_of_others() -> None:
    with_code = but(recorded("heron"), f"{PREFILL}.args", ["--beak", "prefill", "--trust-remote-code"])
    assert any("--trust-remote-code" in found for found in broken(with_code, "no-foreign-code"))
