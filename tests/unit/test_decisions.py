"""Components and manifests decide no number: every wait, size and threshold is in the plan."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stacks import ROOT

# File → numbers that are no decision about a stack, by what they are instead.
NOT_DECIDED: dict[str, set[int | float | str]] = {
    "infra/observability.py": {60},  # seconds of a minute
    "infra/preflight.py": {10, 4_000_000, 200, 404},  # limits of reading an answer, HTTP
    "manifests/dashboard.py": {48, 16, 12, 4, 0.5, 0.95, 100},  # a grid of Cloud Monitoring, quantiles to show
    "manifests/placement.py": {100},  # weight of the only preference
    "manifests/pod_security.py": {1000},  # user of NVIDIA's images
    "manifests/ports.py": {8000},
    "workloads/endpoint.py": {80},  # HTTP
    "workloads/gateway.py": {10, 2147483647, 1000, 443},  # Cloud Armor's limit and order of rules, HTTPS
    "workloads/platform.py": {100},  # weight of the only preference
    "workloads/weights.py": {"5Ti"},  # ignored, but required
}
FILES = [path for room in ("infra", "manifests", "workloads") for path in sorted((ROOT / room).glob("*.py"))]
QUANTITY = re.compile(r"\d+(\.\d+)?(s|m|h|Mi|Gi|Ti|G)")


def numbers(source: str) -> Iterator[int | float | str]:
    """Numbers, durations and quantities of a module, without indices, 0 and 1."""
    tree = ast.parse(source)
    indices = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Subscript) for part in ast.walk(node.slice)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if QUANTITY.fullmatch(text):
                yield text
            case ast.Constant(value=int(number) | float(number)) if number not in (0, 1) and id(node) not in indices:
                yield number
            case _:
                pass


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_component_and_no_manifest_decides_a_number(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    assert set(numbers(path.read_text(encoding="utf-8"))) == NOT_DECIDED.get(name, set[int | float | str]())


def test_a_number_of_a_component_is_found() -> None:
    source = 'WAIT = 900\nkept = 0\nlast = found[2]\nretry("30m", every="15s", of="m")'
    assert set(numbers(source)) == {900, "30m", "15s"}
