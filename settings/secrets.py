"""`secrets`: where the token for gated models is kept."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from reading.frozen import Frozen
from reading.schema_rules import when


class SecretStore(StrEnum):
    KUBERNETES = "kubernetes"
    """A Secret of the cluster, written from the config's `hfToken`."""
    SECRET_MANAGER = "secretManager"
    """Google's Secret Manager, from which GKE creates and updates the Secret."""


class SecretsSettings(Frozen):
    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                when("store", SecretStore.SECRET_MANAGER.value, {}, {"properties": {"hfToken": {"type": "null"}}}),
            ]
        }
    )

    store: SecretStore = SecretStore.KUBERNETES
    """Who holds the token."""
    hf_token: (
        Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z0-9_-]{1,255}$",
                description="a secret's name: 1 to 255 letters, digits, dashes and underscores",
                examples=["hf-token"],
            ),
        ]
        | None
    ) = None
    """Name of an existing secret in the project. The token then never passes through Pulumi."""

    @field_validator("hf_token")
    @classmethod
    def _names_a_secret(cls, name: str | None, info: ValidationInfo) -> str | None:
        store: SecretStore | None = info.data.get("store")
        if name and store is SecretStore.KUBERNETES:
            raise ValueError(
                f"names a secret of Secret Manager, which store {store} does not read; set store to secretManager"
            )
        return name
