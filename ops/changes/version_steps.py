"""Updates of Dynamo that skip minor versions, which NVIDIA does not support. Pure."""

from collections.abc import Mapping
from typing import Any

from catalog import releases
from ops.changes.previewed import Registered
from policies import kinds


def skipped(part: str, was: str, becomes: str) -> str:
    """Why a change of `versions.<part>` is not supported, with the releases to set in order; empty if it is."""
    if not (releases.is_release(was) and releases.is_release(becomes)):
        return ""
    steps = releases.steps(was, becomes)
    if not steps:
        return ""
    return (
        f"versions.{part}: from {was} to {becomes} skips minor versions, but NVIDIA supports changes only to the next "
        f"or the previous one; set {', then '.join(steps)}, each with an update of its own"
    )


def of_platform(old: Registered, target: Mapping[str, Any]) -> str:
    """The same for an update of the operator's chart; empty for any other resource."""
    if old.type != kinds.RELEASE:
        return ""
    return skipped("platform", str(old.inputs.get("version")), str(target.get("version")))


def of_runtime(old: Registered, target: Mapping[str, Any]) -> str:
    """The same for an update of a graph's images; empty for any other resource."""
    if old.type != kinds.GRAPH:
        return ""
    return skipped("runtime", _tag(old.inputs), _tag(target))


def _tag(graph: Mapping[str, Any]) -> str:
    """The tag of a graph's images, which is the same for all; empty where a preview does not know it."""
    try:
        return str(graph["spec"]["components"][0]["podTemplate"]["spec"]["containers"][0]["image"]).rpartition(":")[2]
    except (KeyError, IndexError, TypeError):
        return ""
