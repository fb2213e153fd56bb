"""`endpoint`: how clients reach the deployments."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator

from reading.frozen import Frozen
from reading.schema_rules import when
from settings import client_ranges
from settings.forms import CLIENT_RANGE


class Exposure(StrEnum):
    NONE = "none"
    """Reachable only inside the cluster."""
    INTERNAL = "internal"
    """An internal load balancer with an address of the node subnet."""
    GATEWAY = "gateway"
    """A public load balancer with TLS, only for the listed clients."""


def _client_range(cidr: str) -> str:
    if error := client_ranges.range_error(cidr):
        raise ValueError(error)
    return cidr


def _client_ranges(cidrs: tuple[str, ...]) -> tuple[str, ...]:
    if error := client_ranges.share_error(cidrs):
        raise ValueError(error)
    return cidrs


ClientRange = Annotated[str, AfterValidator(_client_range), Field(json_schema_extra={**CLIENT_RANGE})]

# The same rules as those of the validators below, for editors.
_GATEWAY = {
    "required": ["domain", "allowedCidrs"],
    "properties": {"domain": {"type": "string"}, "allowedCidrs": {"minItems": 1}, "globalAccess": {"const": False}},
}
_NO_GATEWAY = {"properties": {"domain": {"type": "null"}, "allowedCidrs": {"maxItems": 0}}}
_NO_LOAD_BALANCER = {"properties": {"globalAccess": {"const": False}}}


class Endpoint(Frozen):
    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                when("exposure", Exposure.GATEWAY.value, _GATEWAY, _NO_GATEWAY),
                when("exposure", Exposure.NONE.value, _NO_LOAD_BALANCER),
            ]
        }
    )

    exposure: Exposure = Exposure.INTERNAL
    """From where the deployments can be reached."""
    domain: Annotated[
        Annotated[
            str,
            Field(
                pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$",
                description="a domain name in lower case, without scheme or path",
                examples=["llm.example.com"],
            ),
        ]
        | None,
        Field(validate_default=True),
    ] = None
    """Domain of the graphs, `https://<graph>.<domain>`. The certificate covers all names under it."""
    allowed_cidrs: Annotated[tuple[ClientRange, ...], AfterValidator(_client_ranges), Field(validate_default=True)] = ()
    """Public address ranges of clients, together no larger than a /8. All other clients are rejected."""
    global_access: bool = False
    """Whether clients in other regions can reach the internal load balancer. Google's default is its region only."""

    @field_validator("domain", "allowed_cidrs")
    @classmethod
    def _only_with_a_gateway(cls, value: object, info: ValidationInfo) -> object:
        exposure: Exposure | None = info.data.get("exposure")
        if exposure is Exposure.GATEWAY and not value:
            why = {
                "domain": "the certificate is for it; such as llm.example.com",
                "allowed_cidrs": "only these clients are admitted; such as [203.0.113.0/24]",
            }
            raise ValueError(f"is required with exposure gateway: {why[str(info.field_name)]}")
        if exposure and exposure is not Exposure.GATEWAY and value:
            raise ValueError(f"has no effect with exposure {exposure}; it belongs to exposure gateway")
        return value

    @field_validator("global_access")
    @classmethod
    def _only_with_an_internal_load_balancer(cls, value: bool, info: ValidationInfo) -> bool:
        exposure: Exposure | None = info.data.get("exposure")
        if value and exposure and exposure is not Exposure.INTERNAL:
            raise ValueError(f"has no effect with exposure {exposure}; it belongs to exposure internal")
        return value
