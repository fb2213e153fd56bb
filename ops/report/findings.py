"""The findings of `status`, as a tree and as JSON."""

from itertools import groupby
from typing import Any

from rich.text import Text
from rich.tree import Tree

from ops.diagnosis import Cause, Finding
from ops.diagnosis.watching import ready
from ops.report import printing
from planning.types import Plan

_COLORS = {Cause.READY: "green"} | dict.fromkeys(
    (Cause.LOADING, Cause.ROLLING, Cause.OLD_GENERATION, Cause.STALE_PEERS), "yellow"
)


def as_json(plan: Plan, context: str, found: tuple[Finding, ...], error: str | None = None) -> dict[str, Any]:
    """The findings. `error` says why the cluster cannot be read."""
    return {
        "stack": plan.stack,
        "context": context,
        **({"error": error} if error else {}),
        "ready": error is None and ready(found),
        "findings": [
            {"graph": f.graph, "cause": f.cause.value, "message": f.message, "objects": list(f.objects)} for f in found
        ],
    }


def show(plan: Plan, context: str, found: tuple[Finding, ...]) -> None:
    """Prints the findings as a tree. Piped output keeps each sentence on one line, so that `grep` finds it."""
    shown = tree(plan, context, found)
    printing.show(lambda console: console.print(shown), piped_width=printing.ONE_LINE)


def tree(plan: Plan, context: str, found: tuple[Finding, ...]) -> Tree:
    """The findings by graph."""
    result = Tree(Text.assemble("stack ", (plan.stack, "bold"), f" · {context}"), guide_style="dim")
    for graph, findings in groupby(found, key=lambda finding: finding.graph):
        branch = result.add(Text(graph, "bold"))
        for finding in findings:
            sentence = Text.assemble((finding.cause.value, _COLORS.get(finding.cause, "red")), f"  {finding.message}")
            branch.add(sentence).add(Text(", ".join(finding.objects), "dim"))
    return result
