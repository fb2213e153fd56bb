"""The dev stack's graph as `pulumi up` would send it, with as many workers as a test wants."""

import copy
import functools
from collections.abc import Sequence
from typing import Any

from manifests.graph import NO_ADMIN_API, build
from ops.offline import stackfile
from planning.load import load
from planning.plan import plan
from planning.pod_sizes import MIGRATION_LIMIT

MODEL = "qwen3-0.6b"


@functools.cache
def _rendered() -> dict[str, Any]:
    planned = plan(load(stackfile.read(stackfile.project_root(), "dev")))
    return build(planned.graphs[0], planned.labels).to_wire()


def simulated_graph(
    prefill: int = 1,
    decode: int = 1,
    worker_args: Sequence[str] = (),
    migration_limit: int = MIGRATION_LIMIT,
    *,
    admin_api: bool = False,
) -> dict[str, Any]:
    """The rendered graph with so many replicas; a role with none is left out, which no stack file could ask for.

    `admin_api` leaves the frontend as Dynamo would have it.
    """
    graph = copy.deepcopy(_rendered())
    replicas = {"frontend": 1, "prefill": prefill, "decode": decode}
    components = [component for component in graph["spec"]["components"] if replicas[component["name"]]]
    for component in components:
        component["replicas"] = replicas[component["name"]]
        if component["type"] == "frontend":
            args = container(component)["args"]
            args[args.index("--migration-limit") + 1] = str(migration_limit)
            if admin_api:
                env = container(component)["env"]
                container(component)["env"] = [variable for variable in env if variable["name"] not in NO_ADMIN_API]
        else:
            container(component)["args"] += worker_args
    graph["spec"]["components"] = components
    return graph


def container(component: dict[str, Any]) -> dict[str, Any]:
    """The component's one container, main."""
    return component["podTemplate"]["spec"]["containers"][0]


def flag_values(args: Sequence[str]) -> dict[str, str]:
    """Flag → value; a flag that stands alone has none."""
    followers = [*args[1:], "--"]
    return {
        flag: "" if value.startswith("--") else value
        for flag, value in zip(args, followers, strict=True)
        if flag.startswith("--")
    }
