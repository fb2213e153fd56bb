"""The objects of all kinds, from an API server whose answers are written down."""

from typing import Any

from ops.rehearsal.every_object import every_object
from ops.rehearsal.kube import Kube, NotFound


class Scripted(Kube):
    def __init__(self) -> None:
        self._objects = {("v1", "Pod"): ["chat"], ("nvidia.com/v1beta1", "Graph"): ["chat", "other"]}

    def request(self, method: str, path: str, *_: Any, **__: Any) -> dict[str, Any]:
        kinds = {
            "/api/v1": [
                ("pods", "Pod", ["list", "watch"]),
                ("pods/log", "Pod", ["list", "watch"]),
                ("statuses", "Status", ["list"]),
            ],
            "/apis/nvidia.com/v1beta1": [("graphs", "Graph", ["list", "watch"]), ("gone", "Gone", ["list", "watch"])],
        }
        if path == "/apis":
            return {"groups": [{"preferredVersion": {"groupVersion": "nvidia.com/v1beta1"}}]}
        return {"resources": [{"name": name, "kind": kind, "verbs": verbs} for name, kind, verbs in kinds[path]]}

    def list(self, api_version: str, kind: str, namespace: str | None = None, selector: str = "") -> list[Any]:
        if kind == "Gone":
            raise NotFound(404, "its definition was deleted")
        return [{"kind": kind, "metadata": {"name": name}} for name in self._objects[api_version, kind]]


def test_every_kind_that_can_be_listed_is_listed_once() -> None:
    found = [(each["kind"], each["metadata"]["name"]) for each in every_object(Scripted())]
    assert found == [("Pod", "chat"), ("Graph", "chat"), ("Graph", "other")]
