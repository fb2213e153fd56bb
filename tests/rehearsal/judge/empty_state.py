"""Prints `pulumi preview --json` of a base without a state: `… empty_state BASE PROGRAMS`.

Needs no cluster: while its address is unknown, the engine asks the Kubernetes provider nothing.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from ops.local import private_network
from ops.rehearsal import access, certificates
from ops.rehearsal.engine import project
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.engine.stack import RehearsedStack
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from tests.rehearsal.judge import cases
from tests.rehearsal.judge.choices import stack_of


class Described(RehearsedStack):
    """A stack whose commands take options of Pulumi's."""

    def __init__(self, name: str, world: World, providers: Providers) -> None:
        super().__init__(name, world, providers)
        self.world = world

    def preview_with(self, **options: Any) -> str:
        """What `pulumi preview` prints with these options."""
        return self._printed(self._stack.preview, options)

    def up_with(self, **options: Any) -> str:
        return self._printed(self._stack.up, options)

    def _printed(self, command: Callable[..., Any], options: dict[str, Any]) -> str:
        with self._providers.running() as env:
            self._stack.workspace.env_vars = env
            return command(**options).stdout


def described(base: str, paths: str) -> Described:
    """The stack of a base, in a private network. `paths`: of the programs, as JSON."""
    private_network.enter()
    world = World.of_this_process()
    programs = Programs.from_wire(json.loads(paths))
    certificates.create_authority(world)
    access.write(world, "unused")
    name, own = stack_of(base)
    project.write(world, name, [*own, "preflight=false"])
    stack = Described(name, world, Providers(world, programs, None))
    return with_token(stack) if cases.TOKEN in cases.read(base).secrets else stack


def with_token(stack: Described) -> Described:
    stack.set_secret(project.TOKEN_KEY, project.placeholder_token())
    return stack


def main(base: str, paths: str) -> None:
    printed = described(base, paths).preview_with(json=True)
    print(printed[printed.index("{") :])


if __name__ == "__main__":
    main(*sys.argv[1:])
