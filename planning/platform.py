"""Source of the Dynamo operator's chart."""

# NVIDIA's charts on NGC. A folder of charts, or a mirror such as `oci://registry/charts`, can replace it.
CHARTS = "https://helm.ngc.nvidia.com/nvidia/ai-dynamo/charts"

NAME = "dynamo-platform"


def chart(version: str, charts: str = CHARTS) -> str:
    """The chart of a version, as an argument of Helm. An `oci://` reference has no file name."""
    return f"{charts}/{NAME}" if charts.startswith("oci://") else f"{charts}/{NAME}-{version}.tgz"
