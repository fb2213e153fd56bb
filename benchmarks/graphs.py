"""Prints what a preview of N graphs costs, and what Pulumi's SDK alone costs for the same resources, as JSON.

The second program registers every resource of the first with the same class, inputs, parent, provider and dependencies.
Its inputs are ready-made, so that nothing but the SDK and the provider's classes is left. Run by `preview.py`.
"""

import contextvars
import importlib
import json
import re
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pulumi
import pulumi_kubernetes

from ops.offline import stackfile
from ops.offline.recorded import Recording, Resource
from ops.offline.recording import record, record_program
from settings.stack_config import StackConfig

COUNTS = (1, 8, 32, 64)
RUNS = 4
GRAPH = {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}


def config(count: int) -> StackConfig:
    """The settings of prod with `count` graphs."""
    base = stackfile.read(stackfile.project_root(), "prod")
    models = {f"m{number:03}x": GRAPH for number in range(count)}
    return StackConfig(
        stack="prod", values={**base.values, "dynamo-gke:models": json.dumps(models)}, secrets=base.secrets
    )


def sdk_alone(recording: Recording) -> None:
    """Registers the resources of a recording, by the SDK alone."""
    context = contextvars.copy_context()
    context.run(record_program, lambda: _register(recording), stack="floor", config={}, secret_keys=[], preview=True)


def _register(recording: Recording) -> None:
    made: dict[str, pulumi.Resource] = {}
    left = [resource for resource in recording.resources if resource.type != "pulumi:pulumi:Stack"]
    urns = {resource.urn for resource in left}
    while left:
        ready = [each for each in left if _needs(each) & urns <= made.keys()]
        if not ready:
            raise RuntimeError(f"{len(left)} resources depend on each other")
        for resource in ready:
            made[resource.urn] = _declare(resource, made)
        left = [resource for resource in left if resource.urn not in made]


def _needs(resource: Resource) -> set[str]:
    return {urn for urn in (resource.parent, resource.provider, *resource.depends_on) if urn}


def _declare(resource: Resource, made: Mapping[str, Any]) -> pulumi.Resource:
    options = pulumi.ResourceOptions(
        parent=made.get(resource.parent or ""),
        provider=made.get(resource.provider or ""),
        depends_on=[made[urn] for urn in resource.depends_on],
    )
    if resource.is_component:
        return pulumi.ComponentResource(resource.type, resource.name, {}, options)
    if resource.type.startswith("pulumi:providers:"):
        return pulumi.ProviderResource(resource.type.rpartition(":")[2], resource.name, resource.inputs, options)
    waits: Mapping[str, list[str]] = resource.options.get("propertyDependencies", {})
    inputs = {key: _after(value, [made[u] for u in waits.get(key, ())]) for key, value in resource.inputs.items()}
    return _class(resource.type)(resource.name, inputs, options)


def _after(value: Any, resources: list[pulumi.CustomResource]) -> Any:
    if not resources:
        return value
    return pulumi.Output.all(*(resource.id for resource in resources)).apply(lambda _: value)


@cache
def _class(type_: str) -> Callable[[str, dict[str, Any], pulumi.ResourceOptions], pulumi.Resource]:
    """The provider's class for a type token; the SDK's own for a chart, whose class computes its inputs."""
    package, module, name = type_.split(":")
    if package == "gcp":
        found = getattr(importlib.import_module(f"pulumi_gcp.{module.split('/')[0]}"), name)
        return lambda resource, inputs, options: found(resource, opts=options, **_snake(inputs))
    if module.startswith("helm.sh/"):
        return lambda resource, inputs, options: pulumi.CustomResource(type_, resource, inputs, options)
    group, version = re.sub(r"(\.authorization)?\.k8s\.io/", "/", module).split("/")
    try:
        found = getattr(importlib.import_module(f"pulumi_kubernetes.{group}.{version}"), name)
    except ImportError:
        found = pulumi_kubernetes.apiextensions.CustomResource
        return lambda resource, inputs, options: found(resource, opts=options, **_snake(inputs))
    set_by_class = ("apiVersion", "kind")
    return lambda resource, inputs, options: found(
        resource, opts=options, **_snake({key: inputs[key] for key in inputs if key not in set_by_class})
    )


def _snake(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), key): value for key, value in inputs.items()}


def _seconds(run: Callable[[], object]) -> float:
    """Processor time of the fastest run."""
    times: list[float] = []
    for _ in range(RUNS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    root = stackfile.project_root()
    found = {}
    for count in COUNTS:
        shown = config(count)
        recording = record(root, shown)  # also imports what is needed, outside the measured time
        found[count] = (
            _seconds(lambda shown=shown: record(root, shown)),
            _seconds(lambda recording=recording: sdk_alone(recording)),
            len(recording.resources),
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
