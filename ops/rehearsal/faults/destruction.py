"""The faults of a destroy that waits for the graph's finalizers, and what mends them."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from ops.rehearsal.engine.events import Command
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.reporter import Reporter
from ops.rehearsal.faults.scene import Scene, wait_until
from ops.rehearsal.faults.troubles import CANCELED, Remedy, Trouble, failure, judged, met, unseen
from ops.rehearsal.kube import NotFound, Object
from ops.rehearsal.platform import names

HELD = "example.com/held"
"""A finalizer that no controller removes."""
NO_WEBHOOKS = (
    "kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration "
    "-l app.kubernetes.io/part-of=dynamo-operator"
)
FAULTS = (Named.OPERATOR_DOWN, Named.STUCK_FINALIZER)


class Destruction:
    """A destroy that hangs, and is interrupted if nothing but an edit of the graph mends it."""

    def __init__(self, scene: Scene, asked: Collection[Named], report: Reporter) -> None:
        self._scene = scene
        self._faults = [fault for fault in FAULTS if fault in asked]
        self._report = report
        graph = scene.plan.graphs[0]
        self._graph = (names.GROUP, names.GRAPH_KIND, graph.name, graph.namespace)

    def run(self, destroy: Callable[[], Command]) -> None:
        """Begins the destroy. Another one must be able to complete it."""
        held = Named.STUCK_FINALIZER in self._faults
        if held:
            self._hold()  # while the operator's webhook answers
        if Named.OPERATOR_DOWN in self._faults:
            self._scene.stop_operator()
        troubles = [Trouble(fault=Named.STUCK_FINALIZER, says=CANCELED)] if held else []
        name = f"destroy, {' and '.join(self._faults)}"
        if self._faults:
            ran = self._report.command(name, partial(self._meddled, destroy), partial(judged, troubles))
            for trouble in met(troubles, ran):
                trouble.met = True
            self._report.check(f"{name}, failures", [*unseen(troubles)])
        if held:
            self._edit_graph()

    def _edit_graph(self) -> None:
        """As docs/upgrade-and-teardown.md says for an operator that is gone for good."""
        *_, graph, namespace = self._graph
        patch = """--type merge --patch '{"metadata":{"finalizers":null}}'"""
        edit = self._scene.kubectl(f"kubectl --namespace {namespace} patch dynamographdeployment {graph} {patch}")
        self._scene.stop_operator()
        refusal = failure(edit)
        wrong = [] if "failed calling webhook" in refusal else [f"not refused: {refusal or edit.said}"]
        self._report.check("edit of the graph without its operator is refused", wrong)
        self._report.mend(self._scene.kubectl(NO_WEBHOOKS))
        # The API server asks the webhooks for another moment.
        self._report.mend(Remedy(said=edit.said, apply=lambda: wait_until(lambda: not failure(edit), "edit")))

    def _hold(self) -> None:
        metadata = self._scene.kube.get(*self._graph)["metadata"]
        finalizers = [*metadata.get("finalizers", ()), HELD]
        self._scene.kube.patch(*self._graph[:3], {"metadata": {"finalizers": finalizers}}, self._graph[3])

    def _meddled(self, destroy: Callable[[], Command]) -> Command:
        """The destroy, with what happens to the graph meanwhile."""
        with ThreadPoolExecutor(max_workers=1) as beside:  # its end waits for the destroy
            running = beside.submit(destroy)
            self._meddle()
        return running.result()

    def _meddle(self) -> None:
        try:
            wait_until(self._is_deleted, "deletion of the graph")
            if Named.OPERATOR_DOWN in self._faults:
                self._expect(f"the operator, which does not run, removes finalizer {names.FINALIZER}: start it first")
                self._report.mend(self._scene.start_operator())
            if Named.STUCK_FINALIZER in self._faults:
                wait_until(lambda: self._finalizers() == [HELD], "end of the operator's work")
                self._expect(f"the controller that set finalizer {HELD} has to remove it")
                self._scene.process.interrupt()
        except BaseException:
            with suppress(ProcessLookupError):  # it has ended
                self._scene.process.interrupt()  # the destroy would wait as long as the graph does
            raise

    def _expect(self, sentence: str) -> None:
        said = self._scene.status()
        if not any(sentence in each for each in said):
            raise RehearsalError(f"status does not say {sentence!r}, but: {'; '.join(said)}")

    def _is_deleted(self) -> bool:
        graph = self._found()
        return graph is not None and "deletionTimestamp" in graph["metadata"]

    def _finalizers(self) -> list[str]:
        graph = self._found()
        return graph["metadata"].get("finalizers", []) if graph else []

    def _found(self) -> Object | None:
        try:
            return self._scene.kube.get(*self._graph)
        except NotFound:
            return None
