"""The steps of a rehearsal: Pulumi's commands in the order in which a team runs them."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ops.changes.gcp_inputs import sdk_version
from ops.rehearsal.engine import checks, expectations, hostile_pods, left_over, project
from ops.rehearsal.engine.autoscaler import Autoscaler, one_more
from ops.rehearsal.engine.events import Command
from ops.rehearsal.engine.expectations import Expectation, Outcome
from ops.rehearsal.engine.fault_proxy import Injection
from ops.rehearsal.engine.report import Report, StepReport
from ops.rehearsal.engine.secret_search import search, search_cloud, search_objects
from ops.rehearsal.engine.stack import RehearsedStack
from ops.rehearsal.engine.standstill import Standstill
from ops.rehearsal.engine.swap import Swap
from ops.rehearsal.engine.timeline import timeline
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.every_object import every_object
from ops.rehearsal.faults.life import Life
from ops.rehearsal.faults.strikes import Strikes, judged
from ops.rehearsal.faults.troubles import Remedy, failure
from ops.rehearsal.google.cloud import Cloud
from ops.rehearsal.kube import Kube
from ops.rehearsal.world import World
from planning.types import Plan
from policies import kinds

_MAX_UPDATES = 200
"""More than any stack has resources, each of which may fail once."""


_NO_TOKEN = "the stack has no token"
_IN_CLOUD = "in Google Cloud in Secret Manager only"


class Stopped(Exception):
    """A step failed on which the next ones build."""


@dataclass(kw_only=True)
class Steps:
    world: World
    stack: RehearsedStack
    standstill: Standstill
    plan: Plan
    """The stack's plan."""
    unprotected: Plan
    """The plan of the stack that is about to be destroyed."""
    swap: Swap | None
    cloud: Cloud
    kube: Kube
    report: Report
    on_step: Callable[[StepReport], None]
    tokens: list[str] = field(default_factory=list[str])
    """Secrets of the stack, to be found wherever they should not be."""
    number: int = 1
    """Which life of the stack this is."""
    life: Life | None = None
    """This life, if it meets the faults that were asked for by name."""
    converged: bool | None = None
    """Whether updates completed in this life what the failed ones began; None without a fault."""

    def run(self, injection: Injection | None, *, thorough: bool, judge: Path | None = None) -> None:
        """Runs all steps, until one fails on which the others build."""
        try:
            if injection and thorough:
                self.skip("thorough steps", "a rehearsal with a fault has none of them")
            if judge:
                self._judged(judge)
            elif self.life:
                self._with_named_faults(self.life)
            elif isinstance(injection, Strikes):
                self._with_many_faults(injection)
            elif injection:
                self._with_fault(injection)
            else:
                self._without_fault(thorough)
        except Stopped:
            return

    def _without_fault(self, thorough: bool) -> None:
        self._do("preview", self.stack.preview, expectations.previewed, needed=True)
        up = self._do("up", self.stack.up, expectations.done, needed=True)
        self.report.timeline = timeline(up.steps, self.stack.resources())
        self._check()
        self._do("up again", self.stack.up, expectations.unchanged)
        self._do("refresh", self.stack.refresh, expectations.unchanged)
        if thorough:
            self._rotate_token()
            self._scale_elsewhere()
        self._swap_model()
        self._destroy()

    def _judged(self, judge: Path) -> None:
        """Google's own provider previews what the stand-in has created. It never gets further than that."""
        up = self._do("up", self.stack.up, expectations.done, needed=True)
        self.report.timeline = timeline(up.steps, self.stack.resources())
        self.stack.set("dynamo-gke:preflight", "false")  # its answers would come from the stand-in
        preview = self.stack.preview(judge)
        ok, said = expectations.agrees(preview)
        errors = (*preview.errors(), *expectations.differences(preview))
        name = f"preview by Google's provider {sdk_version()}"
        self._report(StepReport(name=name, ok=ok, seconds=preview.seconds, said=said, errors=errors))

    def _with_fault(self, injection: Injection) -> None:
        injection.armed.set()
        self._do("up, which fails", self.stack.up, expectations.fails_at(lambda: injection.failed), needed=True)
        injection.armed.clear()
        self.report.failed, self.converged = injection.failed, False
        try:
            self._do("up", self.stack.up, expectations.done, needed=True)
            self._do("up again", self.stack.up, expectations.unchanged, needed=True)
            self.converged = True
        finally:  # what did not converge must still leave nothing
            self._destroy()

    def _with_many_faults(self, strikes: Strikes) -> None:
        """Updates until one succeeds. Each ends at new failures and gets further than the one before."""
        strikes.armed.set()
        self.converged = False
        created: dict[str, str] = {}
        try:
            for number in range(1, _MAX_UPDATES + 1):
                before, name = len(strikes.struck), f"up {number}"
                expect = partial(_judged_since, strikes, before)
                up = self._do(name, self.stack.up, expect, needed=True)
                made = {step.urn for step in up.steps if step.op == "create" and not step.failed}
                created |= {urn: name for urn in strikes.struck.values() if urn in made and urn not in created}
                if up.ok:
                    break
            self._do("up again", self.stack.up, expectations.unchanged, needed=True)
            self.converged = True
        finally:
            self.report.struck = {urn: created.get(urn, "") for urn in strikes.struck.values()}
            if missed := strikes.missed(self._urns()):
                said = f"no creation failed of {expectations.listed(missed)}"
                self._report(StepReport(name=f"every {strikes.every}", ok=False, seconds=0, said=said))
            self._destroy()

    def _with_named_faults(self, life: Life) -> None:
        self.converged = False
        try:
            with self._rehearsed():
                life.create()
                life.update()
                self.converged = True
        finally:
            self._destroy()

    @contextmanager
    def _rehearsed(self) -> Iterator[None]:
        """Reports that something which had to happen did not, such as a sentence of `status`."""
        try:
            yield
        except RehearsalError as error:
            self._report(StepReport(name="rehearsal", ok=False, seconds=0, said=str(error)))
            raise Stopped from error

    def command(self, name: str, command: Callable[[], Command], expect: Expectation, /) -> Command:
        return self._do(name, command, expect, needed=True)

    def mend(self, remedy: Remedy, /) -> None:
        began, why = time.monotonic(), failure(remedy)
        seconds = time.monotonic() - began
        self._report(StepReport(name=f"mend: {remedy.said}", ok=not why, seconds=seconds, said=why or "done"))
        if why:
            raise Stopped

    def check(self, name: str, complaints: list[str], /) -> None:
        said = expectations.listed(complaints, "; ") or "as expected"
        self._report(StepReport(name=name, ok=not complaints, seconds=0, said=said))

    def _check(self) -> None:
        """What no command of Pulumi shows: names and selectors that lead nowhere, a chance order, no protection."""
        began, state = time.monotonic(), self.stack.resources()
        every = [*every_object(self.kube)]
        found = [
            *checks.of_stack(state, every, self.cloud.resources(), self.plan),
            *hostile_pods.violations(self.kube, self.plan.namespace),
        ]
        said = f"{len(state)} resources and {len(every)} objects of the cluster, {len(found) or 'nothing'} wrong"
        seconds = time.monotonic() - began
        self._report(StepReport(name="check", ok=not found, seconds=seconds, said=said, errors=found))

    def _swap_model(self) -> None:
        if not self.swap:
            self.skip("swap", "no other card of the catalog fits on the stack's pools")
            return
        self.standstill.plan = self.swap.plan
        for path, value in self.swap.settings.items():
            self.stack.set(path, value)
        first = ", all engines stopped first" if self.swap.stops_all_first else ""
        name = f"swap {self.swap.before} for {self.swap.after}{first}"
        self._do(name, self.stack.up, expectations.only_graphs(self.swap.graph, swaps=True))

    def _rotate_token(self) -> None:
        if not self.tokens:
            self.skip("another token", _NO_TOKEN)
            return
        resources = self.stack.resources()
        if not any(each["type"] in (kinds.SECRET, kinds.SECRET_VERSION) for each in resources):
            self.skip("another token", "no model of the stack is gated, so no object has the token")
            return
        self.tokens.append(project.placeholder_token())
        self.stack.set_secret(project.TOKEN_KEY, self.tokens[-1])
        versions = [each["urn"] for each in resources if each["type"] == kinds.SECRET_VERSION]
        self._do("another token", self.stack.up, expectations.token_rotated(versions))

    def _scale_elsewhere(self) -> None:
        """Updates graphs whose roles an autoscaler has scaled. Without a change of theirs Pulumi would send nothing."""
        wanted = one_more(self.plan)
        if not wanted:
            self.skip("up after an autoscaler", "no autoscaler of the stack may add an engine")
            return
        autoscaler = Autoscaler(kube=self.kube, namespace=self.plan.namespace, wanted=wanted)
        with self._rehearsed():
            autoscaler.scale()
        for graph in self.plan.graphs:
            if graph.name in autoscaler.graphs:
                fewer = graph.frontend.replicas - 1  # which fit, where more may not
                self.stack.set_frontends(graph.name, fewer or 2)
        self._do("up after an autoscaler", self.stack.up, expectations.keeps(wanted, autoscaler.replicas))

    def _destroy(self) -> None:
        """As docs/upgrade-and-teardown.md tells a user to."""
        if self.plan.deletion_protection:
            kept = expectations.refused(self._urns(), self._urns)
            self._do("destroy, protected", self.stack.destroy, kept)
            self.stack.set("dynamo-gke:cluster.deletionProtection", "false")
            self._do("up, protection off", self.stack.up, expectations.done)
        resources = self.stack.resources()
        if self.unprotected.keeps_weights:
            self.stack.unprotect([resource["urn"] for resource in resources if resource["type"] == kinds.BUCKET])
        self._search()
        objects = left_over.objects(resources)
        if self.life and self.converged:
            with self._rehearsed():
                self.life.destroy(self.stack.destroy)
        staying = left_over.kept(resources, weights=self.unprotected.keeps_weights)
        gone = expectations.nothing_left(lambda: self._left(objects, staying), resources, staying)
        self._do("destroy", self.stack.destroy, gone, needed=True)

    def _urns(self) -> set[str]:
        return {resource["urn"] for resource in self.stack.resources()}

    def _left(self, objects: list[left_over.Object], staying: list[Mapping[str, Any]]) -> list[str]:
        file = self.world.deleted_with_cluster
        lost = json.loads(file.read_text()) if file.exists() else []  # an update may fail before there is a cluster
        return [
            *left_over.outlived(objects, lost),
            *left_over.in_cloud(self.cloud.resources(), staying),
            *left_over.in_stack(self.kube, objects, self.stack.resources()),
        ]

    def _search(self) -> None:
        """Looks for the tokens in every file and object.

        Not in the cluster's own store, in which a Secret is plain: its objects are read from the API server.
        """
        if not self.tokens:
            self.skip("token in plain text", _NO_TOKEN)
            return
        began = time.monotonic()
        found = search(self.world.folder, tuple(self.tokens), ignored=self.world.folder / "control-plane")
        places = [
            *map(str, found.found),
            *search_objects(every_object(self.kube), tuple(self.tokens)),
            *search_cloud(self.cloud.resources()),
        ]
        said = f"in {', '.join(places)}" if places else f"in none of {found.files} files, in no object, {_IN_CLOUD}"
        seconds = time.monotonic() - began
        self._report(StepReport(name="token in plain text", ok=not places, seconds=seconds, said=said))

    def _do(self, name: str, command: Callable[[], Command], expect: Expectation, *, needed: bool = False) -> Command:
        """Runs a command and reports it. Raises Stopped if it is `needed` and did not do what was expected."""
        ran = command()
        ok, said = expect(ran)
        self._report(StepReport(name=name, ok=ok, seconds=ran.seconds, said=said, errors=() if ok else ran.errors()))
        if needed and not ok:
            raise Stopped
        return ran

    def skip(self, name: str, why: str, /) -> None:
        self._report(StepReport(name=name, ok=True, seconds=0, said=why, skipped=True))

    def _report(self, step: StepReport) -> None:
        numbered = replace(step, life=self.number)
        self.report.steps.append(numbered)
        self.on_step(numbered)


def _judged_since(strikes: Strikes, before: int, command: Command) -> Outcome:
    """The verdict on an update, by the creations that failed after the first `before` ones."""
    return judged(command, [*strikes.struck.values()][before:])
