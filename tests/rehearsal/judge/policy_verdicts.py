"""Prints what the policy pack says in `pulumi preview --policy-pack`: `… policy_verdicts STACK PROGRAMS CONFIG HOST`.

HOST is the official language host of Python, or empty for the one of these tests.
"""

import json
import sys
from typing import Any

from pulumi.automation.errors import CommandError

from tests.rehearsal.judge import policy_host
from tests.rehearsal.judge.empty_state import described
from tests.stacks import ROOT


def main(stack: str, paths: str, config: str, official: str) -> None:
    """Prints URN, rule, level and message of each violation as JSON."""
    found: list[list[str]] = []

    def on_event(event: Any) -> None:
        if said := event.policy_event:
            found.append([said.resource_urn or "", said.policy_name, said.enforcement_level, said.message])

    previewed = described(stack, paths)
    host = previewed.world.commands / policy_host.NAME
    if official:
        host.symlink_to(official)
    else:
        host.write_text(f"#!/bin/sh\nexec {sys.executable} -m {policy_host.__name__}\n")
        host.chmod(0o755)
    settings = previewed.world.folder / "policies.json"
    settings.write_text(config)
    try:
        previewed.preview_with(
            policy_packs=[str(ROOT / "policies")], policy_pack_configs=[str(settings)], on_event=on_event
        )
    except CommandError as error:
        if not found:
            raise
        print(error, file=sys.stderr)  # a mandatory violation
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
