"""The metrics of simulated workers: real names, made-up amounts that rise with each request. Pure.

Names, kinds and labels were read off real workers or their sources (known_metrics.yaml says which). They are not taken
from the catalog, which the verification takes them from: a counter that the catalog misspells is missing here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

Role = Literal["prefill", "decode", "worker"]
COMPONENT: Mapping[str, str] = {"prefill": "prefill", "decode": "backend", "worker": "backend"}
RUNTIME = "dynamo-worker"
_REQUESTS = "dynamo_component_requests_total"
_FOLDER = Path(__file__).parent


@cache
def known() -> Mapping[str, Any]:
    """Emitter → its metrics."""
    return yaml.safe_load((_FOLDER / "known_metrics.yaml").read_text(encoding="utf-8"))


@cache
def served_requests() -> Mapping[str, Any]:
    """Engine → what a request adds."""
    return yaml.safe_load((_FOLDER / "served_requests.yaml").read_text(encoding="utf-8"))


@dataclass
class Worker:
    """The counters of one worker since it started."""

    engine: str
    role: Role
    requests: int = 0
    sums: dict[str, float] = field(default_factory=dict[str, float])
    counts: dict[str, int] = field(default_factory=dict[str, int])

    def serves(self, *, transfers: bool, fails: bool = False) -> None:
        """Counts a request; `transfers`: its KV cache moves between two workers, of which this is one."""
        self.requests += 1
        rules = served_requests().get(self.engine, {})
        added: dict[str, float] = dict(rules.get(self.role, {})) if transfers else {}
        if transfers and fails:
            added |= rules.get("failed", {}).get(self.role, {})
        for name, amount in added.items():
            self.sums[name] = self.sums.get(name, 0) + amount
            self.counts[name] = self.counts.get(name, 0) + 1

    def page(self) -> str:
        """The metrics in Prometheus' text format."""
        lazy = served_requests().get(self.engine, {}).get("lazy", False)
        lines = [*self._runtime()]
        for name, metric in known().get(self.engine, {}).get("metrics", {}).items():
            if name in self.sums or not lazy:
                lines += self._samples(name, metric)
        return "".join(f"{line}\n" for line in lines)

    def _runtime(self) -> Iterator[str]:
        """The metrics of Dynamo's runtime, which appear with the first request."""
        for name, metric in known()[RUNTIME]["metrics"].items() if self.requests else ():
            yield f"# TYPE {name} {metric['kind']}"
            yield f"{name}{self._labels(metric)} {self.requests if name == _REQUESTS else 0}"

    def _samples(self, name: str, metric: Mapping[str, Any]) -> Iterator[str]:
        labels, value, kind = self._labels(metric), self.sums.get(name, 0), metric["kind"]
        yield f"# TYPE {name} {kind}"
        if kind == "histogram":
            count = self.counts.get(name, 0)
            yield f'{name}_bucket{labels[:-1]},le="+Inf"}} {count}'
            yield f"{name}_sum{labels} {value}"
            yield f"{name}_count{labels} {count}"
        else:
            yield f"{name}{labels} {value}"

    def _labels(self, metric: Mapping[str, Any]) -> str:
        values = {"dynamo_component": COMPONENT[self.role], "dynamo_endpoint": "generate"}
        return "{" + ",".join(f'{label}="{values.get(label, "0")}"' for label in metric["labels"]) + "}"


def logging_role(engine: str) -> Mapping[str, str] | None:
    """The role and the operation of UCX's tables, as `role` and `operation`; None for an engine without UCX."""
    return served_requests().get(engine, {}).get("log")
