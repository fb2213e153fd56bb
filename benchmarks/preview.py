"""Measures a preview's speed: against a bare process with the minimum of its work, and with many graphs.

The floor imports the same provider modules and registers as many plain resources through the same mock monitor, with
one input each and no components. All figures are for this machine and this run; only the ratios can be compared.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

MODULES = """
import json, sys
from ops.offline import stackfile
from ops.offline.recording import record
root = stackfile.project_root()
recording = record(root, stackfile.read(root, "prod"))
modules = [name for name in sys.modules if name.startswith(("pulumi_gcp", "pulumi_kubernetes"))]
print(json.dumps([modules, len(recording.resources)]))
"""

FLOOR = """
import contextvars, importlib
from ops.offline.recording import record_program

def program():
    import pulumi
    for name in {modules!r}:
        importlib.import_module(name)
    for i in range({count}):
        pulumi.CustomResource("gcp:compute/network:Network", f"r{{i}}", {{"name": f"r{{i}}"}})

contextvars.copy_context().run(
    record_program, program, stack="floor", config={{}}, secret_keys=[], preview=True)
"""

GRAPHS = """
import json, sys, time
from ops.offline import stackfile
from ops.offline.recording import record
from settings.stack_config import StackConfig
base = stackfile.read(stackfile.project_root(), "prod")
graph = {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}

def run(count):
    models = {f"m{i:03}x": graph for i in range(count)}
    config = StackConfig(
        stack="prod", values={**base.values, "dynamo-gke:models": json.dumps(models)}, secrets=base.secrets)
    start = time.process_time()
    resources = record(stackfile.project_root(), config).resources
    return time.process_time() - start, len(resources)

run(1)  # imports
print(json.dumps({count: run(count) for count in (1, 8, 32, 64)}))
"""

PYDANTIC = """
from pydantic import BaseModel

class One(BaseModel):
    value: int
"""

ROOMS = (
    PYDANTIC
    + """
import planning.plan, planning.load
import manifests.alerts, manifests.dashboard, manifests.graph
"""
)


def seconds(command: list[str]) -> float:
    """Processor time of a command, user and system, which varies far less on a shared machine than wall-clock time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def printed(program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=600).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="pairs of runs, after one that is not counted")
    runs = parser.parse_args().runs

    preview = [sys.executable, "-m", "ops", "preview", "--stack", "prod"]
    modules, count = json.loads(printed(MODULES))
    floor = [sys.executable, "-c", FLOOR.format(modules=modules, count=count)]
    pairs = [(seconds(preview), seconds(floor)) for _ in range(runs + 1)][1:]
    ratio = statistics.median(a / b for a, b in pairs)
    print("processor seconds, user and system")
    print(f"prod preview, {count} registrations: {statistics.median(a for a, _ in pairs):.2f} s")
    print(f"floor, as many plain resources:    {statistics.median(b for _, b in pairs):.2f} s")
    print(f"preview / floor (median of {runs} pairs): {ratio:.2f}   aim: at most 1.30")

    imports = [
        (seconds([sys.executable, "-c", ROOMS]), seconds([sys.executable, "-c", PYDANTIC])) for _ in range(4 * runs)
    ]
    own = statistics.median(rooms - pydantic for rooms, pydantic in imports)
    print(f"import of the pure rooms, beyond pydantic with one model: {own:.3f} s   aim: at most 0.100")

    times = {int(graphs): tuple(found) for graphs, found in json.loads(printed(GRAPHS)).items()}
    one, _ = times[1]
    print("\ngraphs  resources  seconds  ms a further graph")
    for graphs, (took, resources) in times.items():
        further = f"{(took - one) / (graphs - 1) * 1000:18.1f}" if graphs > 1 else " " * 17 + "–"
        print(f"{graphs:6}  {resources:9}  {took:7.2f}  {further}")
    per_graph = {graphs: (took - one) / (graphs - 1) for graphs, (took, _) in times.items() if graphs > 1}
    print(f"a further graph at 64 / at 8: {per_graph[64] / per_graph[8]:.2f}   aim: about 1, which is linear")


if __name__ == "__main__":
    main()
