"""Reads plain blocks as Settings: the result as far as possible, and every schema error."""

from collections.abc import Mapping
from typing import Any

from reading import loader
from settings.schema import Settings

# Stand-ins for missing required blocks while the rest is checked. A missing block is always an error as well.
_STAND_INS: dict[str, Any] = {
    "project": "stand-in",
    "stack": "stand-in",
    "location": {"region": "us-central1", "zone": "us-central1-b"},
}


def read(raw: Mapping[str, Any]) -> loader.Reading[Settings]:
    """Reads `raw` as Settings and finds every schema error. A misspelled key does not hide errors of other keys.

    The result is None if no valid deployment is left.
    """
    return loader.read(Settings, raw, _STAND_INS)
