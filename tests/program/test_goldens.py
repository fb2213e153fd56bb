"""The shipped stacks print what their goldens say. After a change that is meant: `make goldens`, and read the diff."""

import pytest

from tests import goldens


@pytest.mark.parametrize("name", goldens.names())
def test_golden(name: str) -> None:
    assert goldens.render(name) == (goldens.GOLDEN / name).read_text(encoding="utf-8"), "run `make goldens` if meant"


def test_no_golden_is_left_over() -> None:
    assert sorted(path.name for path in goldens.GOLDEN.iterdir()) == sorted(goldens.names())


def test_the_docs_show_what_is_printed() -> None:
    page, readme = (path.read_text(encoding="utf-8") for path in (goldens.PREVIEW_PAGE, goldens.README))
    assert goldens.render("prod.preview.txt").rstrip() in page, "run `make goldens` if meant"
    assert page == goldens.preview_page(), "run `make goldens` if meant"
    assert readme == goldens.readme(), "run `make goldens` if meant"
    assert "error: stack prod has 3 errors" in readme
