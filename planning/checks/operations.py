"""Checks deletion protection, alerts and Binary Authorization of a stack."""

from collections.abc import Iterator

from planning.resolve import ResolvedStack


def warnings(stack: ResolvedStack) -> Iterator[str]:
    settings = stack.settings
    if stack.own_gpu_pools and not settings.cluster.deletion_protection:
        weights = "" if settings.keeps_weights else " and deletes the weights; weights.keep: true keeps those"
        yield f"cluster.deletionProtection: off, so one `pulumi destroy` releases the GPU nodes{weights}"
    if stack.own_gpu_pools and not settings.alerts.emails:
        yield "alerts.emails: none, so alerts open incidents in the console and nobody is notified"
    if settings.cluster.binary_authorization:
        yield (
            "cluster.binaryAuthorization: on, so the project's policy must admit images of "
            "nvcr.io, us-docker.pkg.dev/gce-ai-infra and gke.gcr.io; otherwise no pod of Dynamo or GKE starts"
        )
