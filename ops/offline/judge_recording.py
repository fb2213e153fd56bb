"""Judges another checkout's resources by this checkout's rules: `python -m ops.offline.judge_recording STACK`.

Reads the output of `preview --json` on stdin and prints the mandatory violations as JSON. `diff` runs the base's copy,
so that a change of the rules does not judge itself.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ops.offline import policy_config, stackfile
from ops.offline.recorded import Recording
from ops.offline.verdicts import judge
from policies.rules import RULES


def violations(stack: str, previewed: Mapping[str, Any]) -> list[dict[str, str]]:
    """The mandatory violations of a preview by this checkout's rules and configuration. Raises ConfigInvalid."""
    severities = {rule.name: rule.severity.value if rule.severity else "" for rule in RULES}
    config = policy_config.read(stackfile.project_root(), stack)
    return [
        {"policy": v.policy, "severity": severities[v.policy], "urn": v.urn, "message": v.message}
        for v in judge(Recording.from_wire(previewed), config)
        if v.mandatory
    ]


def main(arguments: Sequence[str]) -> None:
    (stack,) = arguments
    json.dump(violations(stack, json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
