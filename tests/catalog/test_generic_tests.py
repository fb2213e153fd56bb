"""Tests of the whole catalog stay green for an addition, because they follow from its files."""

from pathlib import Path

from tests.catalog.test_one_file import CARD, ENGINE, MACHINE
from tests.catalog.tree import add, copy_with_tests, run

LONE_GPU = ("n0-lonegpu-1g.yaml", "catalog/machines/n0-lonegpu-1g.yaml")
GENERIC = (
    "tests/unit/test_releases.py::test_every_release_names_the_same_engines",
    "tests/unit/test_layouts.py",
    "tests/unit/test_equal_sides.py::test_every_pair_of_generations_is_pinned_and_no_other",
)


def test_tests_of_the_catalog_hold_for_additions(tmp_path: Path) -> None:
    folder = copy_with_tests(tmp_path)
    for item in (MACHINE, LONE_GPU, ENGINE, CARD):
        add(folder, *item)
    done = run(folder, "pytest", "-q", "-x", "-p", "no:cacheprovider", *GENERIC, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
