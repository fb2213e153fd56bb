"""What every room keeps to: no product is named outside the catalog, and no module grows beyond one idea."""

import re
import subprocess

import pytest

from tests.stacks import ROOT

# These name products because products are their subject: how an engine runs without GPUs, how tables are made.
MAY_NAME_PRODUCTS = ("catalog/", "ops/local/", "tools/", "benchmarks/", "examples/", "tests/")

FILES = sorted(
    path
    for path in subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    if (ROOT / path).is_file()
)
PRODUCTS = re.compile(
    r"\b(?:h100|h200|b200|gb200|a100|l40?s?|hopper|blackwell|a3[- ]?ultra|a[234]x?-(?:ultra|high|mega|max)gpu)\b"
    r"|g2-standard"
    r"|vllm|sglang|trtllm|tensorrt",
    re.IGNORECASE,
)
# Google's class of internal load balancers of layer 4.
NO_PRODUCT = "l4-regional-internal"


@pytest.mark.parametrize("path", [path for path in FILES if not path.startswith(MAY_NAME_PRODUCTS)])
def test_no_product_is_named_outside_the_catalog(path: str) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    named = [line for line in lines if PRODUCTS.search(line.replace(NO_PRODUCT, ""))]
    assert not named


@pytest.mark.parametrize("path", [path for path in FILES if not path.startswith("tests/")])
def test_no_module_is_longer_than_350_lines(path: str) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) < 350
