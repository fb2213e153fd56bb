"""The stand-in of Google's provider over gRPC, as Pulumi's engine calls it."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from google.rpc import status_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from ops.rehearsal.google import compute_api
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.google.faults import Effect, Fault, Faults, Operation
from ops.rehearsal.google.server import serving
from ops.rehearsal.google.wire import UNKNOWN, Secret, decode, encode
from ops.rehearsal.world import VARIABLE, World
from policies import kinds
from tests.local.deployed import eventually
from tests.stacks import ROOT

CLUSTER = "projects/p/locations/europe-west1/clusters/c"
Diff, Detail = provider_pb2.DiffResponse, provider_pb2.PropertyDiff


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:prod::dynamo-gke::dynamo-gke:infra:Parent${type_}::{name}"


class Engine:
    """Calls of Pulumi's engine on one provider."""

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        assert self.stub.Handshake(provider_pb2.ProviderHandshakeRequest()).accept_secrets
        self.stub.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1"))
        self.configure(project="p", region="europe-west1", defaultLabels='{"owner": "me"}')

    def configure(self, **args: Any) -> None:
        self.stub.Configure(provider_pb2.ConfigureRequest(args=encode(args), urn="google"))

    def create(
        self, type_: str, logical: str = "x", /, *, preview: bool = False, **inputs: Any
    ) -> tuple[str, dict[str, Any]]:
        made = self.stub.Create(
            provider_pb2.CreateRequest(urn=urn(type_, logical), properties=encode(inputs), preview=preview)
        )
        return made.id, decode(made.properties)

    def enable(self, *apis: str) -> None:
        for api in apis:
            self.create(kinds.GOOGLE_API, project="p", service=f"{api}.googleapis.com")

    def diff(self, type_: str, state: dict[str, Any], **news: Any) -> provider_pb2.DiffResponse:
        return self.stub.Diff(provider_pb2.DiffRequest(urn=urn(type_, "x"), olds=encode(state), news=encode(news)))

    def fails(self, *faults: Fault) -> None:
        Faults(self.world.faults).ask(*faults)

    def ids(self, type_: str) -> list[str]:
        return [of.id for of in Cloud(self.world.cloud).resources() if of.type == type_]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with serving(World(tmp_path)) as port:
        yield Engine(World(tmp_path), port)


def test_a_preview_creates_nothing_and_keeps_unknown_values_unknown(engine: Engine) -> None:
    id_, state = engine.create(kinds.SUBNETWORK, preview=True, name="nodes", network=UNKNOWN)
    assert id_ == ""
    assert (state["name"], state["network"], state["selfLink"]) == ("nodes", UNKNOWN, UNKNOWN)
    assert engine.ids(kinds.SUBNETWORK) == []


def test_a_secret_stays_one_in_every_answer(engine: Engine) -> None:
    engine.enable("secretmanager")
    secret, _ = engine.create(kinds.GOOGLE_SECRET, secretId="hf", project="p")
    inputs = {"secret": secret, "secretData": Secret("hf_abc")}
    id_, state = engine.create(kinds.SECRET_VERSION, **inputs)
    assert state["secretData"] == Secret("hf_abc")
    assert "hf_abc" not in engine.world.cloud.read_text()
    read = engine.stub.Read(
        provider_pb2.ReadRequest(
            id=id_, urn=urn(kinds.SECRET_VERSION, "x"), properties=encode(state), inputs=encode(inputs)
        )
    )
    assert (decode(read.properties), decode(read.inputs)) == (state, inputs)
    assert engine.diff(kinds.SECRET_VERSION, state, **inputs).changes == Diff.DIFF_NONE
    rotated = engine.diff(kinds.SECRET_VERSION, state, secret=secret, secretData=Secret("hf_new"))
    assert (list(rotated.replaces), rotated.deleteBeforeReplace) == (["secretData"], False)


def test_a_diff_says_what_changes_and_how(engine: Engine) -> None:
    state = {"name": "vpc", "mtu": 8896, "project": "p", "description": "old"}
    found = engine.diff(kinds.NETWORK, state, name="vpc", mtu=1460, description="new")
    assert (found.changes, list(found.diffs), list(found.replaces)) == (
        Diff.DIFF_SOME,
        ["description", "mtu"],
        ["description"],
    )
    assert {path: detail.kind for path, detail in found.detailedDiff.items()} == {
        "description": Detail.UPDATE_REPLACE,
        "mtu": Detail.UPDATE,
    }
    assert found.hasDetailedDiff
    assert found.deleteBeforeReplace  # the name is fixed
    assert "name" in found.stables
    assert engine.diff(kinds.NETWORK, state, name="vpc", mtu=8896, description="old").changes == Diff.DIFF_NONE


def test_every_refusal_of_a_resource_comes_at_once(engine: Engine) -> None:
    request = provider_pb2.CheckRequest(urn=urn(kinds.NETWORK, "vpc"), news=encode({"mut": 1, "routingMode": "LOCAL"}))
    answer = engine.stub.Check(request)
    assert [failure.property for failure in answer.failures] == ["mut", "routingMode"]
    assert decode(answer.inputs)["name"].startswith("vpc-")


def test_a_project_of_the_provider_moves_no_resource(engine: Engine) -> None:
    engine.enable("storage")
    _, state = engine.create(kinds.BUCKET, name="b", location="EU")
    answer = engine.stub.DiffConfig(
        provider_pb2.DiffRequest(old_inputs=encode({"project": "p"}), news=encode({"project": "q"}))
    )
    assert (answer.changes, list(answer.replaces)) == (Diff.DIFF_SOME, [])
    engine.configure(project="q", defaultLabels='{"owner": "you"}')
    found = engine.diff(kinds.BUCKET, state, name="b", location="EU")
    assert (list(found.diffs), list(found.replaces)) == (["effectiveLabels"], [])


def pool(engine: Engine) -> None:
    engine.enable("container")
    engine.create(kinds.CLUSTER, name="c", location="europe-west1")
    engine.create(kinds.NODE_POOL, "decode-pool", name="decode", cluster=CLUSTER)


def init_failed(error: grpc.RpcError) -> provider_pb2.ErrorResourceInitFailed:
    """The resource that an error tells about."""
    trailing: dict[str, bytes] = dict(error.trailing_metadata())  # type: ignore[attr-defined]
    (detail,) = status_pb2.Status.FromString(trailing["grpc-status-details-bin"]).details
    found = provider_pb2.ErrorResourceInitFailed()
    assert detail.Unpack(found)
    return found


@pytest.mark.parametrize("effect", [Effect.STOCKOUT, Effect.TIMEOUT])
def test_a_pool_that_fails_is_kept(engine: Engine, effect: Effect) -> None:
    engine.fails(Fault(urn="decode-pool", effect=effect))
    with pytest.raises(grpc.RpcError) as failed:
        pool(engine)
    told = init_failed(failed.value)
    assert told.id == f"{CLUSTER}/nodePools/decode"
    assert decode(told.inputs)["name"] == "decode"
    (kept,) = [of for of in Cloud(engine.world.cloud).resources() if of.type == kinds.NODE_POOL]
    assert kept.status == ("ERROR" if effect is Effect.STOCKOUT else "RUNNING")
    if effect is Effect.STOCKOUT:
        assert "does not have enough resources available" in told.reasons[0]


def test_a_refused_precondition_of_a_pool_is_retried_in_silence(engine: Engine) -> None:
    engine.fails(Fault(urn="decode-pool", effect=Effect.PRECONDITION, times=3))
    pool(engine)
    assert engine.ids(kinds.NODE_POOL) == [f"{CLUSTER}/nodePools/decode"]
    engine.fails(Fault(urn="network", effect=Effect.PRECONDITION))
    engine.enable("compute")
    with pytest.raises(grpc.RpcError, match="failedPrecondition"):
        engine.create(kinds.NETWORK, "network", name="vpc")


def test_a_timeout_loses_other_resources_and_deletes_a_cluster(engine: Engine) -> None:
    """The provider forgets the id, so the next creation finds the name taken; a failed cluster it deletes."""
    engine.enable("compute", "container")
    engine.fails(Fault(urn="vpc", effect=Effect.TIMEOUT), Fault(urn="cluster", effect=Effect.TIMEOUT))
    for why in ("timeout while waiting", "Error 409"):
        with pytest.raises(grpc.RpcError, match=why):
            engine.create(kinds.NETWORK, "vpc", name="vpc")
    assert engine.ids(kinds.NETWORK) == ["projects/p/global/networks/vpc"]
    with pytest.raises(grpc.RpcError, match="timeout while waiting"):
        engine.create(kinds.CLUSTER, "cluster", name="c", location="europe-west1")
    assert engine.create(kinds.CLUSTER, "cluster", name="c", location="europe-west1")[0] == CLUSTER


def test_a_fault_of_an_operation_comes_as_often_as_asked(engine: Engine) -> None:
    engine.enable("compute")
    id_, _ = engine.create(kinds.NETWORK, name="vpc")
    engine.fails(Fault(urn="::x", operation=Operation.DELETE, times=1), Fault(urn="::y", operation=Operation.DELETE))
    request = provider_pb2.DeleteRequest(id=id_, urn=urn(kinds.NETWORK, "x"))
    with pytest.raises(grpc.RpcError, match="Error 503"):
        engine.stub.Delete(request)
    assert engine.ids(kinds.NETWORK) == [id_]
    engine.stub.Delete(request)
    engine.stub.Delete(request)  # what does not exist counts as deleted
    assert engine.ids(kinds.NETWORK) == []
    assert not engine.stub.Read(provider_pb2.ReadRequest(id=id_, urn=urn(kinds.NETWORK, "x"))).id


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_cancel_ends_a_delay(engine: Engine) -> None:
    engine.fails(Fault(urn="vpc", effect=Effect.DELAY, seconds=600))
    pending = engine.stub.Create.future(
        provider_pb2.CreateRequest(urn=urn(kinds.NETWORK, "vpc"), properties=encode({"name": "vpc"}))
    )
    while (
        Faults(engine.world.faults).take("vpc", Operation.READ) is None
        and '"times": 1' in engine.world.faults.read_text()
    ):
        pass
    engine.stub.Cancel(empty_pb2.Empty())
    assert "cancelled" in pending.exception(timeout=10).details()


def invoke(engine: Engine, token: str, **args: Any) -> dict[str, Any]:
    return decode(getattr(engine.stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=encode(args))), "return"))


def test_lookups_show_the_stack_and_what_it_needs(engine: Engine) -> None:
    world = engine.world
    world.kubeconfig.write_text("users: [{name: a, user: {token: administrator}}]")
    world.project.mkdir()
    for name in ("Pulumi.yaml", "Pulumi.prod.yaml"):
        (world.project / name).write_text((ROOT / name).read_text())
    assert invoke(engine, "gcp:organizations/getClientConfig:getClientConfig") == {"accessToken": "administrator"}
    reservation = invoke(engine, "gcp:compute/getReservation:getReservation", name="my-h200")
    assert reservation["specificReservations"][0]["instanceProperties"] == [{"machineType": "a3-ultragpu-8g"}]
    place = {"project": "p", "location": "europe-west1", "name": "c"}
    with pytest.raises(grpc.RpcError, match="Error 404"):
        invoke(engine, "gcp:container/getCluster:getCluster", **place)
    engine.enable("container")
    engine.create(kinds.CLUSTER, name="c", location="europe-west1", subnetwork="s", minMasterVersion="1.35.1-gke.1")
    affinity = {"consumeReservationType": "SPECIFIC_RESERVATION", "values": ["my-h200"]}
    engine.create(
        kinds.NODE_POOL, name="decode", cluster=CLUSTER, nodeCount=1, nodeConfig={"reservationAffinity": affinity}
    )
    cluster = invoke(engine, "gcp:container/getCluster:getCluster", **place)
    assert cluster["masterVersion"] == "1.35.1-gke.1"
    assert cluster["controlPlaneEndpointsConfigs"][0]["dnsEndpointConfigs"][0]["endpoint"] == "127.0.0.1:6443"
    assert cluster["nodePools"] == [
        {"name": "decode", "nodeCount": 1, "nodeConfigs": [{"reservationAffinities": [affinity]}]}
    ]


def test_a_bucket_with_files_goes_only_if_the_program_agrees(engine: Engine) -> None:
    engine.enable("storage")
    for force in (False, True):
        id_, _ = engine.create(kinds.BUCKET, name=f"weights-{force}", location="EU", forceDestroy=force)
        (engine.world.buckets / id_).mkdir(parents=True)
        (engine.world.buckets / id_ / "model.safetensors").touch()
    request = provider_pb2.DeleteRequest(urn=urn(kinds.BUCKET, "x"), id="weights-False")
    with pytest.raises(grpc.RpcError, match="containing objects without `force_destroy`"):
        engine.stub.Delete(request)
    assert engine.ids(kinds.BUCKET) == ["weights-False", "weights-True"]
    request.id = "weights-True"
    engine.stub.Delete(request)
    assert [place.name for place in engine.world.buckets.iterdir()] == ["weights-False"]


def test_a_zone_has_the_network_profile_of_the_stack_in_rehearsal(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.kubeconfig.write_text("users: [{name: a, user: {token: administrator}}]")
    world.project.mkdir()
    for name in ("Pulumi.yaml", "Pulumi.prod.yaml"):
        (world.project / name).write_text((ROOT / name).read_text())
    profile = "/compute/v1/projects/my-project/global/networkProfiles/europe-west1-b-vpc-roce"
    bearer = "Bearer administrator"
    assert compute_api.answer(world, profile, bearer)[0] == 200
    assert compute_api.answer(world, profile.replace("-b-", "-c-"), bearer)[0] == 404
    assert compute_api.answer(world, profile.replace("my-project", "other"), bearer)[0] == 404
    assert compute_api.answer(world, profile, "Bearer stolen")[0] == 401


@contextmanager
def beginning(world: World, seconds: float) -> Iterator[None]:
    """An operation has begun. It takes that much longer, and waits for the cloud, which somebody changes for a while.

    The stand-in ends with the block.
    """
    with ThreadPoolExecutor(1) as caller, serving(world) as port:
        engine = Engine(world, port)
        engine.fails(Fault(urn="x", effect=Effect.DELAY, seconds=seconds))
        with ExitStack() as held:
            held.enter_context(Cloud(world.cloud).change())
            caller.submit(engine.enable, "compute")
            eventually(lambda: json.loads(world.faults.read_text())[0]["times"] == 0)
            threading.Timer(0.3, held.pop_all().close).start()
        yield


def test_an_operation_that_has_begun_is_completed_before_the_stand_in_ends(tmp_path: Path) -> None:
    world = World(tmp_path)
    with beginning(world, seconds=0):
        pass
    assert [of.state["service"] for of in Cloud(world.cloud).resources()] == ["compute.googleapis.com"]


def test_an_operation_that_waits_is_canceled_when_the_stand_in_ends(tmp_path: Path) -> None:
    world, began = World(tmp_path), time.monotonic()
    with beginning(world, seconds=60):
        pass
    assert time.monotonic() - began < 30
    assert Cloud(world.cloud).resources() == []


def _process(**env: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "ops.rehearsal.google"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_process_refuses_to_run_outside_of_a_rehearsal() -> None:
    output, errors = _process().communicate(timeout=30)
    assert (output, errors) == ("", f"runs inside a rehearsal only: {VARIABLE} is not set\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_process_prints_its_port_and_ends_at_once_and_in_silence(tmp_path: Path, number: signal.Signals) -> None:
    process = _process(**{VARIABLE: str(tmp_path)})
    assert process.stdout
    port = int(process.stdout.readline())
    assert port > 0
    process.send_signal(number)
    output, errors = process.communicate(timeout=5)
    assert (output, errors, process.returncode) == ("", "", 0)
