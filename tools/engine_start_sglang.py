"""Asks SGLang whether an engine would start: its own arguments, resolved for a GPU that is not there.

Runs in SGLang's environment, not in this project's. Reads a JSON list of command lines of `dynamo.sglang` from standard
input and writes, for each, why its arguments are refused, or null, to the file named as argument. What an engine does
afterwards (kernels, weights, memory) is not asked, nor what depends on the GPU.
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
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            config = asyncio.run(dynamo.sglang.args.parse_args([*argv, "--device", "cuda"]))
            config.server_args.resolve_once()
            config.server_args.check_server_args()
    except SystemExit as end:
        return (told.getvalue().strip().splitlines() or [f"ended with code {end.code}"])[-1]
    except Exception as error:  # an engine may raise anything
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    answers = [refused(line) for line in json.load(sys.stdin)]
    Path(sys.argv[1]).write_text(json.dumps(answers), encoding="utf-8")
