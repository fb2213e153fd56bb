"""Checks settings that contradict an existing cluster, and warns of requirements that preview cannot check."""

from collections.abc import Iterator

from catalog import locations, versions
from catalog.machines import driver_order
from planning import names
from planning.cluster import cluster_ref
from planning.platform import WEBHOOK_PORT
from planning.resolve import ResolvedStack
from reading.errors import Error, join
from settings.existing_cluster import ExistingCluster
from settings.schema import Settings

# Cluster settings that still apply to the added pools; the cluster already has the others.
_WITH_AN_EXISTING_CLUSTER = {"existing", "deletion_protection"}


def errors(stack: ResolvedStack) -> Iterator[Error]:
    settings = stack.settings
    cluster, existing = settings.cluster, settings.cluster.existing
    if existing is None:
        return
    for name in sorted(cluster.model_fields_set - _WITH_AN_EXISTING_CLUSTER):
        yield Error(
            join("cluster", type(cluster).model_fields[name].alias or name),
            "has no effect on an existing cluster; remove it, or cluster.existing",
        )
    yield from _reserved_namespace(settings)
    yield from _other_clusters(settings, existing)
    if settings.network.existing:
        yield Error(
            "network.existing",
            "contradicts cluster.existing, which already has a network; remove one of the two",
        )


def warnings(stack: ResolvedStack) -> Iterator[str]:
    """Requirements of an existing cluster that preview cannot check."""
    settings = stack.settings
    if settings.cluster.existing is None:
        return
    yield (
        f"cluster.existing: the control plane must reach its nodes on tcp {WEBHOOK_PORT}, or every write of a graph "
        "times out; see docs/adopt.md"
    )
    if cluster_ref(settings).name is None:
        yield (
            "cluster.existing.context: does not contain the cluster's GKE name, so no dashboard or alerts are created; "
            "set cluster.existing.name before the first `pulumi up` (later it replaces every object)"
        )
    if stack.gpu_pools and not settings.creates_gpu_pools:
        yield from _existing_gpu_nodes(stack)


def _existing_gpu_nodes(stack: ResolvedStack) -> Iterator[str]:
    for machine in stack.machines:
        pools = [pool for pool in stack.gpu_pools if pool.machine == machine]
        nodes, scaled_up = sum(pool.nodes for pool in pools), sum(pool.max_nodes for pool in pools)
        count = f"{nodes}" if nodes == scaled_up else f"{nodes} (scaled up: {scaled_up})"
        rdma = pools[0].rdma
        wired = f", set up for network.rdma {rdma}" if rdma.carries else ""
        yield f"cluster.existing: the stack adds no GPU pool, so the cluster needs {count} free {machine.name}{wired}"
    newer = [machine.min_driver for machine in stack.machines if machine.min_driver]
    oldest = max([versions.dynamo().oldest_driver, *newer], key=driver_order)
    why = f"the CUDA 13 of runtime {stack.settings.versions.runtime} needs" if not newer else "its GPUs need"
    yield (
        f"cluster.existing: its GPU nodes must run NVIDIA driver {oldest} or newer, as {why}; "
        "engines fail to start on older ones. `kubectl exec "
        "POD-WITH-A-GPU -- nvidia-smi --query-gpu "
        "driver_version --format csv` prints it; docs/adopt.md has the rest"
    )


def _reserved_namespace(settings: Settings) -> Iterator[Error]:
    """The error of a namespace that Kubernetes, GKE or another stack's operator uses."""
    name = settings.namespace
    if name.endswith(names.platform_namespace("")):
        why = "namespaces that end in -system belong to operators, such as another stack's"
    elif name == "default" or name.startswith(("kube-", "gke-", "gmp-")):
        why = "the cluster itself uses it"
    else:
        return
    yield Error(
        "cluster.existing.namespace",
        f"{name} cannot be used: {why}; use another, such as {f'dynamo-{settings.stack}'.removesuffix('-system')}-llm",
    )


def _other_clusters(settings: Settings, existing: ExistingCluster) -> Iterator[Error]:
    """Errors of a context, name, project and region that belong to different clusters."""
    named = existing.from_context
    if named and named["project"] != settings.project:
        yield Error(
            "cluster.existing.context",
            f"is in project {named['project']}, but the stack is in {settings.project} and looks there for metrics, "
            f"addresses and identities; set gcp:project to {named['project']}, or name a context of "
            f"{settings.project}",
        )
    if named and existing.name not in (None, named["name"]):
        yield Error(
            "cluster.existing.name",
            f"{existing.name} is not the cluster of cluster.existing.context, {named['name']}: pools and "
            "graphs would go to different clusters; remove one of the two",
        )
    location, region = cluster_ref(settings).location, settings.location.region
    if named and existing.location not in (None, named["location"]):
        yield Error(
            "cluster.existing.location",
            f"{existing.location} is not the location in cluster.existing.context, {named['location']}; remove it",
        )
    elif location != region and not location.startswith(f"{region}-"):
        yield Error(
            "cluster.existing.location",
            f"{location} is not in region {region}, where the stack creates bucket, addresses and pools; set location "
            "to the cluster's region and one of its zones",
        )
    elif location not in (region, *locations.known().zones_of(region)) and not settings.location.allow_unlisted:
        yield Error(
            "cluster.existing.location",
            f"{location} is not among the zones of {region}: {', '.join(locations.known().zones_of(region))}"
            f"{locations.unlisted()}",
        )
