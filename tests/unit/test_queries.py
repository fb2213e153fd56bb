"""Every query of the dashboard and of the alerts: PromQL that parses, over metrics and labels that somebody emits.

`rate` and its like must be over counters, and every label that a query matches or groups by one that its metric has.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import promql_parser
import pytest

from catalog.releases import newest_release
from manifests.alerts import MetricCondition, alerts
from manifests.dashboard import sections
from ops.rehearsal.kubelet.counters import known as known_metrics
from tests.stacks import planned

# Together they have every section and every alert, with several graphs in one query.
STACKS: dict[str, dict[str, Any]] = {
    "prod": {},
    "simulated": {"models.chat.layout": "simulated"},
    "aggregated": {"models.chat.layout": "aggregated"},
    "trtllm": {"models.chat.engine": {"name": "trtllm"}},
    "sglang": {"models.chat.engine": {"name": "sglang"}},
    "newest runtime": {"versions.runtime": newest_release()},
    "several": {
        "models": {
            "code": {"model": "qwen3-32b", "layout": "multi-node"},
            "search": {"model": "qwen3-32b", "layout": "aggregated"},
            "trial": {"model": "qwen3-0.6b", "layout": "simulated"},
        }
    },
}


def queries() -> list[str]:
    found: dict[str, None] = {}  # in order, each once
    for changes in STACKS.values():
        plan = planned(changes)
        found |= {q: None for section in sections(plan) for tile in section.tiles for q in tile.queries}
        found |= {a.condition.query: None for a in alerts(plan) if isinstance(a.condition, MetricCondition)}
    return list(found)


@cache
def known() -> dict[str, tuple[str, frozenset[str]]]:
    """Each series by name: whether its values only rise (`counter`) or not (`gauge`), and its labels."""
    series: dict[str, tuple[str, frozenset[str]]] = {}
    for source in known_metrics().values():
        assert set(source) == {"emitter", "known", "collected", "metrics"}
        for name, metric in source["metrics"].items():
            labels = frozenset(source["collected"] + metric["labels"])
            if metric["kind"] == "histogram":
                series |= {f"{name}_{part}": ("counter", labels) for part in ("sum", "count")}
                series[f"{name}_bucket"] = ("counter", labels | {"le"})
            else:
                series[name] = (metric["kind"], labels)
    return series


def selected(query: str) -> set[str]:
    """The names of the series in a query. Here each selector has braces, and nothing else has."""
    return set(re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{", query))


@pytest.mark.parametrize("query", queries())
def test_every_series_is_known(query: str) -> None:
    assert selected(query)
    assert selected(query) - set(known()) == set()


def beside_queries() -> set[str]:
    """What autoscalers and the verification read of each engine of the stacks."""
    found: set[str] = set()
    for runs in {graph.runs for changes in STACKS.values() for graph in planned(changes).graphs}:
        found |= {signal.gauge for signals in runs.metrics.scaling.values() for signal in signals}
        if evidence := runs.transfer_evidence:
            found |= {name for name in (evidence.transfers, evidence.failed, evidence.used) if name}
            found.add(evidence.moved.name)
    return found


def test_what_autoscalers_and_the_verification_read_is_known() -> None:
    assert beside_queries() - set(known()) == set()


def test_no_known_metric_is_left_over() -> None:
    used = beside_queries() | {name for query in queries() for name in selected(query)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
    listed = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known()}
    assert listed == families


@pytest.mark.parametrize("query", queries())
def test_every_query_is_of_this_stack(query: str) -> None:
    """A project may hold several stacks, whose series meet in one place."""
    assert len(re.findall(r"\{", query)) == query.count('{cluster="dynamo-prod"')


# With the parser.

OVER_COUNTERS = ("rate", "increase")


def walk(node: Any, inside: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Every node with the nodes around it, outermost first."""
    yield node, inside
    inner = [getattr(node, part, None) for part in ("expr", "lhs", "rhs", "param", "vector_selector")]
    for child in (*inner, *(getattr(node, "args", None) or ())):
        if child is not None:
            yield from walk(child, (*inside, node))


def selectors(query: str) -> list[tuple[Any, tuple[Any, ...]]]:
    return [
        (n, around) for n, around in walk(promql_parser.parse(query)) if isinstance(n, promql_parser.VectorSelector)
    ]


def errors(query: str) -> list[str]:
    """What is wrong with a query; raises ValueError for one that is no PromQL."""
    found: list[str] = []
    for selector, around in selectors(query):
        if selector.name not in known():
            found.append(f"{selector.name} is emitted by nobody")
            continue
        kind, labels = known()[selector.name]
        calls = [node.func.name for node in around if isinstance(node, promql_parser.Call)]
        risen = any(call in OVER_COUNTERS for call in calls)
        if risen is not (kind == "counter"):
            found.append(f"{selector.name} is a {kind}, {'under' if risen else 'not under'} rate or increase")
        if "histogram_quantile" in calls and not selector.name.endswith("_bucket"):
            found.append(f"{selector.name} has no buckets")
        wanted = {matcher.name for matcher in selector.matchers.matchers}
        for node in around:
            if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
                wanted |= set(node.modifier.labels)
        found += [f"{selector.name} has no label {label}" for label in sorted(wanted - labels)]
    return found


@pytest.mark.parametrize("query", queries())
def test_every_query_is_right(query: str) -> None:
    assert errors(query) == []


def test_the_parser_finds_the_series_that_the_expression_finds() -> None:
    for query in queries():
        assert {selector.name for selector, _ in selectors(query)} == selected(query)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("sum(rate(dynamo_frontend_request_total{}[5m]))", "is emitted by nobody"),
        ("rate(dynamo_frontend_model_ready{}[5m])", "is a gauge, under rate"),
        ("sum(dynamo_frontend_requests_total{})", "is a counter, not under rate"),
        ("sum by (role, modle) (vllm:num_requests_waiting{})", "has no label modle"),
        ('min(dynamo_frontend_model_ready{graph="a",worker="b"})', "has no label worker"),
        ("histogram_quantile(0.5, rate(dynamo_frontend_requests_total{}[5m]))", "has no buckets"),
        ("DCGM_FI_DEV_GPU_UTIL{namespace='dynamo'}", "has no label namespace"),
    ],
)
def test_a_wrong_query_is_found(query: str, says: str) -> None:
    assert says in "; ".join(errors(query))


@pytest.mark.parametrize("query", ["rate(up{})", "sum by (a (up{})", "up{} >", "histogram_quantile(up{})"])
def test_what_is_no_promql_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        promql_parser.parse(query)
