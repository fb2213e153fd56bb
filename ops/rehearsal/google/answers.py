"""Answers of the simulated Google Cloud to the program's lookups.

What the stack itself may have created comes from the simulation, and the rest, which exists before any stack, from the
canned answers of dry runs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pulumi.runtime.mocks import MockCallArgs

from ops.offline import stackfile
from ops.offline.canned_answers import GET_CLUSTER, Canned
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.google.operations import ApiError
from ops.rehearsal.world import World
from policies import kinds
from settings.stack_config import StackConfig


def answer(world: World, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ApiError for something that does not exist, KeyError for a lookup that the program does not make."""
    cloud = Cloud(world.cloud)
    match token:
        case "gcp:container/getCluster:getCluster":
            name = f"projects/{args['project']}/locations/{args['location']}/clusters/{args['name']}"
            return _cluster(cloud, name)
        case "gcp:storage/getBucket:getBucket":
            return {"location": _state(cloud, kinds.BUCKET, args["name"])["location"]}
        case "gcp:organizations/getClientConfig:getClientConfig":
            return {"accessToken": access_token(world)}
        case _:
            call = MockCallArgs(token=token, args=dict(args), provider="")
            return Canned(stack_config(world.project))(call)


def access_token(world: World) -> str:
    """A token that the simulated cluster accepts, as it accepts those of a Google identity; empty without a cluster."""
    if not world.kubeconfig.exists():
        return ""
    users = yaml.safe_load(world.kubeconfig.read_text(encoding="utf-8"))["users"]
    token: str = users[0]["user"]["token"]
    return token


def stack_config(project: Path) -> StackConfig | None:
    """The config of the stack in rehearsal, whose reservations, quotas and machine types exist as it needs them.

    None without one; of several, the one that was written last.
    """
    files = sorted(project.glob("Pulumi.*.yaml"), key=lambda file: file.stat().st_mtime)
    return stackfile.read(project, files[-1].name.split(".")[1], ()) if files else None


def _state(cloud: Cloud, type_: str, id_: str) -> Mapping[str, Any]:
    if not (found := cloud.find(type_, id_)):
        raise ApiError(f"googleapi: Error 404: Not found: {id_}., notFound")
    return found.state


def _cluster(cloud: Cloud, id_: str) -> dict[str, Any]:
    """A cluster of the stack, with its pools; blocks are lists in answers."""
    state = _state(cloud, kinds.CLUSTER, id_)
    pools = [other for other in cloud.resources() if other.type == kinds.NODE_POOL and other.state["cluster"] == id_]
    return {
        **Canned.__call__(Canned(), MockCallArgs(token=GET_CLUSTER, args={"project": state["project"]}, provider="")),
        "name": state["name"],
        "masterVersion": state["masterVersion"],
        "subnetwork": state["subnetwork"],
        "controlPlaneEndpointsConfigs": [
            {"dnsEndpointConfigs": [state["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]]}
        ],
        "nodePools": [_pool(pool.state) for pool in pools],
    }


def _pool(state: Mapping[str, Any]) -> dict[str, Any]:
    affinity = state.get("nodeConfig", {}).get("reservationAffinity")
    return {
        "name": state["name"],
        "nodeCount": state.get("nodeCount", state.get("initialNodeCount", 0)),
        "nodeConfigs": [{"reservationAffinities": [affinity] if affinity else []}],
    }
