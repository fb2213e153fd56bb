"""Reading the data files of this package: one YAML file an entry, named after it."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent

# The C parser reads a card in a tenth of the time; wheels without it fall back to the pure one.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def names(folder: str) -> tuple[str, ...]:
    """The entries of a data folder, sorted: `names("models")`."""
    return tuple(sorted(path.stem for path in (HERE / folder).glob("*.yaml")))


def read(folder: str, name: str) -> dict[str, Any]:
    """One entry as plain data. Raises FileNotFoundError for a name that is not in `names(folder)`."""
    return parse((HERE / folder / f"{name}.yaml").read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, Any]:
    """The text of an entry as plain data."""
    return yaml.load(text, Loader=_LOADER)
