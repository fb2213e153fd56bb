"""Runs copies of prod's Jobs in the simulated cluster, beside prod's graph."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from ops.rehearsal import kubelet
from ops.rehearsal.kube import Kube, Object
from ops.rehearsal.kubelet import container_logs
from ops.rehearsal.world import World
from tests.rehearsal import graph
from tests.rehearsal.graph import NAMESPACE
from tests.rehearsal.simulated import Cluster, beside, wait_until


@dataclass(frozen=True)
class Ended:
    """How a Job ended, and its last pod."""

    condition: str
    reason: str
    exit_code: int
    message: str
    log: list[str]


@dataclass
class Jobs:
    """Runs copies of prod's Jobs."""

    world: World
    kube: Kube
    numbers: "count[int]"

    def faults(self, *entries: dict[str, str]) -> None:
        self.world.pod_faults.write_text(json.dumps(entries))

    def start(self, prefix: str, *arguments: str, **spec: Any) -> Object:
        """A copy with further arguments, and other values in its spec. Failed pods are not tried again."""
        made = graph.job(prefix)
        made["metadata"]["name"] = f"{prefix}-{next(self.numbers)}"
        made["spec"] |= {"backoffLimit": 0, **spec}
        made["spec"]["template"]["spec"]["containers"][0]["args"] += arguments
        return self.kube.create(made)

    def ended(self, started: Object) -> Ended:
        """Waits for a Job's end."""
        name = started["metadata"]["name"]
        found: list[dict[str, Any]] = []

        def over() -> bool:
            status = self.kube.get("batch/v1", "Job", name, NAMESPACE).get("status", {})
            found[:] = [each for each in status.get("conditions", ()) if each["type"] in ("Complete", "Failed")]
            return bool(found)

        wait_until(over)
        pod = self.pods(started)[-1]
        (container,) = pod["status"]["containerStatuses"]
        end = container["state"]["terminated"]
        log = self.world.container_log(NAMESPACE, pod["metadata"]["name"], container["name"])
        lines = container_logs.lines_of(log)
        return Ended(found[0]["type"], found[0].get("reason", ""), end["exitCode"], end.get("message", ""), lines)

    def reasons(self, started: Object) -> set[str]:
        """Why the Job ended."""
        status = self.kube.get("batch/v1", "Job", started["metadata"]["name"], NAMESPACE).get("status", {})
        return {each.get("reason", "") for each in status.get("conditions", ()) if each["type"] == "Failed"}

    def pods(self, started: Object) -> list[Object]:
        selector = f"batch.kubernetes.io/job-name={started['metadata']['name']}"
        return self.kube.list("v1", "Pod", NAMESPACE, selector)

    def run(self, prefix: str, *arguments: str, **spec: Any) -> Ended:
        return self.ended(self.start(prefix, *arguments, **spec))


@pytest.fixture(scope="module")
def deployed(cluster: Cluster) -> Iterator[Jobs]:
    """Prod's graph on its nodes, and the stand-in kubelet beside it."""
    with beside(lambda stop: kubelet.run(cluster.stand_in("kubelet", stop), cluster.world)):
        graph.create(cluster.kube)
        wait_until(lambda: graph.is_ready(cluster.kube))
        yield Jobs(cluster.world, cluster.kube, count())
