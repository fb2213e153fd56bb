"""The faults of a stack's first updates, and what mends each."""

import json
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from ops.rehearsal import pool_nodes
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.possible import first_pool_with_nodes
from ops.rehearsal.faults.scene import Scene
from ops.rehearsal.faults.troubles import CANCELED, Remedy, Trouble
from ops.rehearsal.google import faults as google
from ops.rehearsal.google import gke, operations
from ops.rehearsal.kube import NotFound
from ops.rehearsal.kubelet.faults import Hub, Verification
from planning import names
from policies import kinds

JOB = ("batch/v1", "Job")
WEIGHTS_JOB = f":Weights${kinds.JOB}::"
REUSED = "cannot re-use a name that is still in use"
NO_RETRY = {"spec": {"backoffLimit": 0}}
LOST = (kinds.FIREWALL, kinds.RELEASE, kinds.CONFIG_MAP, kinds.NAMESPACE)
"""Types whose first creation's answer gets lost: each needs another mend."""
KILLED = (kinds.ROUTER_NAT, kinds.ROLE_BINDING)
"""Types at whose first creation Pulumi is killed: one in Google Cloud, one in the cluster."""
INTERRUPTED = (kinds.RELEASE, kinds.GRAPH)
"""Types at whose first creation somebody types Ctrl-C."""


class Creation:
    """Arranges the faults that were asked for, and knows by what each will show."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._pods: list[dict[str, str]] = []
        self._fetching = threading.Event()
        """Set when the weights may be fetched."""
        self._google: list[google.Fault] = []
        self._deleted: set[str] = set()
        """URNs of resources with a lost answer that were deleted since, and are created once more."""

    def troubles(self, asked: Collection[Named]) -> list[Trouble]:
        parts: dict[Named, Callable[[], Iterator[Trouble]]] = {
            Named.STOCKOUT: self._stockout,
            Named.TIMEOUT: self._timeout,
            Named.WEIGHTS: self._weights,
            Named.VERIFICATION: self._verification,
            Named.LOST_ANSWER: self._lost_answer,
            Named.INTERRUPTED: self._interrupted,
            Named.KILLED: self._killed,
        }
        found = [trouble for name, part in parts.items() if name in asked for trouble in part()]
        google.Faults(self._scene.world.faults).ask(*self._google)
        self._write_pod_faults()
        return found

    def _stockout(self) -> Iterator[Trouble]:
        found = first_pool_with_nodes(self._scene.plan)
        if not found:
            return
        pool = found.key
        self._google.append(google.Fault(urn=f"::{pool}-pool", effect=google.Effect.STOCKOUT))
        arrive = Remedy(said="GKE finds machines in the zone", apply=self._machines_arrive)
        yield Trouble(
            fault=Named.STOCKOUT,
            says=rf"^NodePool {pool}-pool: .*ZONE_RESOURCE_POOL_EXHAUSTED",
            mends=lambda: [arrive],
        )

    def _machines_arrive(self) -> None:
        """The instance group of the pool keeps trying after a stock-out."""
        with self._scene.cloud.change() as content:
            pools = [each for each in content.resources.values() if each.status == operations.ERROR]
            for pool in pools:
                pool.status = "RUNNING"
        for pool in pools:
            pool_nodes.complete(self._scene.kube, pool.state, gke.zones(pool.state))

    def _timeout(self) -> Iterator[Trouble]:
        self._google.append(google.Fault(urn="::system-pool", effect=google.Effect.TIMEOUT))
        yield Trouble(fault=Named.TIMEOUT, says=r"^NodePool system-pool: .*timeout while waiting for state")

    def _weights(self) -> Iterator[Trouble]:
        fault = {"kind": "hub", "variant": Hub.MISSING.value}
        self._pods.append(fault)
        meanwhile = self._scene.meanwhile
        # Beside the update, because it ends only when the fault is mended.
        meanwhile.once(
            Named.WEIGHTS, "create", WEIGHTS_JOB, lambda: meanwhile.beside(Named.WEIGHTS, self._without_retries)
        )
        yield Trouble(
            fault=Named.WEIGHTS,
            says=r"^Job model-weights-.*the hub does not have it \(HTTP 404\)",
            mends=lambda: [Remedy(said="the hub serves the model again", apply=lambda: self._recover(fault))],
        )

    def _without_retries(self) -> None:
        """Spares the five minutes of the Jobs' further attempts."""
        for event in self._scene.kube.watch(*JOB, stop=self._fetching):
            metadata = event.object["metadata"]
            if metadata["name"].startswith("weights-"):
                with suppress(NotFound):
                    self._scene.kube.patch(*JOB, metadata["name"], NO_RETRY, metadata["namespace"])

    def _verification(self) -> Iterator[Trouble]:
        fault = {"kind": "verification", "variant": Verification.PREFILL_IDLE.value}
        self._pods.append(fault)
        yield Trouble(
            fault=Named.VERIFICATION,
            says=r"^Job .*-proof-job: .*not verified  prefill worker served: ",
            mends=lambda: [Remedy(said="prefill workers serve again", apply=lambda: self._recover(fault))],
        )

    def _recover(self, fault: dict[str, str]) -> None:
        self._fetching.set()
        self._pods.remove(fault)
        self._write_pod_faults()

    def _write_pod_faults(self) -> None:
        self._scene.world.pod_faults.write_text(json.dumps(self._pods))

    def _lost_answer(self) -> Iterator[Trouble]:
        lost = Named.LOST_ANSWER
        created = self._scene.created(LOST)
        self._scene.answers.wanted |= {f"${kind}::": None for kind in created}
        for kind in created:
            # An update that is killed or interrupted at that moment does not say it.
            says = rf"rehearsed fault \(response lost\): \S+\${kind}::"
            yield Trouble(fault=lost, says=says, certain=False)
        if kinds.FIREWALL in created:
            yield Trouble(fault=lost, says=r"^Firewall .*Error 409", mends=lambda: [self._delete_firewall()])
        yield Trouble(fault=lost, says=REUSED, mends=lambda: [self._forget()])

    def _delete_firewall(self) -> Remedy:
        urn = self._scene.answers.urns[f"${kinds.FIREWALL}::"]
        rule = next(each for each in self._scene.cloud.resources() if each.urn == urn)

        def delete() -> None:
            with self._scene.cloud.change() as content:
                content.remove(rule.type, rule.id)
            self._deleted.add(urn)

        name, project = rule.state["name"], rule.state["project"]
        return Remedy(said=f"gcloud compute firewall-rules delete {name} --project {project} --quiet", apply=delete)

    def _forget(self) -> Remedy:
        where, name = self._scene.plan.platform_namespace, names.PLATFORM_RELEASE
        return self._scene.kubectl(f"kubectl -n {where} delete secret -l owner=helm,name={name}")

    def _interrupted(self) -> Iterator[Trouble]:
        for kind in INTERRUPTED:
            self._scene.meanwhile.once(Named.INTERRUPTED, "create", f"${kind}::", self._scene.process.interrupt)
            yield Trouble(fault=Named.INTERRUPTED, says=CANCELED)

    def _killed(self) -> Iterator[Trouble]:
        answers, kill = self._scene.answers, self._scene.process.kill
        created = self._scene.created(KILLED)
        answers.wanted |= {f"${kind}::": kill for kind in created}
        for _ in created:
            # Unless something else failed before, of which Pulumi could tell.
            yield Trouble(fault=Named.KILLED, says="^code: -9", certain=False)
            yield Trouble(fault=Named.KILLED, says="the stack is currently locked by 1 lock", mends=self._unlock)
            # Helm may have finished an install meanwhile.
            yield Trouble(fault=Named.KILLED, says=REUSED, mends=lambda: [self._forget()], certain=False)

    def _unlock(self) -> list[Remedy]:
        return [self._scene.unlock(), *self._adopt(), self._scene.refresh(clear_pending_creates=True)]

    def _adopt(self) -> Iterator[Remedy]:
        """Imports what Google Cloud created without Pulumi's knowledge, whichever creations were in flight."""
        made = {each.urn: each for each in self._scene.cloud.resources() if each.type not in operations.IDEMPOTENT}
        answers = self._scene.answers
        # A resource with a lost answer may be in flight too. Its mend is that of `_lost_answer`, once.
        lost = {urn for part, urn in answers.urns.items() if answers.wanted[part] is None} - self._deleted
        for pending in self._scene.stack.pending():
            resource = pending["resource"]
            if (urn := resource["urn"]) in made.keys() - lost:
                yield self._scene.adopt(resource, made[urn].id)
