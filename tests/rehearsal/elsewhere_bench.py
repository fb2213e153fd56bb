"""The example of another program under the real engine: the process inside the private network.

Reads a request from stdin, and answers with a line for each command of the example.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from ops.local import private_network
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.platform import chart
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World

SECONDS = 900


def run(world: World) -> int:
    from ops.rehearsal.engine import beside, project

    request = json.loads(sys.stdin.readline())
    programs, folder = Programs.from_wire(request["programs"]), Path(request["folder"])
    script, cloud = folder / "rehearsed.py", Cloud(world.cloud)

    def ask(command: str) -> None:
        with Providers(world, programs, None).running() as attached:
            done = subprocess.run(
                [sys.executable, str(script), command],
                cwd=world.temporary,
                env={**os.environ, **attached, "PYTHONPATH": request["site"]},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        about = {"command": command, "code": done.returncode, "printed": done.stdout, "error": done.stderr}
        print(json.dumps({**about, "cloud": [each.type for each in cloud.resources()]}), flush=True)

    with beside.cluster(world, programs, cloud):
        # In place of the chart in NVIDIA's registry, which no rehearsal reaches.
        charts = chart.write(world, request["version"])
        script.write_text(
            f"import sys\nimport serve\nserve.CONFIG['versions'] = {{'charts': {charts!r}}}\n"
            "sys.exit(serve.main(sys.argv[1]))\n"
        )
        ask("preview")  # in a project without quota
        project.write(world, "try", ())  # the simulated cloud has what this stack needs, and the example needs the same
        for command in request["commands"]:
            ask(command)
    return 0


if __name__ == "__main__":
    private_network.enter()
    sys.exit(run(World.of_this_process()))
