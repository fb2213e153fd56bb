"""What a stack may set. The contract of a stack file: frozen, camelCase, nothing unknown, strictly typed.

One file of this folder a block; what has one or two keys is here.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from catalog import versions
from catalog.defaults import default_machine
from reading.frozen import Frozen
from settings.budget import BudgetSettings
from settings.capacity import Capacity
from settings.cluster import OWN_NAMESPACE, ClusterSettings
from settings.endpoint import Endpoint
from settings.existing_cluster import PlatformMode
from settings.forms import EmailAddress, StackProject, each_once
from settings.labels import LabelKey, LabelValue, distinct_labels
from settings.location import Location
from settings.models import GraphName, ModelSettings
from settings.network import NetworkSettings
from settings.secrets import SecretsSettings


class AlertSettings(Frozen):
    emails: Annotated[tuple[EmailAddress, ...], AfterValidator(each_once)] = ()
    """Who is notified when an alert opens or closes. With none, incidents show in the console only."""


class WeightsSettings(Frozen):
    keep: bool | None = None
    """Whether the bucket of the weights is protected, and stays when the stack is destroyed; as
    `cluster.deletionProtection` unless set."""


class Versions(Frozen):
    """Dynamo's versions, of the operator and of the images. `catalog.versions` knows which can be used together."""

    platform: str = versions.DYNAMO.platform
    runtime: str = versions.DYNAMO.runtime


_ONE_GRAPH = {"chat": {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}}


class Settings(Frozen):
    """One stack, that is one environment."""

    # 16 characters: the account of the nodes is `dynamo-<stack>-nodes`, and account ids end at 30.
    stack: Annotated[
        str,
        Field(
            pattern=r"^[a-z]([-a-z0-9]{0,14}[a-z0-9])?$",
            description="1 to 16 lower-case letters, digits and dashes, the first a letter, the last no dash",
            examples=["prod"],
        ),
    ]
    project: StackProject
    location: Annotated[Location, Field(examples=[{"region": "europe-west1", "zone": "europe-west1-b"}])]
    models: Annotated[dict[GraphName, ModelSettings], Field(min_length=1, examples=[_ONE_GRAPH])]
    capacity: Capacity | None = None
    """How GPU nodes are bought; needed as soon as a layout has GPUs."""
    network: NetworkSettings = NetworkSettings()
    cluster: ClusterSettings = ClusterSettings()
    endpoint: Endpoint = Endpoint()
    secrets: SecretsSettings = SecretsSettings()
    versions: Versions = Versions()
    alerts: AlertSettings = AlertSettings()
    budget: BudgetSettings | None = None
    weights: WeightsSettings = WeightsSettings()
    preflight: bool = True
    """Whether the preflight checks, before anything is created, that Google Cloud can provide the plan."""
    labels: Annotated[dict[LabelKey, LabelValue], AfterValidator(distinct_labels)] = {}
    """On every resource that takes labels; `costCenter` becomes `cost-center`, since Google Cloud has no capitals."""
    hf_token_given: Annotated[bool, Field(alias="hfToken")] = False
    """Whether the secret `hfToken` is set. Its value is never read here."""
    renamed: dict[str, str] = {}
    """Key paths that the stack file gives by an old name, old → new. Set while loading; no key of a stack file."""

    @property
    def namespace(self) -> str:
        """Namespace of the graphs."""
        existing = self.cluster.existing
        if existing is None:
            return OWN_NAMESPACE
        return existing.namespace or f"dynamo-{self.stack}"

    @property
    def installs_platform(self) -> bool:
        """Whether the stack installs the Dynamo operator."""
        existing = self.cluster.existing
        return existing is None or existing.platform is PlatformMode.INSTALL

    @property
    def keeps_weights(self) -> bool:
        return self.cluster.deletion_protection if self.weights.keep is None else self.weights.keep

    @property
    def gpu_machine(self) -> str:
        """What engines run on unless their role says otherwise."""
        return self.capacity.machine if self.capacity else default_machine()

    @property
    def creates_gpu_pools(self) -> bool:
        """Whether GPU pools are this stack's to make, as soon as a layout has GPUs."""
        return self.cluster.existing is None or self.cluster.existing.add_gpu_pools
