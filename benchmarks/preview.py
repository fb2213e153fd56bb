"""Measures a preview's speed: against an earlier commit, against the minimum of its work, and with many graphs.

The floor imports the same provider modules and registers as many plain resources through the same mock monitor, with
one input each and no components. All figures are for this machine and this run; only the ratios can be compared.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent

BASE = "59a8bc276755"
"""The last commit whose previews left the garbage collector at Python's own thresholds."""

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


def seconds(command: list[str], folder: Path = ROOT) -> float:
    """Processor time of a command, user and system, which varies far less on a shared machine than wall-clock time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def printed(program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=600).stdout


@contextmanager
def checkout(commit: str) -> Generator[Path]:
    """A commit of this repository in a temporary folder. Raises CalledProcessError for what is no commit here."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "base"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default=BASE, help="the commit to compare with (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="pairs of runs, after one that is not counted")
    arguments = parser.parse_args()
    runs = arguments.runs

    preview = [sys.executable, "-m", "ops", "preview", "--stack", "prod"]
    with checkout(arguments.base) as base:
        against = [(seconds(preview), seconds(preview, base)) for _ in range(runs + 1)][1:]
    modules, count = json.loads(printed(MODULES))
    floor = [sys.executable, "-c", FLOOR.format(modules=modules, count=count)]
    pairs = [(seconds(preview), seconds(floor)) for _ in range(runs + 1)][1:]
    ratio = statistics.median(a / b for a, b in pairs)
    print("processor seconds, user and system")
    earlier = statistics.median(a / b for a, b in against)
    print(f"prod preview here and at {arguments.base}: {_medians(against)}")
    print(f"here / there (median of {runs} pairs): {earlier:.2f}   aim: at most 0.70")
    print(f"prod preview, {count} registrations: {statistics.median(a for a, _ in pairs):.2f} s")
    print(f"floor, as many plain resources:    {statistics.median(b for _, b in pairs):.2f} s")
    print(f"preview / floor (median of {runs} pairs): {ratio:.2f}   aim: at most 1.30")

    imports = [
        (seconds([sys.executable, "-c", ROOMS]), seconds([sys.executable, "-c", PYDANTIC])) for _ in range(4 * runs)
    ]
    own = statistics.median(rooms - pydantic for rooms, pydantic in imports)
    print(f"import of the pure rooms, beyond pydantic with one model: {own:.3f} s   aim: at most 0.100")

    command = [sys.executable, "-m", "benchmarks.graphs"]
    graphs = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=600).stdout
    times = {int(count): tuple(found) for count, found in json.loads(graphs).items()}
    one, one_alone, _ = times.pop(1)
    print("\ngraphs  resources  seconds  ms a further graph  of the SDK alone  ratio   aim at 64: at most 1.30")
    for count, (took, alone, resources) in times.items():
        ours, sdk = ((total - first) / (count - 1) * 1000 for total, first in ((took, one), (alone, one_alone)))
        print(f"{count:6}  {resources:9}  {took:7.2f}  {ours:18.1f}  {sdk:16.1f}  {ours / sdk:5.2f}")


def _medians(pairs: list[tuple[float, float]]) -> str:
    return " and ".join(f"{statistics.median(times):.2f} s" for times in zip(*pairs, strict=True))


if __name__ == "__main__":
    main()
