"""The pods that Dynamo's operator makes of a component: the graph's pod template with the operator's defaults. Pure.

As operator 1.5 does it for Deployments. Not shown: secrets for pulling images, sidecars, several nodes per engine,
planners and endpoint pickers.
"""

import hashlib
import json
from typing import Any

from ops.rehearsal.platform import names
from ops.rehearsal.platform.names import Object

HASH_LENGTH = 8
_DEFAULT_SHARED_MEMORY = "8Gi"
_SHARED_MEMORY, _SHARED_MEMORY_PATH = "shared-memory", "/dev/shm"


def worker_hash(graph: Object) -> str:
    """The workers' generation: a hash of what all workers run. Another number of replicas does not change it."""
    spec = graph["spec"]
    workers = [
        {key: value for key, value in component.items() if key not in ("replicas", "scalingAdapter")}
        for component in names.components(graph)
        if names.is_worker(component)
    ]
    shared = [spec.get(key) for key in ("backendFramework", "env", "annotations", "labels")]
    text = json.dumps([shared, sorted(workers, key=lambda worker: str(worker["name"]))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def template(graph: Object, component: Object, generation: str) -> Object:
    """The pod template of a component's Deployment. `generation`: the workers' hash, for a worker."""

    def shared(key: str) -> dict[str, str]:
        return graph["spec"].get(key, {})

    given = component.get("podTemplate", {})
    metadata, spec = given.get("metadata", {}), dict(given.get("spec", {}))
    defaults = {"terminationGracePeriodSeconds": 60, "serviceAccountName": names.discovery(graph["metadata"]["name"])}
    # Only pods without a security context of their own get the group of the images' user.
    spec = {**defaults, "securityContext": {"fsGroup": 1000}, **spec}
    main, others = _main(spec), [each for each in spec["containers"] if each["name"] != "main"]
    spec["containers"] = [_merged(graph, component, generation, main), *others]
    _share_memory(spec, component.get("sharedMemorySize", _DEFAULT_SHARED_MEMORY))
    return {
        "metadata": {
            "labels": {**shared("labels"), **metadata.get("labels", {}), **_labels(graph, component, generation)},
            "annotations": {**shared("annotations"), **metadata.get("annotations", {})},
        },
        "spec": spec,
    }


def _main(spec: Object) -> Object:
    return next(each for each in spec["containers"] if each["name"] == "main")


def _labels(graph: Object, component: Object, generation: str) -> dict[str, str]:
    metadata = graph["metadata"]
    metrics = metadata.get("annotations", {}).get("nvidia.com/enable-metrics") != "false"
    return {
        names.GRAPH: metadata["name"],
        names.COMPONENT: component["name"],
        names.NAMESPACE: names.dynamo_namespace(metadata["namespace"], metadata["name"]),
        names.DISCOVERY_BACKEND: "kubernetes",
        names.DISCOVERY_ENABLED: "true",
        **({names.COMPONENT_TYPE: component["type"]} if "type" in component else {}),
        **({names.METRICS_ENABLED: "true"} if metrics else {}),
        **({names.WORKER_HASH: generation} if names.is_worker(component) else {}),
    }


def _merged(graph: Object, component: Object, generation: str, main: Object) -> Object:
    """The container `main` with the operator's defaults, each of which the graph's own value replaces whole."""
    defaults = _worker_defaults() if names.is_worker(component) else {}
    if component.get("type") == "frontend":
        defaults = _frontend_defaults(with_command="command" not in main)
    env = [*_env(graph, component, generation), *graph["spec"].get("env", ()), *main.get("env", ())]
    ports = {port["name"]: port for port in (*defaults.get("ports", ()), *main.get("ports", ()))}
    merged = {**defaults, **main, "env": list({each["name"]: each for each in env}.values())}
    return merged | ({"ports": list(ports.values())} if ports else {})


def _env(graph: Object, component: Object, generation: str) -> list[Object]:
    metadata = graph["metadata"]
    namespace = names.dynamo_namespace(metadata["namespace"], metadata["name"])
    values = {
        "DYN_NAMESPACE": namespace,
        "DYN_COMPONENT": component.get("type", component["name"]),
        "DYN_PARENT_DGD_K8S_NAME": metadata["name"],
        "DYN_PARENT_DGD_K8S_NAMESPACE": metadata["namespace"],
        "DYN_DISCOVERY_BACKEND": "kubernetes",
    }
    if names.is_worker(component):
        values |= {
            "DYN_SYSTEM_PORT": "9090",
            "DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS": '["generate"]',
            "DYN_HEALTH_CHECK_ENABLED": "true",
            "NIXL_TELEMETRY_ENABLE": "n",
            "NIXL_TELEMETRY_EXPORTER": "prometheus",
            "NIXL_TELEMETRY_PROMETHEUS_PORT": "19090",
            "DYN_FORWARDPASS_METRIC_PORT": "20380",
            "DYN_NAMESPACE_WORKER_SUFFIX": generation,
        }
    elif component.get("type") == "frontend":
        values |= {"DYN_HTTP_PORT": "8000", "DYN_NAMESPACE_PREFIX": namespace}
    fields = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "POD_UID": "metadata.uid"}
    return [
        *({"name": name, "value": value} for name, value in values.items()),
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
    ]


def _worker_defaults() -> Object:
    return {
        "ports": [_port("system", 9090), _port("nixl", 19090)],
        "startupProbe": _probe("/live", "system", periodSeconds=10, timeoutSeconds=5, failureThreshold=720),
        "readinessProbe": _probe("/health", "system", periodSeconds=10, timeoutSeconds=4, failureThreshold=3),
        "livenessProbe": _probe("/live", "system", periodSeconds=5, timeoutSeconds=4, failureThreshold=3),
    }


def _frontend_defaults(*, with_command: bool) -> Object:
    ready = _probe("/health", "http", initialDelaySeconds=10, periodSeconds=10, timeoutSeconds=3, failureThreshold=3)
    alive = _probe("/live", "http", initialDelaySeconds=15, periodSeconds=10, timeoutSeconds=1, failureThreshold=3)
    command = {"command": ["python3"], "args": ["-m", "dynamo.frontend"]} if with_command else {}
    return {**command, "ports": [_port("http", 8000)], "readinessProbe": ready, "livenessProbe": alive}


def _port(name: str, number: int) -> Object:
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def _probe(path: str, port: str, **timing: int) -> Object:
    return {"httpGet": {"path": path, "port": port}, **timing}


def _share_memory(spec: Object, size: Any) -> None:
    """Mounts /dev/shm of the size, in place of any mount of the graph there; none for size 0."""
    main = spec["containers"][0]
    mounts = [mount for mount in main.get("volumeMounts", ()) if mount["mountPath"] != _SHARED_MEMORY_PATH]
    if str(size) != "0":
        mounts.append({"name": _SHARED_MEMORY, "mountPath": _SHARED_MEMORY_PATH})
        volume = {"name": _SHARED_MEMORY, "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}
        spec["volumes"] = [*spec.get("volumes", ()), volume]
    spec["containers"][0] = {**main, "volumeMounts": mounts}
