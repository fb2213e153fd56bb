"""The dashboard of a stack as Cloud Monitoring lays it out, from the definition that `pulumi up` sends, with examples.

Nobody has measured the values: `example_values.yaml` has a range for each line of each chart.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from manifests import dashboard as definition
from planning.types import Plan

EXAMPLES = Path(__file__).parent / "example_values.yaml"
POINTS = 60
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"))
Range = tuple[float, float]
_SYMBOLS = {"By": "B", "By/s": "B/s", "1": "", "1/s": "/s"}
"""Cloud Monitoring's unit → how it is shown, where that differs."""
_MAX = {"10^2.%": 1.0, "%": 100.0}
"""Unit → the largest value that it can have."""


@dataclass(frozen=True, kw_only=True)
class Line:
    name: str
    points: str
    """For a polyline: x from 0 to POINTS - 1, y in percent of the axis."""
    last: str


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A widget on the dashboard's grid: a chart, or a section's title without lines."""

    title: str
    subtitle: str
    column: int
    row: int
    width: int
    height: int
    top: str
    """End of the y axis."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    name: str
    columns: int
    points: int
    tiles: tuple[Tile, ...]


@cache
def examples() -> Mapping[str, Mapping[str, Range]]:
    """Title of a chart → line → its min and max."""
    return yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))


def dashboard(plan: Plan) -> Dashboard:
    """The picture's content."""
    defined = json.loads(definition.build(plan))
    grid = defined["mosaicLayout"]
    return Dashboard(
        name=defined["displayName"],
        columns=grid["columns"],
        points=POINTS,
        tiles=tuple(map(_tile, grid["tiles"])),
    )


def _tile(placed: Mapping[str, Any]) -> Tile:
    widget = placed["widget"]
    charts = widget.get("xyChart", {}).get("dataSets", [])
    unit = charts[0]["timeSeriesQuery"]["unitOverride"] if charts else ""
    ranges: Mapping[str, Range] = examples()[widget["title"]] if charts else {}
    top = min(1.2 * max((high for _, high in ranges.values()), default=0.0) or 1.0, _MAX.get(unit, math.inf))
    return Tile(
        title=widget["title"],
        subtitle=widget.get("sectionHeader", {}).get("subtitle", ""),
        column=placed.get("xPos", 0) + 1,
        row=placed.get("yPos", 0) + 1,
        width=placed["width"],
        height=placed["height"],
        top=_shown(top, unit),
        lines=tuple(_line(number, name, between, unit, top) for number, (name, between) in enumerate(ranges.items())),
    )


def _line(number: int, name: str, between: Range, unit: str, top: float) -> Line:
    low, high = between
    values = [low + (high - low) * _wave(at, number) for at in range(POINTS)]
    return Line(
        name=name,
        points=" ".join(f"{at},{100 * value / top:.1f}" for at, value in enumerate(values)),
        last=_shown(values[-1], unit),
    )


def _wave(at: int, number: int) -> float:
    """A share between 0 and 1 that looks like load."""
    return 0.5 + 0.28 * math.sin(at / 7 + 2 * number) + 0.22 * math.sin(at / 1.9 + 5 * number)


def _shown(value: float, unit: str) -> str:
    if unit == "10^2.%":
        return f"{value:.0%}"
    if unit in ("%", "1", "1/s"):
        return f"{round(value, 2):.3g}{_SYMBOLS.get(unit, unit)}"
    factor, prefix = next((each for each in _PREFIXES if value >= each[0]), (1.0, ""))
    return f"{value / factor:.3g} {prefix}{_SYMBOLS.get(unit, unit)}"
