"""Rules of flags that Dynamo adds to the workers of every engine."""

from collections.abc import Iterator

from catalog.flags import ArgumentError, json_object
from catalog.flags.given import Given, Workers
from catalog.flags.paths import why_unreadable
from reading.errors import shown

_TEMPLATE, _STRUCTURAL_TAG = "--custom-jinja-template", "--dyn-structural-tag"


def errors(given: Given, workers: Workers) -> Iterator[ArgumentError]:
    """The errors of files that pods cannot read, and of structural tags that are neither JSON nor such a file."""
    template = given.text(_TEMPLATE)
    if template is not None and (why := why_unreadable(template, workers)):
        yield given.error(_TEMPLATE, f"{shown(template)} {why}")
    tag = given.text(_STRUCTURAL_TAG)
    if tag is not None and isinstance(json_object(tag), str) and (why := why_unreadable(tag, workers)):
        yield given.error(_STRUCTURAL_TAG, f"{shown(tag)} is no JSON object, and as a file it {why}")
