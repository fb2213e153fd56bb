"""JSON that a person wrote: what is refused, and what the message says to do."""

import pytest

from reading import json_text

MALFORMED: list[tuple[str, str]] = [
    ('{"a": {"b": 1, "c": 2},}', "is not JSON in line 1, column 23: remove the comma before }"),
    ('{\n  "a": [1, 2,]\n}', "is not JSON in line 2, column 13: remove the comma before ]"),
    ('{"a": 1 "b": 2}', "is not JSON in line 1, column 9: a comma is missing before this"),
    ('{"a" 1}', "is not JSON in line 1, column 6: a colon is missing before this"),
    ("{'a': 1}", "is not JSON in line 1, column 2: names and texts are in double quotes"),
    ("{a: 1}", "is not JSON in line 1, column 2: a name in double quotes must be here"),
    ('{"a": 1} // why', "is not JSON in line 1, column 10: JSON has no comments; remove it"),
    ('{\n# why\n"a": 1}', "is not JSON in line 2, column 1: JSON has no comments; remove it"),
    ('{"a": True}', "is not JSON in line 1, column 7: write true, not True"),
    ('{"a": 1', "is not JSON in line 1, column 8: it ends too early; add the missing } or ]"),
    ('{"a": 1}}', "is not JSON in line 1, column 9: more follows after the end of the document; remove it"),
    ('\ufeff{"a": 1}', "it begins with a byte order mark; save it as UTF-8 without one"),
    (" \n", "is empty; write at least {}"),
    ('{"a": NaN}', "is not JSON: NaN is not a number there; write one"),
    ('{"a": -Infinity}', "is not JSON: -Infinity is not a number there; write one"),
    ('{"a": 1, "a": 2}', "a given twice; remove one"),
    ("[" * 100_000, "it is nested too deeply"),
    (f'{{"a": {"9" * 5000}}}', "has a number that is too long to be read; correct it"),
]


@pytest.mark.parametrize(("text", "says"), MALFORMED, ids=[case[1][:60] for case in MALFORMED])
def test_a_mistake_is_named_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(json_text.Malformed) as raised:
        json_text.loads(text.encode())
    assert says in str(raised.value)


def test_a_text_in_another_encoding_is_named() -> None:
    with pytest.raises(json_text.Malformed, match="is not UTF-8 in line 2; save it as UTF-8"):
        json_text.loads('{\n"ä": 1}'.encode("latin-1"))


def test_json_is_read() -> None:
    assert json_text.loads('{"ä": [1, 2.5, true, null]}'.encode()) == {"ä": [1, 2.5, True, None]}
