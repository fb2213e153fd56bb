"""Scenarios of the simulated Google Cloud, each in a process and private network of its own. Prints one JSON object.

`python -m tests.rehearsal.google_scenarios SCENARIO PROGRAMS`, with a rehearsal's environment and the paths of the
programs as JSON.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any
from unittest import mock

from catalog.machines import cpu_machine_names
from ops.local import private_network
from ops.rehearsal.google.cloud import Cloud, Resource
from ops.rehearsal.google.faults import Effect, Fault, Faults, Operation
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from policies import kinds
from tests.stacks import ROOT

STACK = "prod"
Result = dict[str, Any]


def google_part(world: World, programs: Programs) -> Result:
    """Everything of prod that is in Google Cloud: previewed, created, drifted, changed and destroyed by the engine."""
    from pulumi import automation as auto

    for name in ("Pulumi.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copy(ROOT / name, world.project)
    plugin = world.commands / "pulumi-resource-gcp"
    plugin.write_text(f"#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m ops.rehearsal.google\n")
    plugin.chmod(0o755)
    overrides = ["cluster.deletionProtection=false"]
    stack = auto.create_or_select_stack(STACK, project_name="dynamo-gke", program=lambda: _program(overrides))
    cloud = Cloud(world.cloud)
    found: Result = {"preview": stack.preview().change_summary, "after preview": len(cloud.resources())}

    Faults(world.faults).ask(Fault(urn="network-vpc"))
    found["failed"] = _refusal(stack.up)
    found["up"] = _counts(stack.up())
    found["endpoint"] = stack.outputs()["endpoint"].value
    found["again"] = _counts(stack.up())
    found["refresh"] = _counts(stack.refresh())

    with cloud.change() as content:
        drifted = next(of for of in content.resources.values() if of.id.endswith("/networks/dynamo-prod"))
        mtu, drifted.state["mtu"] = drifted.state["mtu"], 1460
        lost = next(of for of in content.resources.values() if of.type == kinds.ALERT_POLICY)
        content.remove(lost.type, lost.id)
    found["drift"] = _counts(stack.refresh())
    found["mended"] = _counts(stack.up())
    found["mtu restored"] = _state(cloud, drifted.id)["mtu"] == mtu

    overrides.append("labels.owner=others")
    found["relabelled"] = _counts(stack.up())
    cluster = _state(cloud, "projects/my-project/locations/europe-west1/clusters/dynamo-prod")
    found["owner"] = cluster["effectiveLabels"]["owner"]
    # A renamed account of the nodes is deleted first, with what forces its own replacement.
    replaced: list[str] = []
    with mock.patch("planning.names.node_account", return_value="renamed-nodes"):
        stack.preview(on_event=lambda event: _note(event.resource_pre_event, "replace", replaced))
    found["replaced with its account"] = sorted(name for name in replaced if "pool" in name or "cluster" in name)
    overrides[0] = "cluster.deletionProtection=true"
    stack.up()
    found["moved ranges"] = _moved(stack, cloud, overrides, "network.ranges.rdma=10.64.0.0/16")
    overrides[0] = "cluster.deletionProtection=false"
    stack.up()
    # GKE takes minutes to delete a pool, and a subnet is refused at once.
    slow = Fault(urn="-pool", operation=Operation.DELETE, effect=Effect.DELAY, seconds=5, times=2)
    Faults(world.faults).ask(slow)
    found["moved region"] = _moved(
        stack, cloud, overrides, "location.region=us-central1", "location.zone=us-central1-b"
    )
    deleted: list[str] = []
    stack.destroy(on_event=lambda event: _note(event.res_outputs_event, "delete", deleted))
    found["destroyed"] = deleted
    found["left"] = [of.id for of in cloud.resources()]
    return found


def _moved(stack: Any, cloud: Cloud, overrides: list[str], *changes: str) -> Result:
    """A change that replaces the networks of GPU pools, in the order that docs/upgrade-and-teardown.md gives."""
    overrides += changes
    refused = _refusal(stack.up)
    with cloud.change() as content:  # as `gcloud container node-pools delete` does
        left = _gpu_pools(content.resources.values())
        for pool in left:
            content.remove(pool.type, pool.id)
    return {
        "refused": refused,
        "deleted by hand": len(left),
        "forgotten": _counts(stack.refresh()).get("delete", 0),
        "replaced": _counts(stack.up()).get("replace", 0) > 0,
        "pools": len(_gpu_pools(cloud.resources())),
        "again": [*_counts(stack.up())],
    }


def _gpu_pools(resources: Iterable[Resource]) -> list[Resource]:
    return [of for of in resources if ":GpuPool$" in of.urn]


def _program(overrides: list[str]) -> None:
    import pulumi

    from infra import environment, gpu_nodes
    from infra.scope import Scope
    from ops.offline import stackfile
    from planning.load import load
    from planning.plan import plan

    planned = plan(load(stackfile.read(ROOT, STACK, overrides)))
    built = environment.build(planned, Scope())
    gpu_nodes.build(planned, built, first=())
    assert built.cluster.dns_endpoint is not None
    pulumi.export("endpoint", built.cluster.dns_endpoint)


def _refusal(command: Callable[[], Any]) -> str:
    from pulumi.automation.errors import CommandError

    try:
        command()
    except CommandError as error:
        return str(error)
    return ""


def _counts(result: Any) -> dict[str, int]:
    return dict(result.summary.resource_changes or {})


def _state(cloud: Cloud, id_: str) -> dict[str, Any]:
    return next(of.state for of in cloud.resources() if of.id == id_)


def _note(step: Any, op: str, names: list[str]) -> None:
    """Appends the name of the resource of an event, if it is of such a step."""
    if step and step.metadata.op.value == op:
        names.append(step.metadata.urn.rpartition("::")[2])


def cluster_part(world: World, programs: Programs) -> Result:
    """What GKE does in a real control plane, driven as the engine drives the provider."""
    import grpc
    from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

    from ops.rehearsal import kubelet, pool_nodes
    from ops.rehearsal.control_plane import ControlPlane
    from ops.rehearsal.google.server import serving
    from ops.rehearsal.google.wire import decode, encode
    from ops.rehearsal.kube import Kube

    with ExitStack() as ending:
        ending.callback(ControlPlane.start(world, programs, kubelet.kwok_config()).stop)
        port = ending.enter_context(serving(world))
        stub: Any = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        kube = Kube(world.kubeconfig)
        stub.Configure(provider_pb2.ConfigureRequest(args=encode({"project": "p", "region": "europe-west1"})))

        def create(type_: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
            urn = f"urn:pulumi:s::p::{type_}::x"
            made = stub.Create(provider_pb2.CreateRequest(urn=urn, properties=encode(inputs)))
            return made.id, decode(made.properties)

        def update(id_: str, state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
            request = provider_pb2.UpdateRequest(
                id=id_, urn=f"urn:pulumi:s::p::{kinds.NODE_POOL}::x", olds=encode(state), news=encode(inputs)
            )
            return decode(stub.Update(request).properties)

        def nodes(pool: str) -> dict[str, str]:
            """Name → uid."""
            return {of["metadata"]["name"]: of["metadata"]["uid"] for of in pool_nodes.of_pool(kube, pool)}

        def zones(pool: str) -> list[str]:
            found = [of["metadata"]["labels"]["topology.kubernetes.io/zone"] for of in pool_nodes.of_pool(kube, pool)]
            return sorted(found)

        found: Result = {}
        create(kinds.GOOGLE_API, {"project": "p", "service": "container.googleapis.com"})
        definitions = "apiextensions.k8s.io/v1", "CustomResourceDefinition"
        found["before"] = [len(kube.list(*definitions)), len(kube.list("resource.k8s.io/v1", "DeviceClass"))]
        cluster, _ = create(kinds.CLUSTER, {"name": "c", "location": "europe-west1"})
        found["brought"] = [bool(kube.list(*definitions)), len(kube.list("resource.k8s.io/v1", "DeviceClass"))]

        config = {"machineType": cpu_machine_names()[0], "imageType": "COS_CONTAINERD", "labels": {"role": "a"}}
        inputs = {"name": "cpu", "cluster": cluster, "location": "europe-west1", "nodeCount": 1, "nodeConfig": config}
        id_, state = create(kinds.NODE_POOL, inputs)
        first = nodes("cpu")
        found["regional"] = zones("cpu")
        inputs = {**inputs, "nodeLocations": ["europe-west1-b"]}
        state = update(id_, state, inputs)
        found["one zone"] = zones("cpu")
        found["kept"] = nodes("cpu").items() <= first.items()
        inputs = {**inputs, "nodeCount": 2}
        state = update(id_, state, inputs)
        found["grown"] = zones("cpu")
        before = nodes("cpu")
        inputs = {**inputs, "nodeConfig": {**config, "labels": {"role": "b"}}}
        state = update(id_, state, inputs)
        found["relabelled in place"] = nodes("cpu") == before
        found["labels"] = sorted({of["metadata"]["labels"]["role"] for of in pool_nodes.of_pool(kube, "cpu")})
        inputs = {**inputs, "nodeConfig": {**config, "labels": {"role": "b"}, "imageType": "UBUNTU_CONTAINERD"}}
        update(id_, state, inputs)
        after = nodes("cpu")
        found["recreated"] = [after.keys() == before.keys(), set(after.values()).isdisjoint(before.values())]

        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "stack"}})
        held = {"name": "held", "namespace": "stack", "finalizers": ["example.com/never"]}
        kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
        stub.Delete(provider_pb2.DeleteRequest(id=cluster, urn=f"urn:pulumi:s::p::{kinds.CLUSTER}::x"))
        found["emptied"] = [
            len(kube.list("v1", "Node")),
            len(kube.list(*definitions)),
            [of["metadata"]["name"] for of in kube.list("v1", "Namespace") if of["metadata"]["name"] == "stack"],
            [of.id for of in Cloud(world.cloud).resources() if of.type == kinds.NODE_POOL],
        ]
        create(kinds.CLUSTER, {"name": "c", "location": "europe-west1"})
        found["again"] = bool(kube.list(*definitions))
        return found


def main() -> None:
    scenario, paths = sys.argv[1:]
    private_network.enter()
    world = World.of_this_process()
    world.create_folders()
    programs = Programs.from_wire(json.loads(paths))
    found = {"google": google_part, "cluster": cluster_part}[scenario](world, programs)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
