"""Source of the Dynamo operator's chart, and how it is installed."""

from dataclasses import dataclass

from planning.surroundings import PodSecurityLevel

# NVIDIA's charts on NGC. A folder of charts, or a mirror such as `oci://registry/charts`, can replace it.
CHARTS = "https://helm.ngc.nvidia.com/nvidia/ai-dynamo/charts"

NAME = "dynamo-platform"

# Pod port of the operator's admission webhook. GKE opens only 443 and 10250 from the control plane to nodes; without a
# rule for this port, every write of a graph times out.
WEBHOOK_PORT = 9443


@dataclass(frozen=True, kw_only=True)
class OperatorInstall:
    """The operator's Helm release."""

    replicas: int = 2
    """Without a running replica the webhook rejects every write of a graph. One replica leads, all answer the webhook.
    With two or more, the chart creates a PodDisruptionBudget; a second budget of ours for the same pods would block
    every eviction. Unverified: that the pinned chart version has the budget."""
    timeout_seconds: int = 900
    kept_revisions: int = 5
    pod_security: PodSecurityLevel = "baseline"
    pod_security_warning: PodSecurityLevel = "restricted"
    """The chart drops every capability and forbids root. Unverified: that all its pods set the seccomp profile that
    `restricted` requires. So `restricted` only warns."""


def chart(version: str, charts: str = CHARTS) -> str:
    """The chart of a version, as an argument of Helm. An `oci://` reference has no file name."""
    folder = charts.rstrip("/")
    return f"{folder}/{NAME}" if charts.startswith("oci://") else f"{folder}/{NAME}-{version}.tgz"
