"""The control plane and the cloud of one rehearsal, in which a stack may live several times."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ops.offline.dry_run import dry_run, planned
from ops.rehearsal.engine import beside, language_host, project, refusals, swap
from ops.rehearsal.engine.fault_proxy import Injection
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.engine.report import Report, StepReport
from ops.rehearsal.engine.request import Request
from ops.rehearsal.engine.stack import RehearsedStack
from ops.rehearsal.engine.standstill import Standstill
from ops.rehearsal.engine.steps import Steps
from ops.rehearsal.engine.swap import Swap
from ops.rehearsal.faults.life import Life
from ops.rehearsal.faults.lost_answers import LostAnswers
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.pulumi_process import PulumiProcess
from ops.rehearsal.faults.scene import Scene
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.platform import chart
from ops.rehearsal.world import World
from planning.types import Plan

UNPROTECTED = "cluster.deletionProtection=false"


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Where the stack lives. Each life begins without resources, and with the stack file as the user wrote it."""

    world: World
    request: Request
    plan: Plan
    cloud: Cloud
    cluster: beside.Cluster
    report: Report
    on_step: Callable[[StepReport], None]

    def live(self, number: int, injection: Injection | None) -> None:
        """Runs the steps from the stack's creation to its destroy."""
        world, request, plan = self.world, self.request, self.plan
        empty(world, self.cloud)
        overrides = [*request.overrides, f"versions.charts={chart.write(world, plan.platform)}"]
        has_secret = project.write(world, request.stack, overrides)
        # Elsewhere no model is swapped, and to look for one plans a stack for each card of the catalog.
        found = None if injection or request.judge else self._swap()
        standstill = Standstill(self.cluster.kube, world, plan, self.cluster.errors)
        stack = RehearsedStack(request.stack, world, Providers(world, request.programs, injection), standstill)
        tokens = project.tokens([plan, *([found.plan] if found else [])], has_secret=has_secret)
        for token in tokens:
            stack.set_secret(project.TOKEN_KEY, token)
        steps = Steps(
            world=world,
            stack=stack,
            standstill=standstill,
            plan=plan,
            unprotected=planned(request.stack, [*request.overrides, UNPROTECTED]),
            swap=found,
            cloud=self.cloud,
            kube=self.cluster.kube,
            report=self.report,
            on_step=self.on_step,
            tokens=tokens,
            number=number,
        )
        if isinstance(injection, LostAnswers):
            steps.life = Life(self._scene(stack, injection), [Named(each) for each in request.faults], steps)
        steps.run(injection, thorough=request.thorough, judge=Path(request.judge) if request.judge else None)
        self.report.converged = steps.converged
        self.report.refusals = refusals.errors(stack.refusals)

    def _swap(self) -> Swap | None:
        request = self.request
        if request.swap:
            return swap.given(request.stack, request.overrides, request.swap, self.plan)
        return swap.find(request.stack, request.overrides, self.plan)

    def _scene(self, stack: RehearsedStack, answers: LostAnswers) -> Scene:
        world, request = self.world, self.request
        (world.commands / "kubectl").symlink_to(request.kubectl or "")
        language_host.install(world)
        return Scene(
            world=world,
            stack=stack,
            plan=self.plan,
            urns=[each.urn for each in dry_run(request.stack, request.overrides).recording.resources],
            cloud=self.cloud,
            cluster=self.cluster,
            answers=answers,
            process=PulumiProcess(world, request.programs.pulumi),
        )


def empty(world: World, cloud: Cloud) -> None:
    """Deletes what an earlier life kept on purpose, such as the weights, as its owner would. APIs stay enabled."""
    with cloud.change() as content:
        content.resources.clear()
    if world.buckets.exists():
        shutil.rmtree(world.buckets)
