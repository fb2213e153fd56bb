"""The shipped stacks print what their goldens say. After a change that is meant: `make goldens`, and read the diff."""

import pytest

from tests import goldens


@pytest.mark.parametrize("name", goldens.names())
def test_golden(name: str) -> None:
    assert goldens.render(name) == (goldens.GOLDEN / name).read_text(encoding="utf-8"), "run `make goldens` if meant"


def test_no_golden_is_left_over() -> None:
    assert sorted(path.name for path in goldens.GOLDEN.iterdir()) == sorted(goldens.names())


def test_the_readme_shows_what_is_printed() -> None:
    shown = goldens.README.read_text(encoding="utf-8")
    assert goldens.render("prod.preview.txt").rstrip() in shown, "run `make goldens` if meant"
    assert shown == goldens.readme(), "run `make goldens` if meant"
    assert "error: stack prod has 3 errors" in shown
