"""The environment as a Mermaid flowchart, which GitHub draws in a comment."""

from collections import Counter
from collections.abc import Iterator, Mapping

from catalog.contracts import Role
from ops.report.drawn import CLASSES, label
from ops.report.page.environment import Environment
from ops.report.page.request import Reach

Found = Mapping[tuple[str, Role], list[str]]
"""Deployment and role → identifiers of its engines in the flowchart."""


def mermaid(environment: Environment) -> str:
    """The flowchart: boxes from outside to inside, then the path of a request."""
    return "\n".join(_lines(environment)) + "\n"


def _lines(e: Environment) -> Iterator[str]:
    found: dict[tuple[str, Role], list[str]] = {}
    client, entrance = _box("client", "Clients"), _box("endpoint", e.entrance.name, e.entrance.about)
    yield "flowchart LR"
    if e.entrance.reach is Reach.INTERNET:
        yield client
    yield f"subgraph project[{label(f'Project {e.project} · {e.place}')}]"
    yield f"subgraph vpc[{label(e.vpc)}]"
    if e.entrance.reach is Reach.VPC:
        yield client
    if e.entrance.reach is not Reach.CLUSTER:
        yield entrance
    yield f"subgraph cluster[{label(f'GKE cluster {e.cluster}')}]"
    if e.entrance.reach is Reach.CLUSTER:
        yield from (client, entrance)
    yield from _cpu(e, found)
    yield from _pools(e, found)
    yield from ("end", "end")
    if e.bucket:
        yield _box("bucket", "Weights bucket", e.bucket)
    yield "end"
    yield from _edges(e, found)
    yield from CLASSES


def _box(name: str, *lines: str, kind: str = "") -> str:
    return f"{name}[{label(*lines)}]" + (f":::{kind}" if kind else "")


def _cpu(e: Environment, found: dict[tuple[str, Role], list[str]]) -> Iterator[str]:
    yield f"subgraph cpu[{label(e.cpu)}]"
    for number, pod in enumerate(e.pods):
        name = f"cpu{number}"
        if pod.deployment and pod.role:
            found.setdefault((pod.deployment, pod.role), []).append(name)
        if pod.deployment:
            name = name if pod.role else f"frontend{e.deployments.index(pod.deployment)}"
            yield _box(name, f"{pod.name} × {pod.count}", pod.what, kind=pod.role or "")
    yield "end"


def _pools(e: Environment, found: dict[tuple[str, Role], list[str]]) -> Iterator[str]:
    for place, pool in enumerate(e.pools):
        yield f"subgraph pool{place}[{label(f'GPU pool {pool.name}', f'{pool.count} × {pool.machine}')}]"
        engines = Counter(engine for nodes in pool.nodes for engine in nodes.engines * nodes.count)
        for number, (engine, count) in enumerate(engines.items()):
            name = f"pool{place}engine{number}"
            found.setdefault((engine.graph, engine.role), []).append(name)
            gpus = f"{engine.gpus} GPU{'s' if engine.gpus > 1 else ''}"
            yield _box(name, f"{engine.graph} {engine.role}", f"{count} × {gpus}", kind=engine.role)
        if not engines:
            yield _box(f"pool{place}free", "no engine")
        yield "end"


def _edges(e: Environment, found: Found) -> Iterator[str]:
    ways = {graph: f"KV cache, {each.way or 'simulated'}" for each in e.transfers for graph in each.deployments}
    yield f"client -->|{label('request')}| endpoint"
    for number, graph in enumerate(e.deployments):
        frontend = f"frontend{number}"
        prefill, decode, whole = (found.get((graph, role), []) for role in (Role.PREFILL, Role.DECODE, Role.WORKER))
        yield f"endpoint --> {frontend}"
        yield from (f"{frontend} -->|{label('prompt')}| {engine}" for engine in (prefill or decode or whole))
        yield from (f"{one} ==>|{label(ways[graph])}| {other}" for one in prefill for other in decode)
        yield from (f"{engine} -->|{label('answer')}| {frontend}" for engine in (decode or whole))
        if graph in e.reading:
            yield from (f"bucket -.->|{label('weights')}| {engine}" for engine in (*prefill, *decode, *whole))
