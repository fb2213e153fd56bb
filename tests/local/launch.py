"""Runs the sample graph as `ops local` runs a stack's: python -m tests.local.launch [--once] [--port N] …"""

import argparse
import sys

from ops.local.runner import LocalOptions, run
from tests.local.sample_graph import simulated_graph

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--prefill", type=int, default=1)
    parser.add_argument("--worker-args", nargs="*", default=[])
    parser.add_argument("--no-isolation", action="store_true")
    given = parser.parse_args()
    options = LocalOptions(once=given.once, port=given.port, isolated=not given.no_isolation)
    sys.exit(run(simulated_graph(given.prefill, 1, given.worker_args), options))
