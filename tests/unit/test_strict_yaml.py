"""What a parser rejects is told by line, with what to correct."""

import pytest

from reading.strict_yaml import YamlInvalid, parse


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "a: 1\n---\nb: 2\n",
            "in line 2: expected a single document in the stream but found another document; keep one",
        ),
        ("---\n---\n", "in line 2: expected a single document in the stream but found another document; keep one"),
        ("- a\nb: c\n", "in line 2: did not find expected '-' indicator; align the entries of a list"),
        ("%YAML 3.0\n---\na: 1\n", "in line 1: found incompatible YAML document; delete the line that begins with %"),
        ("a: *x\n", "in line 1: found undefined alias; quote a text that begins with *"),
        ("a: !foo 1\n", "could not determine a constructor for the tag '!foo'; quote a text that begins with !"),
        (
            'a: "\\q"\n',
            "in line 1: found unknown escape character; double each backslash, or use single quotation marks",
        ),
        ("[a]: 1\n", "in line 1: found unhashable key; quote a key that begins with [ or {"),
        ("a\x00: 1\n", "control characters are not allowed; delete the character"),
    ],
)
def test_text_that_is_no_yaml_is_told_what_to_correct(text: str, says: str) -> None:
    with pytest.raises(YamlInvalid) as refused:
        parse(text)
    (error,) = refused.value.errors
    assert says in error.message
    assert "\n" not in error.message
