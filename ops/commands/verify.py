"""`verify`: whether disaggregation works at an endpoint, or in saved logs. The program that the stack's Job runs."""

import argparse
from collections.abc import Sequence

import typer

from catalog.engines import Engine, default_engine, engine, engine_names
from workloads.evidence import transfer_arguments, transport_arguments
from workloads.jobs.verify.__main__ import Parser, main

MORE = """whose counters and logs:
  --engine NAME         the engine of the workers: {names} ({default})
  --kv-transfer         also verify that KV cache moved, by that engine's counters
"""


def verify(context: typer.Context) -> None:
    """Verify an endpoint (--endpoint URL --prefill METRICS… --decode METRICS…) or logs (--transport-log POD=FILE…)."""
    more = MORE.format(names=", ".join(engine_names()), default=default_engine().name)
    raise typer.Exit(main(_with_evidence(context.args), more))


def _with_evidence(words: Sequence[str]) -> list[str]:
    """The arguments with what the engine says in place of its name. Ends the process with 2 for an invalid one."""
    parser = Parser(prog="verify", usage="verify [--engine NAME] [--kv-transfer] …", add_help=False, allow_abbrev=False)
    parser.as_json = "--json" in words
    parser.add_argument("--engine", choices=engine_names(), default=default_engine().name)
    # `nixl` was its value before engines had counters of their own.
    parser.add_argument("--kv-transfer", nargs="?", choices=["nixl"], const="nixl")
    given, rest = parser.parse_known_args(words)
    # Of an option given twice the last counts, so what is given by hand holds.
    return [*_evidence(parser, given, engine(given.engine)), *rest]


def _evidence(parser: Parser, given: argparse.Namespace, runs: Engine) -> list[str]:
    """What the verification has to ask of this engine."""
    if given.kv_transfer and runs.transfer_evidence is None:
        parser.error(f"--kv-transfer: {runs.title} has no counter that shows whether KV cache moved")
    return [
        *(transport_arguments(runs.transport_evidence) if runs.transport_evidence else ()),
        *(transfer_arguments(runs.transfer_evidence) if given.kv_transfer and runs.transfer_evidence else ()),
    ]
