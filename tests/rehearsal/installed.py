"""Dynamo's platform in the simulated cluster of the tests, as the program installs it, and the objects of stacks."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi import automation

from ops.offline import stackfile
from ops.offline.recording import record
from ops.rehearsal import pool_nodes
from ops.rehearsal.engine.environment import environment
from ops.rehearsal.kube import ApiError, Kube, NotFound
from ops.rehearsal.platform import chart, crds, names, operator
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from ops.report.objects import objects
from planning.platform import OperatorInstall
from planning.platform import chart as chart_of
from settings.stack_config import StackConfig
from tests.rehearsal.simulated import Cluster, beside, wait_until
from tests.stacks import ROOT
from tests.unit.rehearsal.test_nodes import ZONE, pools, pools_of
from workloads.platform import DynamoPlatform, DynamoPlatformArgs

VERSION = "1.6.1"
SYSTEM = "dynamo-system"
OPERATOR = "dynamo-platform-dynamo-operator-controller-manager"
LATER = ("Job", "HorizontalPodAutoscaler")
"""Kinds that need more than the platform: a kubelet that runs programs, a source of metrics."""

Object = dict[str, Any]


def rendered(stack: str, overrides: list[str] | None = None) -> list[Object]:
    """The objects of a stack, its namespaces first."""
    return _rendered(stackfile.read(ROOT, stack, overrides or []))


def graph_of(stack: str, overrides: list[str] | None = None) -> Object:
    """The stack's graph, to change."""
    return next(each for each in rendered(stack, overrides) if each["kind"] == names.GRAPH_KIND)


def _rendered(config: StackConfig) -> list[Object]:
    return sorted(objects(record(ROOT, config)), key=lambda each: each["kind"] != "Namespace")


@dataclass(frozen=True)
class Platform:
    """A cluster with the platform, and the graph `chat` of the stack in the namespace, if there is one."""

    kube: Kube
    world: World
    stack: automation.Stack
    namespace: str = "dynamo"
    pools: Mapping[str, Object] = field(default_factory=dict[str, Object])
    """The stack's GPU pools: name → inputs."""

    def graph(self) -> Object:
        return self.kube.get(names.GROUP, names.GRAPH_KIND, "chat", self.namespace)

    def has_graph(self) -> bool:
        try:
            self.graph()
        except NotFound:
            return False
        return True

    def is_ready(self) -> bool:
        status = self.graph().get("status", {})
        current = status.get("observedGeneration") == self.graph()["metadata"]["generation"]
        return current and status["conditions"][0]["status"] == "True"

    def conditions(self) -> dict[str, list[str]]:
        """Pod → what its conditions say, such as why the scheduler found no node."""
        said = {pod["metadata"]["name"]: pod["status"].get("conditions", ()) for pod in self.pods()}
        return {
            name: [each["message"] for each in conditions if "message" in each] for name, conditions in said.items()
        }

    def pods(self, component: str = "") -> list[Object]:
        """The graph's pods: all, or those of a component."""
        chosen = names.selector_of("chat", component) if component else f"{names.GRAPH}=chat"
        return self.kube.list("v1", "Pod", self.namespace, chosen)

    def running(self, component: str) -> int:
        return sum(pod["status"]["phase"] == "Running" for pod in self.pods(component))

    def scale_operator(self, replicas: int) -> None:
        self.kube.patch("apps/v1", "Deployment", OPERATOR, {"spec": {"replicas": replicas}}, SYSTEM)
        wait_until(lambda: (len(self.kube.list("v1", "Pod", SYSTEM)) == 0) == (replicas == 0))
        wait_until(lambda: self.accepts() == (replicas > 0))

    def accepts(self) -> bool:
        """Whether the operator's webhooks answer."""
        try:
            self.kube.apply(_probe(), dry_run=True)
        except ApiError as error:
            if "failed calling webhook" not in str(error):
                raise
            return False
        return True


@cache
def _probe() -> Object:
    """A graph that no test creates."""
    graph = graph_of("dev")
    graph["metadata"]["namespace"] = "default"
    return graph


@contextmanager
def installed(cluster: Cluster, programs: Programs, folders: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform as the program installs it, on two nodes of prod's system pool. The operator ends with the block."""
    kube, world = cluster.kube, cluster.world
    for number in range(2):
        pool_nodes.create_node(kube, pools()["system"], ZONE, number)
    for definition in crds.gke():
        kube.apply(definition)
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

    stack = pulumi_stack(program, programs, folders.mktemp("pulumi"))
    with beside(lambda stop: operator.run(cluster.stand_in("operator", stop), world)):
        stack.up()
        found = Platform(kube, world, stack)
        wait_until(found.accepts)
        yield found


def pulumi_stack(program: Callable[[], None], programs: Programs, home: Path) -> automation.Stack:
    """A stack of the real engine, whose state is in the folder `home`."""
    own = World(home)
    own.create_folders()
    env = environment(own, [programs.pulumi.parent, programs.kubernetes_provider.parent], os.environ)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", env["PATH"])  # where the Automation API looks for the CLI
        return automation.create_or_select_stack(
            stack_name="test",
            project_name="test",
            program=program,
            opts=automation.LocalWorkspaceOptions(env_vars=env, work_dir=str(own.project)),
        )


def deployed(
    platform: Platform, stack: str, overrides: list[str] | None = None, *, without: tuple[str, ...] = LATER
) -> Platform:
    """The objects of a shipped stack and the nodes of its pools."""
    return applied(platform, stackfile.read(ROOT, stack, overrides or []), without=without)


def applied(platform: Platform, config: StackConfig, *, without: tuple[str, ...] = LATER) -> Platform:
    """The objects of any stack, without these kinds and those of the platform, and the nodes of its pools."""
    kube, found = platform.kube, _rendered(config)
    wanted = [e for e in found if e["kind"] not in without and SYSTEM not in _places(e)]
    namespace = next(each["metadata"]["namespace"] for each in wanted if each["kind"] == names.GRAPH_KIND)
    own = {name: pool for name, pool in pools_of(record(ROOT, config)).items() if name != "system"}
    for pool in own.values():
        if not pool_nodes.create_pool(kube, pool, ZONE):  # GKE's autoscaler adds the first for a pod that waits
            pool_nodes.create_node(kube, pool, ZONE, 0)
    for each in wanted:
        kube.apply(each, manager="pulumi")
    graph = Platform(kube, platform.world, platform.stack, namespace, own)
    wait_until(graph.is_ready, why_not=graph.conditions)
    return graph


def _places(each: Object) -> tuple[str, str]:
    """Name and namespace: a namespace is in itself."""
    return each["metadata"]["name"], each["metadata"].get("namespace", "")
