"""Prefill and decode of a disaggregated graph named chat, with other arguments, and the violations of them."""

from typing import Any

from ops.offline import policy_config
from ops.offline.recorded import Recording
from ops.offline.verdicts import judge
from tests.policies.mutations import changed
from tests.stacks import ROOT

GRAPH = ("DynamoGraphDeployment", "chat-graph")
PREFILL, DECODE = (f"spec.components[{i}].podTemplate.spec.containers[0]" for i in (1, 2))
RULES = ("kv-transfer", "no-foreign-code", "nic-per-gpu", "proven", "monitored", "fenced")


def broken(recording: Recording, *rules: str) -> list[str]:
    """The violations of these rules; of every rule on workers where none is named."""
    found = judge(recording, policy_config.read(ROOT, "prod"))
    return [f"{verdict.policy}: {verdict.message}" for verdict in found if verdict.policy in (rules or RULES)]


def container(recording: Recording, which: str) -> dict[str, Any]:
    """The container of prefill or decode."""
    (graph,) = (r.inputs for r in recording.resources if r.type.endswith(":DynamoGraphDeployment"))
    return graph["spec"]["components"][1 if which == PREFILL else 2]["podTemplate"]["spec"]["containers"][0]


def but(recording: Recording, which: str, flag: str, *values: str) -> Recording:
    """The recording with other values of one flag; without the flag where there are none."""
    words = list(container(recording, which)["args"])
    at = words.index(flag) if flag in words else len(words)
    end = next((i for i in range(at + 1, len(words)) if words[i].startswith("--")), len(words))
    return changed(
        recording, *GRAPH, f"{which}.args", [*words[:at], *((flag, *values) if values else ()), *words[end:]]
    )


def with_variable(recording: Recording, which: str, variable: dict[str, Any]) -> Recording:
    """The recording with one variable set so, whether or not the container has it."""
    others = [each for each in container(recording, which)["env"] if each["name"] != variable["name"]]
    return changed(recording, *GRAPH, f"{which}.env", [*others, variable])
