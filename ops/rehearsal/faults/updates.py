"""The faults of later updates, and what mends each."""

from collections.abc import Collection, Mapping
from typing import Any

from ops.rehearsal import pool_nodes
from ops.rehearsal.engine.events import name_of, type_of
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.scene import Scene
from ops.rehearsal.faults.troubles import Remedy, Trouble
from ops.rehearsal.google import gke
from policies import kinds

REPLACED = (kinds.RELEASE, kinds.JOB)
"""Kinds that the next update deletes and creates again."""
RECREATED = (kinds.CONFIG_MAP, kinds.ROLE_BINDING)
"""Kinds that may be deleted to mend them. Others take something along, or keep something waiting."""
UNREACHABLE = (
    r"connection re(fused|set)|\bEOF\b|unreachable|unavailable|timed out|deadline exceeded|i/o timeout|http2: |"
    r"not ready|the server (has asked|was unable|is currently)|failed calling webhook"
)
"""What clients say of an API server that restarts."""


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
    scene.once("update", "$kubernetes:", scene.cluster.plane.restart_api_server)
    return [Trouble(fault=Named.API_SERVER, says=UNREACHABLE, certain=False)]


def operator_down(scene: Scene) -> list[Trouble]:
    """An update of the graph while its webhook does not answer."""
    scene.scale_frontends(1)
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
    scene.scale_frontends(2)
    scene.once("update", f"${kinds.GRAPH}::", lambda: _lose_node(scene))
    return []


def _lose_node(scene: Scene) -> None:
    """Deletes a GPU node with its pods, which Kubernetes deletes a minute after their node."""
    (pool,) = [each for each in scene.cloud.resources() if each.state.get("name") == scene.gpu_pool]
    lost = pool_nodes.of_pool(scene.kube, scene.gpu_pool)[0]["metadata"]
    pool_nodes.delete_nodes(scene.kube, {lost["name"]})
    if not pool.state.get("autoscaling"):  # else the simulated autoscaler adds one; GKE's instance groups both do
        pool_nodes.create_node(scene.kube, pool.state, gke.zones(pool.state)[0], 0)
