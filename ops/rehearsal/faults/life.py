"""A stack's life with the faults that were asked for: its creation, later updates, and its destroy."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from ops.rehearsal.engine import expectations
from ops.rehearsal.engine.events import Command
from ops.rehearsal.engine.expectations import Outcome
from ops.rehearsal.faults import updates
from ops.rehearsal.faults.creation import Creation
from ops.rehearsal.faults.destruction import Destruction
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.possible import impossible
from ops.rehearsal.faults.reporter import Reporter
from ops.rehearsal.faults.scene import Scene
from ops.rehearsal.faults.troubles import Trouble, judged, met, unseen

_MAX_UPDATES = 40
"""More than fail by all faults together."""


class Life:
    """Updates until one succeeds, and mends what fails, as a user does."""

    def __init__(self, scene: Scene, asked: Collection[Named], report: Reporter) -> None:
        self._scene = scene
        self._skipped = impossible(asked, scene.plan)
        self._asked = [fault for fault in asked if fault not in self._skipped]
        self._report = report
        self._doubtful: set[str] = set()
        """URNs of objects that may exist although their creation failed."""

    def create(self) -> None:
        for fault, why in self._skipped.items():
            self._report.skip(fault, why)
        self._until_ok("up", Creation(self._scene).troubles(self._asked))

    def update(self) -> None:
        """One change after the other, each with a fault."""
        if self._doubtful:
            self._until_ok("up, two owners", updates.two_owners(self._scene, self._doubtful))
        if Named.API_SERVER in self._asked:
            self._until_ok("up, API server restarts", updates.api_server(self._scene))
        if Named.NODE_LOST in self._asked:
            self._until_ok("up, node lost", updates.node_lost(self._scene))
        if Named.OPERATOR_DOWN in self._asked:
            self._until_ok("up, operator down", updates.operator_down(self._scene))

    def destroy(self, destroy: Callable[[], Command]) -> None:
        """Begins the destroy with its faults. Another one must complete it."""
        Destruction(self._scene, self._asked, self._report).run(destroy)

    def _until_ok(self, name: str, troubles: Sequence[Trouble]) -> None:
        for number in range(1, _MAX_UPDATES):
            up = self._report.command(f"{name} {number}", self._scene.stack.up, partial(self._judged, troubles))
            pending = {each["resource"]["urn"] for each in self._scene.stack.pending()}
            failed = {each.urn for each in up.failures if each.op == "create"}
            self._doubtful |= {urn for urn in pending | failed if "$kubernetes:" in urn}
            for trouble in met(troubles, up):
                trouble.met = True
                for remedy in trouble.mends():
                    self._report.mend(remedy)
            if up.ok:
                break
        missed = [*unseen(troubles), *self._scene.meanwhile.missed()]
        self._report.check(f"{name}, failures", [*missed, *self._answered(), *self._pending()])
        if self._scene.has_old_labels():  # which the next update would change
            self._report.mend(self._scene.refresh())
        self._report.command("up again", self._scene.stack.up, expectations.unchanged)

    def _judged(self, troubles: Sequence[Trouble], up: Command) -> Outcome:
        """The verdict on an update once its faults have ended, with their evidence."""
        ok, said = judged(troubles, up)
        wrong = self._scene.meanwhile.settle()
        return ok and not wrong, "; ".join([*wrong, said, *self._scene.meanwhile.seen()])

    def _answered(self) -> list[str]:
        answers = self._scene.answers
        return [f"no answer was lost of {part}" for part in answers.wanted.keys() - answers.urns.keys()]

    def _pending(self) -> list[str]:
        return [f"{each['resource']['urn']} is pending" for each in self._scene.stack.pending()]
