"""Dynamo's platform in a rehearsal: real Helm, API server, controllers and scheduler; the operator is a stand-in."""

import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi import automation

from ops.offline import stackfile
from ops.offline.recording import record
from ops.rehearsal import pool_nodes
from ops.rehearsal.kube import ApiError, Conflict, Kube, NotFound
from ops.rehearsal.platform import chart, crds, names, operator
from ops.rehearsal.programs import Programs
from ops.report.objects import objects
from planning.platform import OperatorInstall
from planning.platform import chart as chart_of
from tests.rehearsal.simulated import Cluster, wait_until
from tests.stacks import ROOT, SHIPPED
from tests.unit.rehearsal.test_nodes import ZONE, pools
from workloads.platform import DynamoPlatform, DynamoPlatformArgs

VERSION = "1.6.1"
SYSTEM = "dynamo-system"
OPERATOR = "dynamo-platform-dynamo-operator-controller-manager"
SCALED = ["models.chat.autoscaling.decode.min=1", "models.chat.autoscaling.decode.max=2"]
EVERYTHING = [
    *("endpoint.exposure=gateway", "endpoint.domain=llm.example.com", "endpoint.allowedCidrs[0]=203.0.113.0/24"),
    *("secrets.store=secretManager", "network.rdma=multiNetwork"),
    *SCALED,
]

Object = dict[str, Any]


def rendered(stack: str, overrides: list[str] | None = None) -> list[Object]:
    found = objects(record(ROOT, stackfile.read(ROOT, stack, overrides or [])))
    return sorted(found, key=lambda each: each["kind"] != "Namespace")


@dataclass(frozen=True)
class Platform:
    kube: Kube
    stack: automation.Stack

    def graph(self) -> Object:
        return self.kube.get(names.GROUP, names.GRAPH_KIND, "chat", "dynamo")

    def is_ready(self) -> bool:
        status = self.graph().get("status", {})
        current = status.get("observedGeneration") == self.graph()["metadata"]["generation"]
        return current and status["conditions"][0]["status"] == "True"

    def pods(self, component: str) -> list[Object]:
        return self.kube.list("v1", "Pod", "dynamo", names.selector_of("chat", component))

    def running(self, component: str) -> int:
        return sum(pod["status"]["phase"] == "Running" for pod in self.pods(component))

    def scale_operator(self, replicas: int) -> None:
        self.kube.patch("apps/v1", "Deployment", OPERATOR, {"spec": {"replicas": replicas}}, SYSTEM)
        wait_until(lambda: (len(self.kube.list("v1", "Pod", SYSTEM)) == 0) == (replicas == 0))
        wait_until(lambda: self.accepts() == (replicas > 0))

    def accepts(self) -> bool:
        """Whether the operator's webhooks answer."""
        probe = deepcopy(next(each for each in rendered("dev") if each["kind"] == names.GRAPH_KIND))
        try:
            self.kube.apply(probe, dry_run=True)
        except ApiError as error:
            if "failed calling webhook" not in str(error):
                raise
            return False
        return True


@pytest.fixture(scope="module")
def platform(cluster: Cluster, programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform as the program installs it, beside prod's nodes."""
    kube, world = cluster.kube, cluster.world
    for pool in pools().values():
        pool_nodes.create_pool(kube, pool, ZONE)
    pool_nodes.create_node(kube, pools()["system"], ZONE, 1)
    for definition in crds.gke():
        kube.apply(definition)
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dynamo"}})
    location = chart.write(world, VERSION)

    def program() -> None:
        args = DynamoPlatformArgs(
            namespace=SYSTEM,
            chart=chart_of(VERSION, location),
            version=VERSION,
            install=OperatorInstall(),
            system_pool="system",
            client_ranges=["10.0.0.0/8"],
            labels={"stack": "test"},
        )
        provider = k8s.Provider("kubernetes", kubeconfig=str(world.kubeconfig))
        DynamoPlatform("platform", args, pulumi.ResourceOptions(providers={"kubernetes": provider}))
        trigger = pulumi.Config().get("trigger")
        k8s.core.v1.ConfigMap(
            "triggered",
            metadata={"name": "triggered", "namespace": "default"},
            opts=pulumi.ResourceOptions(provider=provider, replacement_trigger=trigger, delete_before_replace=True),
        )

    stack = pulumi_stack(program, programs, tmp_path_factory.mktemp("pulumi"))
    stop = threading.Event()
    loop = threading.Thread(target=operator.run, args=(kube, world, stop))
    loop.start()
    try:
        stack.up()
        found = Platform(kube, stack)
        wait_until(found.accepts)
        yield found
        stack.destroy()
        kube.delete("v1", "Namespace", "dynamo")
        for pool in pools():
            pool_nodes.delete_pool(kube, pool)
    finally:
        stop.set()
        loop.join(15)
    assert not loop.is_alive()


def pulumi_stack(program: Callable[[], None], programs: Programs, home: Path) -> automation.Stack:
    (home / "state").mkdir()
    env = {
        "PATH": f"{programs.pulumi.parent}:{programs.kubernetes_provider.parent}:/usr/bin:/bin",
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{home}/state",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", env["PATH"])  # where the Automation API looks for the CLI
        return automation.create_or_select_stack(
            stack_name="test",
            project_name="platform",
            program=program,
            opts=automation.LocalWorkspaceOptions(env_vars=env),
        )


@pytest.fixture(scope="module")
def prod(platform: Platform) -> Platform:
    """The objects of prod, with an autoscaled decode role."""
    for each in rendered("prod", SCALED):
        if each["kind"] not in ("Job", "HorizontalPodAutoscaler"):
            platform.kube.apply(each, manager="pulumi")
    wait_until(platform.is_ready)
    return platform


@pytest.mark.parametrize(
    ("stack", "overrides"), [*((stack, []) for stack in SHIPPED), ("prod", EVERYTHING)], ids=[*SHIPPED, "everything"]
)
def test_every_object_is_accepted_with_unknown_fields_refused(
    platform: Platform, stack: str, overrides: list[str]
) -> None:
    for each in rendered(stack, overrides):
        if each["kind"] == "Namespace":
            platform.kube.apply(each)
        platform.kube.apply(each, dry_run=True)


@pytest.mark.parametrize("field", ["replica", "podtemplate", "scalingadapter"])
def test_a_misspelt_field_of_a_graph_is_refused(platform: Platform, field: str) -> None:
    graph = next(each for each in rendered("prod") if each["kind"] == names.GRAPH_KIND)
    graph["spec"]["components"][1][field] = 1
    with pytest.raises(ApiError, match=rf"components\[name=\"prefill\"\]\.{field}: field not declared in schema"):
        platform.kube.apply(graph, dry_run=True)


def test_the_operators_replicas_are_on_different_nodes_of_the_system_pool(platform: Platform) -> None:
    pods = platform.kube.list("v1", "Pod", SYSTEM, operator.OPERATOR_PODS)
    nodes = {platform.kube.get("v1", "Node", pod["spec"]["nodeName"])["metadata"]["name"] for pod in pods}
    assert len(nodes) == len(pods) == 2
    assert all("-system-" in node for node in nodes)


def test_a_trigger_replaces_only_a_resource_that_had_one(platform: Platform) -> None:
    """The engine's rule on which the graph's replacement depends."""

    def changes(trigger: str) -> dict[Any, int]:
        platform.stack.set_config("trigger", automation.ConfigValue(trigger))
        return dict(platform.stack.up().summary.resource_changes or {})

    assert set(changes("first")) == {"same"}
    assert set(changes("first")) == {"same"}
    assert changes("second")["replace"] == 1


def test_the_pods_of_the_graph_are_on_the_nodes_of_their_role(prod: Platform) -> None:
    for role, count in (("frontend", 2), ("prefill", 1), ("decode", 1)):
        pods = prod.pods(role)
        assert len(pods) == count
        pool = "system" if role == "frontend" else role
        assert all(f"-{pool}-" in pod["spec"]["nodeName"] for pod in pods)
    (worker,) = prod.pods("decode")
    claim = prod.kube.get(
        "resource.k8s.io/v1",
        "ResourceClaim",
        worker["status"]["resourceClaimStatuses"][0]["resourceClaimName"],
        "dynamo",
    )
    assert len(claim["status"]["allocation"]["devices"]["results"]) == 8


def test_the_pods_account_may_discover_others_and_nothing_else(prod: Platform) -> None:
    (worker,) = prod.pods("decode")
    own = prod.kube.as_owner_of(prod.kube.token(worker["spec"]["serviceAccountName"], "dynamo"))
    assert own.list("v1", "Pod", "dynamo")
    assert own.list("discovery.k8s.io/v1", "EndpointSlice", "dynamo") is not None
    with pytest.raises(ApiError, match="forbidden"):
        own.list("v1", "Secret", "dynamo")
    with pytest.raises(ApiError, match="forbidden"):
        own.list("v1", "Pod", SYSTEM)


def scaled_to(prod: Platform, replicas: int) -> None:
    adapter = f"/apis/{names.GROUP}/namespaces/dynamo/dynamographdeploymentscalingadapters/chat-decode/scale"
    patch = {"spec": {"replicas": replicas}}
    prod.kube.request("PATCH", adapter, patch, content_type="application/merge-patch+json")
    wait_until(lambda: len(prod.pods("decode")) == replicas)
    scale = prod.kube.request("GET", adapter)
    assert scale["status"] == {"replicas": replicas, "selector": names.selector_of("chat", "decode")}


def test_the_scaling_adapter_scales_and_an_update_keeps_its_number(prod: Platform) -> None:
    scaled_to(prod, 2)
    wait_until(lambda: not prod.is_ready())
    assert prod.running("decode") == 1, "there is one node for decode"
    graph = next(each for each in rendered("prod", SCALED) if each["kind"] == names.GRAPH_KIND)
    prod.kube.apply(graph, manager="pulumi", force=False)
    decode = next(each for each in prod.graph()["spec"]["components"] if each["name"] == "decode")
    assert decode["replicas"] == 2
    unscaled = next(each for each in rendered("prod") if each["kind"] == names.GRAPH_KIND)
    with pytest.raises(Conflict, match=r'conflict with "dynamo-operator" .*components\[name="decode"\].replicas'):
        prod.kube.apply(unscaled, manager="pulumi", force=False, dry_run=True)
    scaled_to(prod, 1)
    prod.kube.apply(unscaled, manager="pulumi", force=False, dry_run=True)
    wait_until(prod.is_ready)


def scale_automatically(component: Object) -> None:
    """As the program renders an autoscaled role. The frontend has two replicas."""
    component["scalingAdapter"] = {}
    del component["replicas"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda spec: spec["components"][2].update(replicas=2), "replicas cannot be modified directly"),
        (lambda spec: scale_automatically(spec["components"][0]), r"\[frontend\].replicas cannot be modified directly"),
        (lambda spec: spec.update(backendFramework="sglang"), "backendFramework is immutable"),
        (lambda spec: spec["components"].pop(), "components removed"),
    ],
)
def test_the_webhook_refuses(prod: Platform, change: Callable[[Any], Any], says: str) -> None:
    graph = next(each for each in rendered("prod", SCALED) if each["kind"] == names.GRAPH_KIND)
    change(graph["spec"])
    with pytest.raises(ApiError, match=says):
        prod.kube.apply(graph, manager="pulumi")


def test_a_new_generation_of_workers_replaces_the_old_on_the_same_nodes(prod: Platform) -> None:
    before = {pod["metadata"]["labels"][names.WORKER_HASH] for pod in prod.pods("prefill")}
    graph = next(each for each in rendered("prod", SCALED) if each["kind"] == names.GRAPH_KIND)
    graph["spec"]["components"][2]["podTemplate"]["spec"]["containers"][0]["args"] += ["--seed", "1"]
    prod.kube.apply(graph, manager="pulumi")
    wait_until(prod.is_ready)
    after = {pod["metadata"]["labels"][names.WORKER_HASH] for role in ("prefill", "decode") for pod in prod.pods(role)}
    assert len(after) == 1
    assert not before & after
    assert len(prod.kube.list("apps/v1", "Deployment", "dynamo")) == 3


def test_a_graph_is_deleted_only_while_the_operator_runs(prod: Platform) -> None:
    prod.scale_operator(0)
    prod.kube.delete(names.GROUP, names.GRAPH_KIND, "chat", "dynamo")
    with pytest.raises(pytest.fail.Exception):
        wait_until(lambda: not exists(prod), seconds=3)
    assert prod.graph()["metadata"]["deletionTimestamp"]
    assert prod.running("decode") == 1
    prod.scale_operator(2)
    wait_until(lambda: not exists(prod))
    assert not prod.kube.list("v1", "Pod", "dynamo", names.GRAPH)
    assert not prod.kube.list("apps/v1", "Deployment", "dynamo")


def exists(prod: Platform) -> bool:
    try:
        prod.graph()
    except NotFound:
        return False
    return True
