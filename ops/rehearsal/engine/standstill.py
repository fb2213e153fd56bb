"""Ends a command of Pulumi that waits for a simulated cluster in which nothing changes any more, and says why.

A wait of the program lasts up to 70 minutes, because real machines take that long. Here the stand-ins, the scheduler
and the node adder have done all that they will ever do after seconds.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from ops.rehearsal.engine.events import StepEvent, is_resource, paired, short, type_of
from ops.rehearsal.engine.waiting import waiting
from ops.rehearsal.kube import ApiError, Kube, NotFound
from ops.rehearsal.platform import names
from ops.rehearsal.world import World
from planning.types import Plan

SECONDS_BETWEEN_LOOKS = 2.0
QUIET_SECONDS = 40.0
"""More than any stand-in waits before it acts again, also on a busy machine."""
JOB_SECONDS = 300.0
"""The same while the program of a Job runs or is about to run again, which changes nothing before its end."""
_CHANGING = (
    ("v1", "Namespace"),
    ("v1", "Pod"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("resource.k8s.io/v1", "ResourceClaim"),
    (names.GROUP, names.GRAPH_KIND),
    (names.GROUP, names.ADAPTER_KIND),
)
"""Kinds that change while anything goes on."""
_NODE = ("v1", "Node")
"""Nodes come and go. Their heartbeats, which change them for ever, do not count."""

_LOOK = "`rehearse --keep` keeps the folder with all logs; `./dynamo-gke render` shows the objects as they are sent"

Objects = Mapping[str, list[dict[str, Any]]]
"""Kind → its objects."""


class Standstill:
    """Watches the simulated cluster during commands. `plan`: of the stack as the command finds it."""

    def __init__(self, kube: Kube, world: World, plan: Plan, errors: Callable[[], Sequence[str]] = tuple) -> None:
        """`errors`: what the stand-ins cannot do at present."""
        self._kube, self._world, self._errors = kube, world, errors
        self.plan = plan

    @contextmanager
    def ending(self, steps: Sequence[StepEvent], cancel: Callable[[], None]) -> Iterator[list[str]]:
        """Calls `cancel` when the command in the block waits in vain. Yields why, a list that is empty otherwise.

        `steps`: what the command's steps have done so far, which grows.
        """
        why: list[str] = []
        ended = threading.Event()
        with ThreadPoolExecutor(max_workers=1) as thread:
            watching = thread.submit(self._watch, steps, cancel, ended)
            try:
                yield why
            finally:
                ended.set()
                why += watching.result()

    def _watch(self, steps: Sequence[StepEvent], cancel: Callable[[], None], ended: threading.Event) -> list[str]:
        seen: Any = None
        since = time.monotonic()
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            waits_for = awaited(steps)
            objects = self._objects() if waits_for else None
            found = objects and (len(steps), _versions(objects))
            limit = JOB_SECONDS if objects and _has_busy_job(objects) else QUIET_SECONDS
            if not found or found != seen:
                seen, since = found, time.monotonic()
            elif time.monotonic() > since + limit:
                try:
                    why = [*self._errors(), *waiting(self._kube, self._world, self.plan)]
                    return [_sentence(waits_for, limit), *why, _LOOK]
                finally:
                    cancel()
        return []

    def _objects(self) -> Objects | None:
        """What may change; None while the API server does not answer, such as during its restart."""
        try:
            return {kind: self._existing(api_version, kind) for api_version, kind in (*_CHANGING, _NODE)}
        except ApiError:
            return None

    def _existing(self, api_version: str, kind: str) -> list[dict[str, Any]]:
        try:
            return self._kube.list(api_version, kind)
        except NotFound:  # the kind has no definition yet
            return []


def awaited(steps: Sequence[StepEvent]) -> list[str]:
    """URNs of the cluster's objects that alone the engine waits for; none while it does anything else."""
    _, unended = paired([*steps])
    urns = [step.urn for step in unended if is_resource(step.urn)]
    return urns if all(type_of(urn).startswith("kubernetes:") for urn in urns) else []


def _sentence(waits_for: Sequence[str], seconds: float) -> str:
    return (
        f"nothing has changed in the simulated cluster for {seconds:.0f} s, so this would wait until its timeout: "
        f"{', '.join(map(short, waits_for))}"
    )


def _versions(objects: Objects) -> list[tuple[str, str]]:
    return [
        (each["metadata"]["uid"], "" if kind == _NODE[1] else each["metadata"]["resourceVersion"])
        for kind, of in objects.items()
        for each in of
    ]


def _has_busy_job(objects: Objects) -> bool:
    """Whether a Job's program runs, or has failed and runs again."""
    running = any(
        pod["status"].get("phase") == "Running" and "Job" in {owner["kind"] for owner in _owners(pod)}
        for pod in objects["Pod"]
    )
    return running or any(
        job.get("status", {}).get("failed") and not job["status"].get("conditions") for job in objects["Job"]
    )


def _owners(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return pod["metadata"].get("ownerReferences", [])
