"""What an engine changes in stack prod, small enough to be read by hand: its graph, verification, alerts and
dashboard."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from catalog.engines import all_engines, default_engine
from ops.offline import stackfile
from ops.offline.recorded import Recording
from ops.offline.recording import record
from tests.stacks import ROOT

ENGINES = tuple(name for name, engine in all_engines().items() if not engine.simulated and engine != default_engine())


def render(name: str) -> str:
    recording = record(ROOT, stackfile.read(ROOT, "prod", [f"models.chat.engine.name={name}"]))
    return yaml.safe_dump(_shown(recording), sort_keys=True, allow_unicode=True, width=120)


def _shown(recording: Recording) -> dict[str, Any]:
    def inputs(suffix: str) -> list[dict[str, Any]]:
        return [resource.inputs for resource in recording.resources if resource.type.endswith(suffix)]

    (graph,) = inputs(":DynamoGraphDeployment")
    (dashboard,) = inputs(":Dashboard")
    jobs = [job for job in inputs(":Job") if "proof" in job["metadata"]["name"]]
    return {
        "graph": graph["spec"],
        "verification": [job["spec"]["template"]["spec"]["containers"][0]["args"] for job in jobs],
        "alerts": sorted(set(_queries(inputs(":AlertPolicy")))),
        "dashboard": sorted(set(_queries(json.loads(dashboard["dashboardJson"])))),
    }


def _queries(value: Any) -> Iterator[str]:
    """The queries in PromQL below a value that ask for no series of Dynamo's own or of the cluster's."""
    if isinstance(value, str) and "{" in value and not any(name in value for name in ("dynamo_", "kube_", "DCGM_")):
        yield value
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _queries(each)
