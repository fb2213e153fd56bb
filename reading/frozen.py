"""The one way data becomes a type: frozen, camelCase on the wire, snake_case in Python, unknown keys refused."""

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Frozen(BaseModel):
    model_config = ConfigDict(
        defer_build=True,  # most are only parts of others, whose own validators nobody calls
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
        """The type from plain data as YAML or JSON gives it. Raises pydantic.ValidationError.

        By way of JSON text, whose strict reading still takes a string for an enumeration and a list for a tuple.
        """
        return cls.model_validate_json(json.dumps(plain), by_name=False, by_alias=True)

    def to_wire(self) -> dict[str, Any]:
        """Plain data with the names of the wire; what is None is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
