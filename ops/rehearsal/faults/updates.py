"""The faults of later updates, and what mends each."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from ops.rehearsal import nodes, pool_nodes
from ops.rehearsal.control_plane import API_SERVER_PROGRAM
from ops.rehearsal.engine.events import name_of, type_of
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.scene import Scene
from ops.rehearsal.faults.troubles import Remedy, Trouble
from ops.rehearsal.google import gke
from ops.rehearsal.kube import Kube, NotFound, Object
from ops.rehearsal.world import API_SERVER
from policies import kinds

REPLACED = (kinds.RELEASE, kinds.JOB)
"""Kinds that the next update deletes and creates again."""
RECREATED = (kinds.CONFIG_MAP, kinds.ROLE_BINDING)
"""Kinds that may be deleted to mend them. Others take something along, or keep something waiting."""
_CUT_OFF = r"connection refused|connection reset by peer|broken pipe|EOF|i/o timeout|TLS handshake timeout|http2: "
UNREACHABLE = "|".join(
    (
        # Go's HTTP client names the address.
        rf"{re.escape(API_SERVER)}[^\n]*({_CUT_OFF}|Client\.Timeout)",
        rf"unexpected error when reading response body[^\n]*({_CUT_OFF})|stream error when reading response body",
        r"client connection lost|server sent GOAWAY",
        # kubectl, Pulumi's provider and Helm in their own words.
        rf"connection to the server {re.escape(API_SERVER)} was refused",
        r"Kubernetes cluster( is)? unreachable",
        # The API server while it stops or starts: the codes 503, 429, 504 and 401, and its own words. A webhook that is
        # down gives the first one too.
        r"(?<!call webhook: )the server is currently unable to handle the request",
        r"the server has received too many requests and has asked us to try again later",
        r"the server was unable to return a response in the time allotted",
        r"the server has asked for the client to provide credentials",
        r"before all known HTTP paths have been installed",
        r"not yet ready to handle request|apiserver (is )?(not ready|shutting down)",
        # It calls a webhook on behalf of a request, which ends with it.
        r"failed calling webhook[^\n]*context canceled",
    )
)
"""What clients say of an API server that restarts, and of nothing else: a pod or an image can be not ready or
unavailable, and a Job can time out, without any fault of it."""


def two_owners(scene: Scene, doubtful: Collection[str]) -> list[Trouble]:
    """A change of every object's label. Objects whose creation's answer was lost have two owners of it.

    They are the update whose answer was lost, and the next one: the provider's field manager has another name in each
    creation. `doubtful`: URNs of objects whose creation failed, so that they may have been created.
    """
    scene.change_label()
    return [_conflict(scene, urn) for urn in sorted(doubtful) if type_of(urn) not in REPLACED]


def _conflict(scene: Scene, urn: str) -> Trouble:
    def mends() -> list[Remedy]:
        if type_of(urn) not in RECREATED:
            return [scene.take_over(urn)]
        (resource,) = [each for each in scene.stack.resources() if each["urn"] == urn]
        return [scene.kubectl(f"kubectl delete {_reference(resource['outputs'])}"), scene.refresh()]

    kind, name = type_of(urn).rpartition(":")[2], name_of(urn)
    return Trouble(
        fault=Named.LOST_ANSWER,
        says=rf'^{kind} {name}: .*Apply failed with \d+ conflicts?: conflicts? with "pulumi-kubernetes-',
        mends=mends,
        certain=urn in scene.answers.urns.values(),
    )


def _reference(outputs: Mapping[str, Any]) -> str:
    metadata = outputs["metadata"]
    where = f" -n {metadata['namespace']}" if "namespace" in metadata else ""
    return f"{outputs['kind'].lower()} {metadata['name']}{where}"


def api_server(scene: Scene) -> list[Trouble]:
    """A restart in the middle of an update of every object, which may survive it."""
    scene.change_label()
    plane = scene.cluster.plane
    before = plane.pids[API_SERVER_PROGRAM]

    def restarted() -> str:
        now = plane.pids[API_SERVER_PROGRAM]
        return f"process {now} of the API server took the place of {before}" if now != before else ""

    scene.meanwhile.once(Named.API_SERVER, "update", "$kubernetes:", plane.restart_api_server, restarted)
    return [Trouble(fault=Named.API_SERVER, says=UNREACHABLE, certain=False)]


def operator_down(scene: Scene) -> list[Trouble]:
    """An update of the graph while its webhook does not answer."""
    scene.scale_frontends()
    scene.stop_operator()
    return [
        Trouble(
            fault=Named.OPERATOR_DOWN,
            says=r"^DynamoGraphDeployment .*failed calling webhook",
            mends=lambda: [scene.start_operator()],
        )
    ]


def node_lost(scene: Scene) -> list[Trouble]:
    """An update of the graph, which survives the loss of a node: it waits until the workers run again."""
    scene.scale_frontends()
    lost = _gpu_node(scene)
    name = lost["metadata"]["name"]

    def vanished() -> str:
        return f"node {name} vanished" if _has_vanished(scene.kube, lost) else ""

    scene.meanwhile.once(Named.NODE_LOST, "update", f"${kinds.GRAPH}::", lambda: _lose_node(scene, lost), vanished)
    return []


def _gpu_node(scene: Scene) -> Object:
    found = [node for pool in scene.plan.gpu_pools for node in pool_nodes.of_pool(scene.kube, pool.name)]
    if not found:
        raise RehearsalError(f"{Named.NODE_LOST}: no GPU node exists that could vanish")
    return found[0]


def _has_vanished(kube: Kube, node: Object) -> bool:
    """Whether it is gone, or another node has its name."""
    metadata = node["metadata"]
    try:
        return kube.get("v1", "Node", metadata["name"])["metadata"]["uid"] != metadata["uid"]
    except NotFound:
        return True


def _lose_node(scene: Scene, node: Object) -> None:
    """Deletes a GPU node with its pods, which Kubernetes deletes a minute after their node."""
    metadata = node["metadata"]
    of, pool_name = kinds.NODE_POOL, metadata["labels"][nodes.NODE_POOL]
    (pool,) = [each for each in scene.cloud.resources() if each.type == of and each.state["name"] == pool_name]
    pool_nodes.delete_nodes(scene.kube, {metadata["name"]})
    if not pool.state.get("autoscaling"):  # else the simulated autoscaler adds one; GKE's instance groups both do
        pool_nodes.complete(scene.kube, pool.state, gke.zones(pool.state))
