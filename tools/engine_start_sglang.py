"""Checks with SGLang's own code whether an engine would start, by resolving its arguments for a simulated GPU.

Runs in SGLang's environment, not in this project's. Reads a JSON list of command lines of `dynamo.sglang` from standard
input and writes to the file named as argument, for each, why its arguments are refused, or null. Does not check later
steps (kernels, weights, memory) or anything that depends on a real GPU.
"""

import asyncio
import contextlib
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import dynamo.sglang.args


async def _none_fetched(model: str, *_: object, **__: object) -> str:
    """In place of the download of a model: the lines name folders."""
    return model


dynamo.sglang.args.fetch_model = _none_fetched


def refused(argv: Sequence[str]) -> str | None:
    output = io.StringIO()
    try:
        with contextlib.redirect_stderr(output):
            config = asyncio.run(dynamo.sglang.args.parse_args([*argv, "--device", "cuda"]))
            config.server_args.resolve_once()
            config.server_args.check_server_args()
    except SystemExit as end:
        return (output.getvalue().strip().splitlines() or [f"ended with code {end.code}"])[-1]
    except Exception as error:  # an engine may raise anything
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    answers = [refused(line) for line in json.load(sys.stdin)]
    Path(sys.argv[1]).write_text(json.dumps(answers), encoding="utf-8")
