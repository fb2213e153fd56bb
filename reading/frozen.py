"""`Frozen`, the base of types read from data: immutable, camelCase in files, snake_case in Python, no extra keys."""

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Frozen(BaseModel):
    model_config = ConfigDict(
        defer_build=True,  # most types are only parts of others, and nobody calls their validators directly
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    @classmethod
    def from_wire(cls, plain: Any) -> Self:
        """The type from parsed YAML or JSON. Raises pydantic.ValidationError.

        Converts to JSON first, because pydantic's strict JSON mode accepts a string as an enum and a list as a tuple.
        """
        return cls.model_validate_json(json.dumps(plain), by_name=False, by_alias=True)

    def to_wire(self) -> dict[str, Any]:
        """Plain data with the keys of the file, without None values."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
