"""Checks with SGLang's own code whether an engine would start, by resolving its arguments for a simulated GPU.

Runs in SGLang's environment, not in this project's. Reads a JSON list of command lines of `dynamo.sglang` from standard
input and writes to the file named as argument, for each, why its arguments are refused, or null. Does not check later
steps (kernels, weights, memory) or anything that depends on a real GPU.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from engine_parsers import verdict
from engine_parsers_sglang import parse


def start(argv: Sequence[str]) -> None:
    config = parse([*argv, "--device", "cuda"])
    config.server_args.resolve_once()
    config.server_args.check_server_args()


if __name__ == "__main__":
    answers = [verdict(start, line) for line in json.load(sys.stdin)]
    Path(sys.argv[1]).write_text(json.dumps(answers), encoding="utf-8")
