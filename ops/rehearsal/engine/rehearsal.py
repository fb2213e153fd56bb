"""One rehearsal, inside its private network: starts what it needs, runs the steps, writes the report."""

import json
import sys
from pathlib import Path

from rich.console import Console

from ops.commands.ending import print_errors
from ops.offline.dry_run import dry_run, planned
from ops.rehearsal.engine import beside, project, refusals, swap
from ops.rehearsal.engine.fault_proxy import Injection
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.engine.report import Report, StepReport
from ops.rehearsal.engine.request import Request
from ops.rehearsal.engine.stack import RehearsedStack
from ops.rehearsal.engine.standstill import Standstill
from ops.rehearsal.engine.steps import Steps
from ops.rehearsal.faults.every import Every
from ops.rehearsal.faults.life import Life
from ops.rehearsal.faults.lost_answers import LostAnswers
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.pulumi_process import PulumiProcess
from ops.rehearsal.faults.scene import Scene
from ops.rehearsal.faults.strikes import Strikes
from ops.rehearsal.files import write_whole
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.platform import chart
from ops.rehearsal.world import World
from planning.types import Plan

UNPROTECTED = "cluster.deletionProtection=false"


def run(world: World) -> int:
    """Rehearses what the folder's request says, and writes the report. Returns the exit code."""
    request = Request.from_json(world.request.read_text())
    out = Console(file=sys.stderr if request.quiet else sys.stdout, highlight=False, soft_wrap=True)
    plan = planned(request.stack, request.overrides)
    report = Report(stack=request.stack)
    out.print(f"rehearsing stack {request.stack}: {_pools(plan)}", markup=False)
    injection = _injection(request)

    def on_step(step: StepReport) -> None:
        _show(out, step)
        _write(world.progress, report)

    cloud = Cloud(world.cloud)
    with beside.cluster(world, request.programs, cloud) as cluster:
        overrides = [*request.overrides, f"versions.charts={chart.write(world, plan.platform)}"]
        has_secret = project.write(world, request.stack, overrides)
        standstill = Standstill(cluster.kube, world, plan)
        stack = RehearsedStack(request.stack, world, Providers(world, request.programs, injection), standstill)
        tokens = [project.placeholder_token()] if has_secret or plan.missing_token else []
        for token in tokens:
            stack.set(project.TOKEN_KEY, token, secret=True)
        steps = Steps(
            world=world,
            stack=stack,
            standstill=standstill,
            plan=plan,
            unprotected=planned(request.stack, [*request.overrides, UNPROTECTED]),
            swap=swap.find(request.stack, request.overrides, plan),
            cloud=cloud,
            kube=cluster.kube,
            report=report,
            on_step=on_step,
            tokens=tokens,
        )
        if isinstance(injection, LostAnswers):
            (world.commands / "kubectl").symlink_to(request.kubectl or "")
            scene = Scene(
                world=world,
                stack=stack,
                plan=plan,
                urns=[each.urn for each in dry_run(request.stack, request.overrides).recording.resources],
                cloud=cloud,
                cluster=cluster,
                answers=injection,
                process=PulumiProcess(world, request.programs.pulumi),
            )
            steps.life = Life(scene, [Named(each) for each in request.faults], steps)
        steps.run(injection, thorough=request.thorough, judge=Path(request.judge) if request.judge else None)
        for failure in cluster.failures:
            report.steps.append(StepReport(name="stand-ins", ok=False, seconds=0, said=failure))
            _show(out, report.steps[-1])
        report.refusals = refusals.errors(stack.refusals)
    print_errors(report.refusals)
    _write(world.report, report)
    return report.exit_code or 0


def _write(path: Path, report: Report) -> None:
    write_whole(path, json.dumps(report.to_wire()))


def _injection(request: Request) -> Injection | None:
    if request.faults:
        return LostAnswers()
    if request.fail_every:
        return Strikes(text="", every=Every(request.fail_every))
    return Injection(text=request.fail) if request.fail else None


def _pools(plan: Plan) -> str:
    return ", ".join(f"{pool.name} ({pool.machine.name})" for pool in plan.pools)


def _show(out: Console, step: StepReport) -> None:
    if step.skipped:
        out.print(f"skipped  {step.name}: {step.said}", markup=False)
        return
    mark = "ok    " if step.ok else "FAILED"
    out.print(f"{mark}  {step.seconds:6.1f} s  {step.name}: {step.said}", markup=False)
    for error in step.errors:
        out.print(f"  {error}", markup=False, style="red")
