"""Writes docs/rehearsed.md: each resource of staging and prod fails once, in a rehearsal of its stack.

python -m tools.rehearsed_faults
"""

import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from ops.rehearsal import programs
from ops.rehearsal.engine import outside
from ops.rehearsal.engine.events import name_of, type_of
from ops.rehearsal.engine.request import Request
from ops.rehearsal.faults.every import Every

STACKS = ("staging", "prod")
PAGE = Path(__file__).parents[1] / "docs" / "rehearsed.md"
HEAD = """# Rehearsed failures

`make rehearse-all` on {date}: in a [rehearsal](rehearse.md#faults) of each stack below, each resource's first creation
failed. The update that met the failure stopped there, and the next one continued. It does not show how Google Cloud
itself fails.
"""


def main() -> int:
    try:
        found = programs.find()
    except programs.ProgramsMissing as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 1
    reports: dict[str, Mapping[str, Any]] = {}
    for stack in STACKS:
        request = Request(
            stack=stack,
            overrides=(),
            programs=found,
            fail=None,
            thorough=False,
            quiet=False,
            fail_every=Every.RESOURCE,
        )
        code, report = outside.run(request, dict(os.environ), keep=False)
        if "faults" in report:
            return code or 1
        reports[stack] = report
    PAGE.write_text(page(reports, datetime.now(UTC).date().isoformat()), encoding="utf-8")
    return 0 if all(report["ok"] for report in reports.values()) else 1


def page(reports: Mapping[str, Mapping[str, Any]], date: str) -> str:
    """The page. `reports`: stack → JSON report of its rehearsal."""
    return "\n".join([HEAD.format(date=date), *(line for stack in reports for line in _section(stack, reports[stack]))])


def _section(stack: str, report: Mapping[str, Any]) -> Iterator[str]:
    struck: Mapping[str, str] = report["struck"]
    updates = sum(step["step"].startswith("up ") and step["step"] != "up again" for step in report["steps"])
    destroyed = next((step["said"] for step in report["steps"] if step["step"] == "destroy"), "**not reached**")
    yield f"## {stack}"
    yield ""
    yield (
        f"{len(struck)} resources failed once; {updates} updates until one succeeded. "
        f"{'It converged' if report['converged'] else '**It did not converge**'}. Then `destroy`: {destroyed}."
    )
    yield ""
    yield "| type | resources that failed, and were created by a later update |"
    yield "|---|---|"
    for kind, urns in groupby(sorted(struck, key=lambda urn: (type_of(urn), name_of(urn))), key=type_of):
        names = [f"{name_of(urn)}{'' if struck[urn] else ' (**not created**)'}" for urn in urns]
        yield f"| `{kind}` | {', '.join(names)} |"
    yield ""


if __name__ == "__main__":
    sys.exit(main())
