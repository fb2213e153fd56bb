"""`cluster.existing`: an existing cluster that the stack uses."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from reading.frozen import Frozen
from reading.schema_rules import at_least_one
from settings.forms import CloudName

# Context names of `gcloud container clusters get-credentials`; no part has an underscore.
_GKE_CONTEXT = re.compile(r"gke_(?P<project>[^_]+)_(?P<location>[^_]+)_(?P<name>[^_]+)")


class PlatformMode(StrEnum):
    INSTALL = "install"
    """The stack installs the Dynamo operator."""
    SHARED = "shared"
    """The stack uses the cluster-wide Dynamo operator that the cluster already has, and installs none."""


class ExistingCluster(Frozen):
    """An existing cluster. The stack may add node pools but changes nothing else of the cluster."""

    model_config = ConfigDict(json_schema_extra=at_least_one({"name": "string", "context": "string"}))

    context: (
        Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z0-9][^\s]*$",
                description="a kubeconfig context: no spaces, the first a letter or digit",
                examples=["my-context"],
            ),
        ]
        | None
    ) = None
    """Kubeconfig context through which to reach the cluster; its DNS endpoint if not set."""
    name: Annotated[CloudName | None, Field(validate_default=True, examples=["my-cluster"])] = None
    """Name of the cluster, in the stack's project."""
    location: (
        Annotated[
            str,
            Field(
                pattern=r"^[a-z]+-[a-z]+[0-9]+(-(ai[0-9]+)?[a-z])?$",
                description="a region or zone, in lower case",
                examples=["europe-west1"],
            ),
        ]
        | None
    ) = None
    """Region or zone of the cluster; the stack's region if not set."""
    add_gpu_pools: bool = False
    """Whether the stack adds GPU pools; otherwise the graphs use existing GPU nodes."""
    platform: PlatformMode = PlatformMode.INSTALL
    """Who installs the Dynamo operator. A cluster can have only one, so its second stack sets `shared`."""
    # 32 characters, because the operator labels pods with `<namespace>-<graph>`, limited to 63.
    namespace: (
        Annotated[
            str,
            Field(
                pattern=r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$",
                description="1 to 32 lower-case letters, digits and dashes, the first a letter, the last no dash",
                examples=["dynamo-prod"],
            ),
        ]
        | None
    ) = None
    """Namespace of the graphs, `dynamo-<stack>` if not set. Names of cluster-scoped objects begin with it."""

    @field_validator("name")
    @classmethod
    def _has_a_name_or_a_context(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is None and "context" in info.data and not info.data["context"]:
            raise ValueError(
                "is required unless cluster.existing.context is set: one of the two identifies the cluster"
            )
        return name

    @field_validator("add_gpu_pools")
    @classmethod
    def _pools_need_a_name(cls, add: bool, info: ValidationInfo) -> bool:
        context: str | None = info.data.get("context")
        if add and context and not info.data.get("name", "invalid") and not _GKE_CONTEXT.fullmatch(context):
            raise ValueError(
                "needs cluster.existing.name: the context does not contain the name of the cluster that gets the pools"
            )
        return add

    @property
    def from_context(self) -> dict[str, str]:
        """`project`, `location` and `name` from a context name of gcloud's form; empty for other names."""
        match = _GKE_CONTEXT.fullmatch(self.context or "")
        return match.groupdict() if match else {}
