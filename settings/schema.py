"""`Settings`: the schema of a stack file. Immutable, camelCase, strictly typed, no unknown keys.

Each block has its own file in this folder, except blocks of one or two keys, which are here.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from catalog.defaults import default_machine
from reading.frozen import Frozen
from settings.budget import BudgetSettings
from settings.capacity import Capacity
from settings.cluster import OWN_NAMESPACE, ClusterSettings
from settings.endpoint import Endpoint
from settings.existing_cluster import PlatformMode
from settings.forms import EmailAddresses, StackProject
from settings.labels import LabelKey, LabelValue, distinct_labels
from settings.location import Location
from settings.models import GraphName, ModelSettings
from settings.network import NetworkSettings
from settings.secrets import SecretsSettings
from settings.versions import Versions


class AlertSettings(Frozen):
    emails: EmailAddresses = ()
    """Addresses notified when an alert opens or closes. Without any, incidents appear only in the console."""


class WeightsSettings(Frozen):
    keep: bool | None = None
    """Whether the weights bucket is protected and survives destruction of the stack; the value of
    `cluster.deletionProtection` if not set."""


_ONE_GRAPH = {"chat": {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}}


class Settings(Frozen):
    """Settings of one stack, which is one environment."""

    # 16 characters, because the nodes' service account is `dynamo-<stack>-nodes`, limited to 30.
    stack: Annotated[
        str,
        Field(
            pattern=r"^[a-z]([-a-z0-9]{0,14}[a-z0-9])?$",
            description="1 to 16 lower-case letters, digits and dashes, the first a letter, the last no dash",
            examples=["prod"],
        ),
    ]
    project: StackProject
    """The project that everything is created in."""
    location: Annotated[Location, Field(examples=[{"region": "europe-west1", "zone": "europe-west1-b"}])]
    """Region of the cluster, and zone of its GPU nodes."""
    models: Annotated[dict[GraphName, ModelSettings], Field(min_length=1, examples=[_ONE_GRAPH])]
    """The deployments, one graph each. The key is the deployment's name, and that of its graph."""
    capacity: Capacity | None = None
    """How GPU nodes are bought; required if a layout has GPUs."""
    network: NetworkSettings = Field(default_factory=NetworkSettings)
    """How a node's RDMA NICs reach the worker pods, the IP ranges, or an existing VPC."""
    cluster: ClusterSettings = Field(default_factory=ClusterSettings)
    """The GKE cluster and its CPU nodes, or an existing cluster."""
    endpoint: Endpoint = Field(default_factory=Endpoint)
    """How clients reach the deployments."""
    secrets: SecretsSettings = Field(default_factory=SecretsSettings)
    """Where the token for gated models is kept."""
    versions: Versions = Field(default_factory=Versions)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    """Who is notified when an alert opens or closes."""
    budget: BudgetSettings | None = None
    """Max cost per month, and who is notified. The deploying account needs a role on the billing account."""
    weights: WeightsSettings = Field(default_factory=WeightsSettings)
    """What happens to the weights when the stack is destroyed."""
    preflight: bool = True
    """Whether the preflight checks that Google Cloud can provide the plan, before anything is created."""
    labels: Annotated[dict[LabelKey, LabelValue], AfterValidator(distinct_labels)] = {}
    """Labels of every resource that supports them. `costCenter` becomes `cost-center`, as Google Cloud requires."""
    hf_token_given: Annotated[bool, Field(alias="hfToken")] = False
    """Whether the secret `hfToken` is set. Its value is never read here."""
    renamed: dict[str, str] = {}
    """Key paths that the stack file gives by an old name, old → new. Set by the loader; no key of a stack file."""

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
        """Machine type of engines whose role sets none."""
        return self.capacity.machine if self.capacity else default_machine()

    @property
    def creates_gpu_pools(self) -> bool:
        """Whether the stack creates GPU pools, if a layout has GPUs."""
        return self.cluster.existing is None or self.cluster.existing.add_gpu_pools
