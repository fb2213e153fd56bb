"""Where the chart of the Dynamo operator comes from."""

# NVIDIA's own charts on NGC. A folder with charts, or a mirror such as `oci://registry/charts`, takes its place.
CHARTS = "https://helm.ngc.nvidia.com/nvidia/ai-dynamo/charts"

NAME = "dynamo-platform"


def chart(version: str, charts: str = CHARTS) -> str:
    """The chart of a version, as Helm takes it. An `oci://` reference names no file."""
    return f"{charts}/{NAME}" if charts.startswith("oci://") else f"{charts}/{NAME}-{version}.tgz"
