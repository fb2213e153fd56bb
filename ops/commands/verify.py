"""`verify`: checks disaggregation at an endpoint or in saved logs, with the program that the stack's Job runs."""

import argparse
from collections.abc import Sequence

import typer

from catalog.engines import Engine, default_engine, engine, engine_names
from workloads.evidence import transfer_arguments, transport_arguments
from workloads.jobs.verify.__main__ import Parser, main

MORE = """whose counters and logs:
  --engine NAME         the engine of the workers: {names} ({default})
  --kv-transfer         also verify the KV cache transfer, by that engine's counters
"""

app = typer.Typer(add_completion=False)


# The verification program parses its own arguments.
@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def verify(context: typer.Context) -> None:
    """Verify an endpoint (--endpoint URL --prefill METRICS… --decode METRICS…) or logs (--transport-log POD=FILE…)."""
    more = MORE.format(names=", ".join(engine_names()), default=default_engine().name)
    raise typer.Exit(main(_with_evidence(context.args), more))


def _with_evidence(words: Sequence[str]) -> list[str]:
    """The arguments, with the engine's name replaced by its evidence. Exits with 2 for an invalid argument."""
    parser = Parser(prog="verify", usage="verify [--engine NAME] [--kv-transfer] …", add_help=False, allow_abbrev=False)
    parser.as_json = "--json" in words
    parser.add_argument("--engine", choices=engine_names(), default=default_engine().name)
    # Earlier versions required the value `nixl`.
    parser.add_argument("--kv-transfer", nargs="?", choices=["nixl"], const="nixl")
    given, rest = parser.parse_known_args(words)
    # The last of a repeated option wins, so explicit options come last.
    return [*_evidence(parser, given, engine(given.engine)), *rest]


def _evidence(parser: Parser, given: argparse.Namespace, runs: Engine) -> list[str]:
    """Arguments that describe the evidence of this engine."""
    if given.kv_transfer and runs.transfer_evidence is None:
        parser.error(f"--kv-transfer: {runs.title} has no counter of KV cache transfers")
    return [
        *(transport_arguments(runs.transport_evidence) if runs.transport_evidence else ()),
        *(transfer_arguments(runs.transfer_evidence) if given.kv_transfer and runs.transfer_evidence else ()),
    ]
