"""Checks the roles of a deployment: overrides, autoscaling and restarts."""

from collections.abc import Iterator

from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error
from settings.cluster import ReleaseChannel


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    settings, layout = deployment.settings, deployment.layout
    missing = f"it has {' and '.join(layout.roles)}; remove it"
    for role in settings.overrides:
        if role not in layout.roles:
            yield Error(deployment.at(role), f"layout {deployment.layout_name} has no {role} role; {missing}")
    for role in settings.autoscaling.ranges:
        where = deployment.at("autoscaling", role)
        override = settings.overrides.get(role)
        if role not in layout.roles:
            yield Error(where, f"layout {deployment.layout_name} has no {role} role; {missing}")
        elif deployment.simulated:
            yield Error(
                where,
                "simulated engines have no queue and no KV cache to scale by; remove it, or set "
                f"{deployment.at('layout')} to one with GPUs",
            )
        elif role not in deployment.engine.metrics.scaling:
            yield Error(where, f"{deployment.engine.title} has no metric to scale {role} by; remove it")
        elif override and override.replicas is not None:
            yield Error(
                deployment.at(role, "replicas"),
                f"is set by the autoscaler while autoscaling.{role} is set; remove one of the two",
            )


def deployment_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    if not deployment.simulated:
        return
    for role, override in deployment.settings.overrides.items():
        for key in ("tensorParallel", "drainSeconds", "machine"):
            if key in override.to_wire():
                yield f"{deployment.at(role, key)}: has no effect on simulated engines"


def autoscaling_warnings(stack: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    channel = stack.settings.cluster.release_channel
    if deployment.settings.autoscaling.ranges and not deployment.simulated and channel is not ReleaseChannel.RAPID:
        yield (
            f"{deployment.at('autoscaling')}: scales by the pods' own metrics, which GKE documents for channel "
            f"rapid only (autoscaling.gke.io, a preview feature); in {channel} it may never scale: `kubectl describe "
            "hpa` tells"
        )


def restart_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    if not deployment.simulated and any(role.replicas == 1 for role in deployment.roles.values()):
        drain = max(role.drain_seconds for role in deployment.roles.values())
        yield (
            f"{deployment.path}: a role with one engine and no spare node is down while an update of the workers "
            f"drains the old one ({drain} s, drainSeconds) and loads the model"
        )
