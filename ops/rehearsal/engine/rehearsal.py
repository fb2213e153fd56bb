"""One rehearsal, inside its private network: a life of the stack, or two, and the report."""

import json
import sys
from pathlib import Path

from rich.console import Console

from ops.commands.ending import print_errors
from ops.offline.dry_run import planned
from ops.rehearsal.engine import beside, broken_off
from ops.rehearsal.engine.fault_proxy import Injection
from ops.rehearsal.engine.report import Report, StepReport
from ops.rehearsal.engine.request import Request
from ops.rehearsal.engine.simulation import Simulation
from ops.rehearsal.faults.every import Every
from ops.rehearsal.faults.lost_answers import LostAnswers
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.possible import impossible
from ops.rehearsal.faults.strikes import Strikes
from ops.rehearsal.files import write_whole
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.world import World
from planning.types import Plan


def run(world: World) -> int:
    """Rehearses what the folder's request says, and writes the report. Returns the exit code."""
    request = Request.from_json(world.request.read_text())
    out = Console(file=sys.stderr if request.quiet else sys.stdout, highlight=False, soft_wrap=True)
    plan = planned(request.stack, request.overrides)
    report = Report(stack=request.stack)
    out.print(f"rehearsing stack {request.stack}: {_pools(plan)}", markup=False)

    def on_step(step: StepReport) -> None:
        _show(out, step)
        _write(world.progress, report)

    broken_off.say_nothing()
    cloud = Cloud(world.cloud)
    with beside.cluster(world, request.programs, cloud) as cluster:
        simulation = Simulation(
            world=world, request=request, plan=plan, cloud=cloud, cluster=cluster, report=report, on_step=on_step
        )
        lives = _lives(request)
        for number, injection in enumerate(lives, 1):
            if not report.ok:  # what the life before has left would be in the way
                report.converged = False
                report.steps.append(_no_life(number))
                on_step(report.steps[-1])
                break
            if len(lives) > 1:
                out.print(f"life {number}: {_about(injection, request, plan)}", markup=False)
            simulation.live(number, injection)
            for failure in cluster.failures:
                report.steps.append(StepReport(name="stand-ins", ok=False, seconds=0, said=failure, life=number))
                on_step(report.steps[-1])
    print_errors(report.refusals)
    _write(world.report, report)
    return report.exit_code or 0


def _write(path: Path, report: Report) -> None:
    write_whole(path, json.dumps(report.to_wire()))


def _lives(request: Request) -> list[Injection | None]:
    """What fails in each of the stack's lives, which follow one another; None for a life without a fault."""
    found: list[Injection | None] = []
    if request.fail:
        found.append(Injection(text=request.fail))
    if request.fail_every:
        found.append(Strikes(text="", every=Every(request.fail_every)))
    if request.faults:
        found.append(LostAnswers())
    return found or [None]


def _no_life(number: int) -> StepReport:
    said = "a step of the life before failed"
    return StepReport(name=f"life {number}", ok=True, seconds=0, said=said, skipped=True, life=number)


def _about(injection: Injection | None, request: Request, plan: Plan) -> str:
    if isinstance(injection, Strikes):
        return f"the first creation of each {injection.every} fails"
    asked = [Named(name) for name in request.faults]
    skipped = impossible(asked, plan)
    return f"it meets {', '.join(fault for fault in asked if fault not in skipped)}"


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
