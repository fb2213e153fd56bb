"""What the pods of a graph answer: frontends that list and serve the model, workers that count.

A stand-in without engine: there is no GPU, no NIXL and no router, and an answer is one fixed sentence. It shows that
the verification finds its way to frontend and workers through Services and pod addresses, and judges what they count.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ops.rehearsal.kube import Kube
from ops.rehearsal.kubelet import container_logs, faults, ucx_tables
from ops.rehearsal.kubelet.counters import Worker, logging_role
from ops.rehearsal.kubelet.faults import Verification
from ops.rehearsal.kubelet.graph_pods import GRAPH, FrontendPod, WorkerPod, read
from ops.rehearsal.kubelet.network import Network
from ops.rehearsal.kubelet.servers import Reply, Request, Server
from ops.rehearsal.world import World

ANSWER = "a river runs past the garden"
GARBAGE = "<html><body>502 Bad Gateway</body></html>\n"


@dataclass
class Graphs:
    """The state of all simulated graphs: what each worker has counted, by the UID of its pod."""

    kube: Kube
    world: World
    workers: dict[str, Worker] = field(default_factory=dict[str, Worker])
    lock: threading.Lock = field(default_factory=threading.Lock)
    turns: "count[int]" = field(default_factory=count)

    def models(self, frontend: FrontendPod) -> list[str]:
        """The models with a ready worker of each role, as a frontend lists them."""
        if Verification.NO_MODEL in faults.of_graph(self.world, frontend.graph):
            return []
        workers = self._workers(frontend)
        roles = {worker.role for worker in workers}
        return sorted({worker.model for worker in workers}) if "worker" in roles or len(roles) == 2 else []

    def serve(self, frontend: FrontendPod) -> None:
        """Counts one request, at the next worker of each role in turn."""
        found = faults.of_graph(self.world, frontend.graph)
        workers, turn = self._workers(frontend), next(self.turns)
        of_role = {role: [each for each in workers if each.role == role] for role in ("prefill", "decode", "worker")}
        chosen = [pods[turn % len(pods)] for pods in of_role.values() if pods]
        idle = Verification.PREFILL_IDLE in found
        moves = len(chosen) == 2 and not idle
        with self.lock:
            for pod in chosen:
                if not (idle and pod.role == "prefill"):
                    self._worker(pod).serves(transfers=moves, fails=Verification.FAILED_TRANSFERS in found)
            if moves:
                self._log(chosen, tcp=Verification.TCP in found)

    def page(self, pod: WorkerPod) -> str:
        """The metrics of a worker."""
        if Verification.GARBAGE_METRICS in faults.of_graph(self.world, pod.graph):
            return GARBAGE
        with self.lock:
            return self._worker(pod).page()

    def _worker(self, pod: WorkerPod) -> Worker:
        return self.workers.setdefault(pod.uid, Worker(pod.engine, pod.role))

    def _workers(self, frontend: FrontendPod) -> list[WorkerPod]:
        pods = self.kube.list("v1", "Pod", frontend.namespace, f"{GRAPH}={frontend.graph}")
        return [found for pod in pods if isinstance(found := read(pod), WorkerPod) and found.ready]

    def _log(self, pair: Sequence[WorkerPod], *, tcp: bool) -> None:
        """Prints UCX's tables into the log of the worker that moves KV cache, if its variables ask for them."""
        rdma = all(pod.has_rdma for pod in pair) and not tcp
        for pod in pair:
            log = self.world.container_log(pod.namespace, pod.name, "main")
            rule = logging_role(pod.engine)
            if rule and rule["role"] == pod.role and pod.prints_tables_of(rule["operation"]) and not log.exists():
                title = {"read": ucx_tables.READ, "write": ucx_tables.WRITE}[rule["operation"]]
                table = (ucx_tables.RDMA if rdma else ucx_tables.TCP).but(operation=title)
                container_logs.append(log, [f"INFO dynamo.{pod.engine}: starting"], pod.started)
                for rank in range(pod.ranks):
                    container_logs.append(log, ucx_tables.log("1.22", table, pid=300 + rank))


def servers(graphs: Graphs, network: Network, ports: Sequence[int]) -> list[Server]:
    """One server for each port; the address at which a request arrives tells whose it is."""

    def answered(request: Request) -> Reply | None:
        behind = network.pod(*request.at)
        pod = read(behind[0]) if behind else None
        return _answer(graphs, pod, request) if behind and pod and pod.port == behind[1] else None

    return [Server(("", port), answered) for port in ports]


def _answer(graphs: Graphs, pod: FrontendPod | WorkerPod, request: Request) -> Reply:
    match pod, request.path:
        case _, "/health" | "/live":
            return Reply(200)
        case WorkerPod(), "/metrics":
            return Reply(200, graphs.page(pod).encode())
        case FrontendPod(), "/v1/models":
            return _json(200, {"data": [{"id": name, "object": "model"} for name in graphs.models(pod)]})
        case FrontendPod(), "/v1/chat/completions" if request.body is not None:
            return _completion(graphs, pod, json.loads(request.body))
        case _:
            return Reply(404)


def _completion(graphs: Graphs, pod: FrontendPod, body: Mapping[str, Any]) -> Reply:
    if body.get("model") not in graphs.models(pod):
        return _json(404, {"error": {"message": "Model not found"}})
    if Verification.ERROR_BODY in faults.of_graph(graphs.world, pod.graph):
        return _json(200, {"error": {"message": "no worker available", "code": 503}})
    graphs.serve(pod)
    message = {"role": "assistant", "content": ANSWER}
    return _json(200, {"object": "chat.completion", "choices": [{"message": message, "finish_reason": "stop"}]})


def _json(status: int, content: Mapping[str, Any]) -> Reply:
    return Reply(status, json.dumps(content).encode())
