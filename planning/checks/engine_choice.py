"""Checks that the engine of a deployment suits the nodes of its layout."""

from collections.abc import Iterator

from catalog.engines import engine_names
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error, Fix


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    """The error of a simulated engine on GPU nodes, or of a real engine on CPU nodes."""
    engine, layout = deployment.engine, deployment.layout_name
    if engine.simulated is not deployment.on_gpus:
        return
    why = (
        f"{engine.title} computes nothing, but layout {layout} is for GPUs"
        if engine.simulated
        else f"{engine.title} needs GPUs, but layout {layout} has none"
    )
    chosen = deployment.at("engine.name")
    yield Error(
        chosen if deployment.settings.engine.name else deployment.at("layout"),
        why,
        (
            Fix("remove it", {chosen: None}),
            *(Fix(f"use layout {name}", {deployment.at("layout"): name}) for name in deployment.layouts),
            *(Fix(f"use {name}", {chosen: name}) for name in engine_names()),
        ),
    )
