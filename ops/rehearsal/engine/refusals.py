"""Why the program refused the rehearsed stack, by the settings that its error names. Pure."""

import re
from collections.abc import Iterable

from reading.errors import Error
from settings.schema import Settings

_KEYS = [field.alias or name for name, field in Settings.model_fields.items()]
_OF_SETTING = re.compile(rf"\s*(?P<path>(?:gcp:project|{'|'.join(_KEYS)})(?:[.\[]\S*)?): (?P<message>.*)")


def errors(messages: Iterable[str]) -> tuple[Error, ...]:
    """The lines that name a setting, each once: the preflight's. None if the program failed for another reason."""
    found = (_OF_SETTING.fullmatch(line) for message in messages for line in message.splitlines())
    return tuple(dict.fromkeys(Error(match["path"], match["message"]) for match in found if match))
