"""The GKE cluster of a stack, its own or an existing one, and how to reach it."""

import shlex
from dataclasses import dataclass

from planning import names
from settings.schema import Settings


@dataclass(frozen=True, kw_only=True)
class ClusterRef:
    """Identity of a cluster as the settings give it, without calls to any cloud."""

    project: str
    location: str
    """The cluster's region or zone."""
    name: str | None
    """Name of the cluster; None if only a context identifies the cluster and does not contain its name."""
    given_context: str | None
    """The kubeconfig context that the stack names; None to use the DNS endpoint."""
    existing: bool

    @property
    def context(self) -> str:
        """The kubeconfig context for commands: the stack's, or the one that `login` writes."""
        return self.given_context or f"gke_{self.project}_{self.location}_{self.name}"

    @property
    def identifier(self) -> str:
        """A unique identifier of the cluster that does not change with its endpoint."""
        if self.name is None:
            return f"contexts/{self.given_context}"
        return names.cluster_identifier(self.project, self.location, self.name)

    @property
    def login(self) -> str:
        """The command that makes `context` usable."""
        if self.given_context:
            return f"kubectl config use-context {shlex.quote(self.given_context)}"
        return (
            f"gcloud container clusters get-credentials {self.name} --location {self.location} "
            f"--project {self.project} --dns-endpoint"
        )


def cluster_ref(settings: Settings) -> ClusterRef:
    existing = settings.cluster.existing
    if existing is None:
        return ClusterRef(
            project=settings.project,
            location=settings.location.region,
            name=names.cluster(settings.stack),
            given_context=None,
            existing=False,
        )
    named = existing.from_context
    return ClusterRef(
        project=settings.project,
        location=existing.location or named.get("location", settings.location.region),
        name=existing.name or named.get("name"),
        given_context=existing.context,
        existing=True,
    )
