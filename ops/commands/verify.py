"""`verify`: whether disaggregation works at an endpoint, or in saved logs. The program that the stack's Job runs."""

import typer


def verify(context: typer.Context) -> None:
    """Verify an endpoint (--endpoint URL --prefill METRICS… --decode METRICS…) or logs (--transport-log POD=FILE…)."""
    from workloads.jobs.verify.__main__ import main

    raise typer.Exit(main(context.args))
