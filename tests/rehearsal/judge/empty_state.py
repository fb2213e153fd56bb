"""Prints `pulumi preview --json` of a stack without a state: `… empty_state STACK PROGRAMS`.

Needs no cluster: while its address is unknown, the engine asks the Kubernetes provider nothing.
"""

import json
import sys

from ops.local import private_network
from ops.rehearsal import access, certificates
from ops.rehearsal.engine import project
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.engine.stack import RehearsedStack
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World


class _Stack(RehearsedStack):
    def digest(self) -> str:
        with self._providers.running() as env:
            self._stack.workspace.env_vars = env
            printed = self._stack.preview(json=True).stdout
        return printed[printed.index("{") :]


def main(stack: str, paths: str) -> None:
    private_network.enter()
    world = World.of_this_process()
    programs = Programs.from_wire(json.loads(paths))
    certificates.create_authority(world)
    access.write(world, "unused")
    project.write(world, stack, ["preflight=false"])
    described = _Stack(stack, world, Providers(world, programs, None))
    described.set(project.TOKEN_KEY, project.placeholder_token(), secret=True)
    print(described.digest())


if __name__ == "__main__":
    main(*sys.argv[1:])
