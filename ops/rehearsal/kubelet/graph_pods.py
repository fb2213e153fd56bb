"""The pods of a graph, read as the programs in them read their own pods: labels, command line, variables. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from manifests.labels import COMPONENT_TYPE, GRAPH
from ops.rehearsal.kubelet.counters import COMPONENT, Role

# GKE's annotation with further networks of a pod, for machines whose NICs are no devices of DRA.
_INTERFACES = "networking.gke.io/interfaces"
_MODEL_FLAGS = ("--served-model-name", "--model-name")


@dataclass(frozen=True)
class FrontendPod:
    namespace: str
    graph: str
    port: int


@dataclass(frozen=True)
class WorkerPod:
    namespace: str
    name: str
    uid: str
    graph: str
    role: Role
    engine: str
    """Dynamo's name of the engine."""
    model: str
    port: int | None
    """Where it serves its metrics; None without the variable that the operator sets."""
    ranks: int
    """Processes that transfer KV cache: one for each GPU."""
    has_rdma: bool
    ready: bool
    started: str
    """Start of its container, as the API writes it."""
    environment: Mapping[str, str]

    def prints_tables_of(self, operation: str) -> bool:
        """Whether UCX prints its tables of `read` or `write`, and at once: a buffered stdout would keep them."""
        wanted = self.environment.get("UCX_PROTO_INFO", "n")
        return self.environment.get("UCX_LOG_FILE") == "stderr" and wanted in ("y", f"remote memory {operation}*")


def read(pod: Mapping[str, Any]) -> FrontendPod | WorkerPod | None:
    """A frontend or a worker of a graph; None for any other pod."""
    metadata, containers = pod["metadata"], pod["spec"]["containers"]
    graph, kind = (metadata.get("labels", {}).get(label) for label in (GRAPH, COMPONENT_TYPE))
    main = next((container for container in containers if container["name"] == "main"), None)
    if graph is None or main is None:
        return None
    variables = {each["name"]: each.get("value", "") for each in main.get("env", ())}
    if kind == "frontend":
        return FrontendPod(metadata["namespace"], graph, int(variables.get("DYN_HTTP_PORT", "8000")))
    if kind not in COMPONENT:
        return None
    words = [*main.get("command", ()), *main.get("args", ())]
    resources = main.get("resources", {})
    status = pod.get("status", {})
    devices = bool(resources.get("claims")) or _INTERFACES in metadata.get("annotations", {})
    tcp_only = "rc" not in variables.get("UCX_TLS", "rc")
    return WorkerPod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        graph=graph,
        role=cast(Role, kind),
        engine=_engine(words),
        model=next((words[at + 1] for at, word in enumerate(words[:-1]) if word in _MODEL_FLAGS), ""),
        port=int(variables["DYN_SYSTEM_PORT"]) if "DYN_SYSTEM_PORT" in variables else None,
        ranks=int(resources.get("limits", {}).get("nvidia.com/gpu", 1)),
        has_rdma=devices and not tcp_only,
        ready=any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ())),
        started=next(
            (each["state"].get("running", {}).get("startedAt", "") for each in status.get("containerStatuses", ())), ""
        ),
        environment=variables,
    )


def _engine(words: list[str]) -> str:
    """The module after `dynamo.`, wherever a shell has it."""
    found = re.search(r"\bdynamo\.(\w+)", " ".join(words))
    return found[1] if found else ""
