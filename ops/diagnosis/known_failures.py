"""Failures that the engine of a graph is known to name in its own words."""

import re

from ops.diagnosis.view import View


def remedy(view: View, text: str) -> str:
    """The remedy for the first known failure of the graph's engine in a text, after a semicolon; empty for none."""
    known = (failure.remedy for failure in view.graph.runs.known_failures if re.search(failure.pattern, text))
    return next((f"; {found}" for found in known), "")
