"""Prints what the policy pack says under the real engine: `… policy_verdicts COMMAND STACK PROGRAMS CONFIGS HOST`.

COMMAND `preview` previews a stack that does not exist, once for each of CONFIGS; `up` creates it, previews it and
updates it again. Each time the pack has the next one of CONFIGS. HOST is the official language host of Python, or empty
for the one of these tests.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pulumi.automation.errors import CommandError

from ops.local import private_network
from ops.offline.dry_run import planned
from ops.rehearsal.engine import beside, project
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.platform import chart
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from tests.rehearsal.judge import policy_host
from tests.rehearsal.judge.empty_state import Described, described, with_token
from tests.stacks import ROOT

Run = Callable[..., str]


def main(command: str, stack: str, paths: str, configs: str, official: str) -> None:
    """Prints URN, rule, level and message of each violation as JSON, a list for each run."""
    if command == "preview":
        previewed, given = described(stack, paths), json.loads(configs)
        print(json.dumps(_verdicts(previewed, given, official, [previewed.preview_with] * len(given))))
        return
    with _cluster(stack, Programs.from_wire(json.loads(paths))) as deployed:
        runs = [deployed.up_with, deployed.preview_with, deployed.up_with]
        print(json.dumps(_verdicts(deployed, json.loads(configs), official, runs)))


@contextmanager
def _cluster(stack: str, programs: Programs) -> Iterator[Described]:
    private_network.enter()
    world = World.of_this_process()
    with beside.cluster(world, programs, Cloud(world.cloud)):
        project.write(world, stack, [f"versions.charts={chart.write(world, planned(stack).platform)}"])
        yield with_token(Described(stack, world, Providers(world, programs, None)))


def _verdicts(stack: Described, configs: list[Any], official: str, runs: list[Run]) -> list[list[list[str]]]:
    _install_host(stack.world.commands / policy_host.NAME, official)
    return [_verdicts_of(run, config, stack.world) for run, config in zip(runs, configs, strict=True)]


def _verdicts_of(run: Run, config: Any, world: World) -> list[list[str]]:
    found: list[list[str]] = []

    def on_event(event: Any) -> None:
        if said := event.policy_event:
            found.append([said.resource_urn or "", said.policy_name, said.enforcement_level, said.message])

    settings = world.folder / "policies.json"
    settings.write_text(json.dumps(config))
    try:
        run(policy_packs=[str(ROOT / "policies")], policy_pack_configs=[str(settings)], on_event=on_event)
    except CommandError as error:
        if not found:
            raise
        print(error, file=sys.stderr)  # a mandatory violation
    return found


def _install_host(place: Path, official: str) -> None:
    if official:
        place.symlink_to(official)
    else:
        place.write_text(f"#!/bin/sh\nexec {sys.executable} -m {policy_host.__name__}\n")
        place.chmod(0o755)


if __name__ == "__main__":
    main(*sys.argv[1:])
