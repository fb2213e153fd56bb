"""What GKE does in the simulated cluster when a cluster or a node pool is created, changed or deleted.

Not shown: time, surge upgrades (all nodes of a pool are recreated at once), repair, GKE's system pods.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ops.rehearsal import nodes, pool_nodes
from ops.rehearsal.every_object import every_object
from ops.rehearsal.google import etcd
from ops.rehearsal.google.changes import Change, changes, covered
from ops.rehearsal.google.cloud import Resource
from ops.rehearsal.google.operations import ERROR
from ops.rehearsal.kube import Kube
from ops.rehearsal.platform import crds
from ops.rehearsal.world import World
from policies import kinds

# Updates of a pool in place for which GKE recreates its nodes (GKE's page on changes that do; calls of the provider's
# node_config.go and resource_container_node_pool.go). Not shared with the forecasts, which rehearsals judge.
_RECREATE = (
    "networkConfig.enablePrivateNodes",
    "networkConfig.networkPerformanceConfig",
    "nodeConfig.bootDisk",
    "nodeConfig.confidentialNodes",
    "nodeConfig.containerdConfig",
    "nodeConfig.diskSizeGb",
    "nodeConfig.diskType",
    "nodeConfig.fastSocket",
    "nodeConfig.gcfsConfig",
    "nodeConfig.gvnic",
    "nodeConfig.imageType",
    "nodeConfig.kubeletConfig",
    "nodeConfig.linuxNodeConfig",
    "nodeConfig.loggingVariant",
    "nodeConfig.machineType",
    "nodeConfig.nodeImageConfigs",
    "nodeConfig.storagePools",
    "nodeConfig.windowsNodeConfig",
    "nodeConfig.workloadMetadataConfig",
    "version",
)
_IDENTITY = ("apiVersion", "kind", "metadata")
_OF_A_REGION = "bcd"
"""Letters of the three zones in which GKE puts a pool of a regional cluster. The real ones differ by region."""


class Gke:
    def __init__(self, world: World) -> None:
        self._world = world
        self._kube = Kube(world.kubeconfig)
        # Keys of the objects that exist without a cluster of the stack: the control plane's own.
        self._baseline = world.folder / "objects-before-the-cluster.json"

    def created(self, resource: Resource) -> None:
        if resource.type == kinds.CLUSTER:
            self._baseline.write_text(json.dumps(sorted(etcd.keys())))
            pool_nodes.create_classes(self._kube)
            for definition in crds.gke():
                self._kube.apply(definition)
        elif resource.type == kinds.NODE_POOL and resource.status != ERROR:
            for zone in zones(resource.state):
                pool_nodes.create_pool(self._kube, resource.state, zone)

    def updated(self, before: Mapping[str, Any], resource: Resource) -> None:
        """Nodes of a pool after an update in place: as many, new ones where GKE recreates them."""
        if resource.type != kinds.NODE_POOL or resource.status == ERROR:
            return
        found = changes(resource.type, before, resource.state, {})
        existing = {node["metadata"]["name"] for node in pool_nodes.of_pool(self._kube, resource.state["name"])}
        wanted = _wanted(before, resource.state, existing)
        gone = existing if _recreates(found) else existing - wanted.keys()
        pool_nodes.delete_nodes(self._kube, gone)
        for zone, number in wanted.values():
            pool_nodes.create_node(self._kube, resource.state, zone, number)

    def deleted(self, gone: Sequence[Resource]) -> None:
        """The cluster after resources are gone. A deleted cluster takes its objects with it, which are noted."""
        if any(resource.type == kinds.CLUSTER for resource in gone):
            lost = [{key: each[key] for key in _IDENTITY} for each in every_object(self._kube)]
            self._world.deleted_with_cluster.write_text(json.dumps(lost))
            etcd.delete(etcd.keys() - set(json.loads(self._baseline.read_text())))
            return
        for resource in gone:
            if resource.type == kinds.NODE_POOL:
                pool_nodes.delete_pool(self._kube, resource.state["name"])


def zones(pool: Mapping[str, Any]) -> list[str]:
    """The zones of a pool: its own, or those of its cluster's location."""
    location = str(pool.get("location") or pool["cluster"].split("/")[3])
    return pool.get("nodeLocations") or ([location] if is_zone(location) else [f"{location}-{z}" for z in _OF_A_REGION])


def is_zone(location: str) -> bool:
    return bool(re.search(r"-[a-z]$", location))


def _wanted(before: Mapping[str, Any], pool: Mapping[str, Any], existing: set[str]) -> dict[str, tuple[str, int]]:
    """Name → zone and number of each node that a pool has after an update.

    A pool of fixed size has the nodes of its count. A scaled pool keeps the nodes that the autoscaler left; in a new
    zone it starts with its initial count.
    """
    wanted: dict[str, tuple[str, int]] = {}
    for zone in zones(pool):
        first = nodes.first_nodes(pool)
        numbered = {nodes.node(pool, zone, n)["metadata"]["name"]: n for n in range(max(first, len(existing)))}
        scaled = pool.get("autoscaling") and zone in zones(before)
        kept = {name: n for name, n in numbered.items() if (name in existing if scaled else n < first)}
        wanted |= {name: (zone, number) for name, number in kept.items()}
    return wanted


def _recreates(found: Sequence[Change]) -> bool:
    return any(covered(change.path, _RECREATE) for change in found)
