"""Plain blocks → Settings: what could be read, and every error of shape."""

from collections.abc import Mapping
from typing import Any

from reading import loader
from settings.schema import Settings

# Stands in for a required block while the rest is checked. Never returned: its absence is an error.
_STAND_INS: dict[str, Any] = {
    "project": "stand-in",
    "stack": "stand-in",
    "location": {"region": "us-central1", "zone": "us-central1-b"},
}


def read(raw: Mapping[str, Any]) -> loader.Reading[Settings]:
    """The settings in `raw` and every error of shape, so that one misspelt key does not hide a model that does not fit.

    There is no result where no deployment is left to look at.
    """
    return loader.read(Settings, raw, _STAND_INS)
