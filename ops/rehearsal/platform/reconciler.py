"""Carries out what the pure modules beside decide about one graph: one step of Dynamo's operator."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ops.rehearsal.kube import Kube
from ops.rehearsal.platform import children, names, pods, rollout, status
from ops.rehearsal.platform.names import Object

MANAGER = "dynamo-operator"
_OWNED = (
    (names.GROUP, names.ADAPTER_KIND),
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("v1", "ServiceAccount"),
)


class Reconciler:
    """The operator's work on graphs, with the operator's own rights."""

    def __init__(self, own: Kube) -> None:
        self._own = own
        self._applied: dict[tuple[str, str], str] = {}
        """UID of the graph, and kind and name of an object → its content as last applied."""

    def step(self, graph: Object) -> None:
        """Brings the graph a step further. Raises ApiError."""
        if graph["metadata"].get("deletionTimestamp"):
            self._finalize(graph)
        else:
            self._reconcile(graph)

    def _reconcile(self, graph: Object) -> None:
        finalizers = graph["metadata"].get("finalizers", [])
        if names.FINALIZER not in finalizers:
            graph = self._change(graph, {"finalizers": [*finalizers, names.FINALIZER]})
        graph = self._scaled(graph)
        deployments = self._children(graph, "apps/v1", "Deployment")
        services = self._children(graph, "v1", "Service")
        existing = {(each["kind"], each["metadata"]["name"]) for each in (*deployments, *services)}
        step = rollout.next_step(graph, deployments)
        changes = [self._apply(graph, each, existing) for each in (*children.fixed(graph), *step.deployments)]
        namespace = graph["metadata"]["namespace"]
        for name, replicas in step.scaled.items():
            spec = {"spec": {"replicas": replicas}}
            self._own.patch("apps/v1", "Deployment", name, spec, namespace, manager=MANAGER)
        for name in step.obsolete:
            self._own.delete("apps/v1", "Deployment", name, namespace)
        if any(changes):  # the counts above are those of what was before
            deployments = self._children(graph, "apps/v1", "Deployment")
        graph = self._noted(graph, step)
        self._report(graph, status.of_graph(graph, step, deployments, _now()))

    def _noted(self, graph: Object, step: rollout.Rollout) -> Object:
        """The graph with its workers' generation noted, once that has replaced the one before."""
        noted, current = graph["metadata"].get("annotations", {}).get(names.GENERATION), pods.worker_hash(graph)
        if noted == current or step.in_progress:
            return graph
        return self._change(graph, {"annotations": {names.GENERATION: current}})

    def _scaled(self, graph: Object) -> Object:
        """The graph with the replicas of its scaling adapters, which are created and deleted as it asks for them."""
        metadata = graph["metadata"]
        there = {each["metadata"]["name"]: each for each in self._children(graph, names.GROUP, names.ADAPTER_KIND)}
        wanted = {each["metadata"]["name"]: each for each in children.adapters(graph)}
        for name in there.keys() - wanted.keys():
            self._own.delete(names.GROUP, names.ADAPTER_KIND, name, metadata["namespace"])
        adapters = [there.get(name) or self._own.create(each) for name, each in wanted.items()]
        if (components := status.scaled_components(graph, adapters)) is not None:
            graph = self._change(graph, {}, spec={"components": components})
        for adapter in adapters:
            self._report(adapter, status.of_adapter(graph, adapter))
        return graph

    def _finalize(self, graph: Object) -> None:
        """Deletes what the graph has, and then, once its pods are gone, the finalizer."""
        metadata = graph["metadata"]
        left = self._children(graph, "v1", "Pod")
        for api_version, kind in _OWNED:
            for each in self._children(graph, api_version, kind):
                left.append(each)
                if not each["metadata"].get("deletionTimestamp"):
                    self._own.delete(api_version, kind, each["metadata"]["name"], metadata["namespace"])
        others = [each for each in metadata.get("finalizers", ()) if each != names.FINALIZER]
        if not left and len(others) < len(metadata.get("finalizers", ())):
            self._change(graph, {"finalizers": others})

    def _children(self, graph: Object, api_version: str, kind: str) -> list[Object]:
        metadata = graph["metadata"]
        return self._own.list(api_version, kind, metadata["namespace"], f"{names.GRAPH}={metadata['name']}")

    def _apply(self, graph: Object, wanted: Object, existing: set[tuple[str, str]]) -> bool:
        """Applies an object that has changed since this operator applied it, or that somebody deleted."""
        kind, name, content = wanted["kind"], wanted["metadata"]["name"], json.dumps(wanted, sort_keys=True)
        key = (graph["metadata"]["uid"], f"{kind}/{name}")
        missing = kind in ("Deployment", "Service") and (kind, name) not in existing
        if changed := missing or self._applied.get(key) != content:
            self._own.apply(wanted, manager=MANAGER)
            self._applied[key] = content
        return changed

    def _change(self, graph: Object, metadata: Mapping[str, Any], **rest: Any) -> Object:
        """The graph after a patch, which fails if the graph has changed meanwhile."""
        name, namespace = graph["metadata"]["name"], graph["metadata"]["namespace"]
        patch = {"metadata": {"resourceVersion": graph["metadata"]["resourceVersion"], **metadata}, **rest}
        return self._own.patch(names.GROUP, names.GRAPH_KIND, name, patch, namespace, manager=MANAGER)

    def _report(self, of: Object, new: Mapping[str, Any]) -> None:
        """Writes a status that differs."""
        if any(of.get("status", {}).get(key) != value for key, value in new.items()):
            metadata = of["metadata"]
            self._own.patch_status(of["apiVersion"], of["kind"], metadata["name"], new, metadata["namespace"])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
