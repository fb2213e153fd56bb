"""The webhooks of Dynamo's operator: an HTTPS server that the API server asks before it writes a graph."""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ops.rehearsal import certificates
from ops.rehearsal.kubelet import servers
from ops.rehearsal.kubelet.servers import Reply, Request, Server
from ops.rehearsal.platform import admission
from ops.rehearsal.world import World
from planning.platform import WEBHOOK_PORT

_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Identity:
    """The running operator, as the API server knows it."""

    user: str
    version: str


def serving(world: World, running: Callable[[], Identity | None]) -> AbstractContextManager[None]:
    """Serves both webhooks while the block runs. Without an operator it answers 503: the API server refuses the write.

    `running`: the operator at that moment.
    """

    def answered(request: Request) -> Reply:
        operator = running()
        if operator is None:
            return Reply(503, b"no operator is running")
        if request.path not in ("/mutate", "/validate") or request.body is None:
            return Reply(404)
        response = answer(request.path, json.loads(request.body)["request"], operator)
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        return Reply(200, json.dumps(review).encode(), {"Content-Type": "application/json"})

    certificate = certificates.issue(world, "operator-webhook", [_HOST])
    return servers.serving(Server((_HOST, WEBHOOK_PORT), answered, certificate))


def answer(path: str, request: dict[str, Any], operator: Identity) -> dict[str, Any]:
    """The response to the request of an AdmissionReview. `path`: /mutate or /validate."""
    response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
    graph = request["object"]
    if path == "/mutate":
        if patch := admission.defaults(graph, request["operation"], operator.version):
            text = base64.b64encode(json.dumps(patch).encode()).decode()
            response |= {"patchType": "JSONPatch", "patch": text}
        return response
    found = admission.errors(graph, request.get("oldObject"), request["userInfo"]["username"], operator.user)
    if found:
        response |= {"allowed": False, "status": {"code": 403, "message": "\n".join(found)}}
    return response
