"""Text of others is printed on one line and does nothing to a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.report.plain import plain

CASES = {
    "as it is, über 80 % – ok": "as it is, über 80 % – ok",
    "two\nlines\r\nand\ttabs": "two lines and tabs",
    "\x1b[31mred\x1b[0m": "red",
    "\x1b[2J\x1b[Hgone": "gone",
    "\x9b31mred": "red",
    "\x1b]0;title\x07text": "text",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\": "link",
    "\x1b]0;never ends": "",
    "\x1bcreset": "reset",
    "\x1b(Bset": "set",
    "nul\x00bell\x07del\x7f": "nul bell del",
    "\u202egnp.exe": "gnp.exe",
    "a\u2028b\u2029c\u0085d": "a b c d",
    "zero\u200bwidth": "zero width",
    "": "",
}


@pytest.mark.parametrize("text", CASES)
def test_controls_are_taken_out(text: str) -> None:
    assert plain(text) == CASES[text]


@given(st.text(alphabet=st.characters() | st.sampled_from("\x1b[]m0;\x07\x9b\n\u202e")))
def test_nothing_that_acts_is_left(text: str) -> None:
    left = plain(text)
    assert not {unicodedata.category(c) for c in left} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert plain(left) == left
