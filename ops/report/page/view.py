"""The page of an environment as plain data: everything that its template shows, without markup. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from catalog import sizing
from ops.changes.change import Kind
from ops.offline.against_base import AgainstBase
from ops.offline.judged import Judged
from ops.offline.recorded import SECRET, Recording
from ops.report import diff_report, resource_tree
from ops.report.page.environment import Environment, environment
from ops.report.plan_tables import bounded, item_costs, total_costs
from planning import preflight
from planning.surroundings import NOT_KNOWN
from planning.types import Plan
from settings.stack_config import StackConfig


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: its caption, column names and rows. `numbers`: positions of right-aligned columns."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A policy violation, or a change of a resource."""

    kind: str
    title: str
    what: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What the stack changes against a base commit."""

    base: str
    verdict: str
    notes: tuple[str, ...]
    listed: tuple[Listed, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    stack: str
    summary: str
    facts: tuple[tuple[str, str, str], ...]
    """(value, unit, remark) of the figures on top."""
    environment: Environment
    graphs: Table
    pools: Table
    cost: Table
    first_token: Table | None
    first_token_head: str
    changes: Changes | None
    violations: tuple[Listed, ...]
    rules: int
    """Number of rules in force."""
    warnings: tuple[str, ...]
    preflight: tuple[str, ...]
    resources: Table
    configuration: tuple[str, ...]
    """The stack file's configuration as lines of YAML."""


def page(found: Judged, compared: AgainstBase | None = None) -> Page:
    plan, recording = found.run.plan, found.run.recording
    return Page(
        stack=plan.stack,
        summary=_summary(plan),
        facts=tuple(_facts(plan, found, len(recording.created))),
        environment=environment(plan, recording),
        graphs=_graphs(plan),
        pools=_pools(plan),
        cost=_cost(plan),
        first_token=_first_token(plan),
        first_token_head=_first_token_head(plan),
        changes=_changes(compared) if compared else None,
        violations=tuple(
            Listed(kind=v.level, title=v.policy, what=v.message, lines=tuple(filter(None, [_short(v.urn), v.remedy])))
            for v in found.verdicts
        ),
        rules=sum(rule["level"] != "disabled" for rule in found.rules.values()),
        warnings=plan.warnings,
        preflight=tuple(check.condition for check in preflight.checks(plan)) if plan.preflight else (),
        resources=_resources(recording),
        configuration=tuple(_configuration(found.run.config)),
    )


def _summary(plan: Plan) -> str:
    served = (f"{g.card.repository} as {g.served_name}, {g.layout} on {g.engine}" for g in plan.graphs)
    return "; ".join(served)


def _facts(plan: Plan, found: Judged, resources: int) -> Iterable[tuple[str, str, str]]:
    known, bound = plan.cost_per_hour, plan.cost_bound
    usd = bounded(known, bound)
    yield usd, "USD an hour", f"{bounded(known, bound, 24)} a day, predicted" if usd != NOT_KNOWN else "no price"
    products = sorted({pool.machine.gpus.product for pool in plan.gpu_pools})
    yield str(plan.gpus), "GPUs", ", ".join(products) or "engines are simulated"
    yield str(sum(p.nodes for p in plan.pools)), "nodes", _in_pools(len(plan.pools))
    nics = sum(pool.nics for pool in plan.gpu_pools)
    speeds = sorted({pool.machine.rdma.gbps for pool in plan.gpu_pools if pool.machine.rdma and pool.nics})
    yield str(nics), "RDMA NICs", ", ".join(f"{gbps} Gb/s each" for gbps in speeds) or "no RDMA"
    yield str(resources), "resources", "to create"
    mandatory = found.mandatory
    yield str(len(found.verdicts)), "violations", f"{mandatory} mandatory" if mandatory else "none mandatory"


def _in_pools(count: int) -> str:
    return "of the existing cluster" if not count else "in one pool" if count == 1 else f"in {count} pools"


def _graphs(plan: Plan) -> Table:
    columns = ("deployment", "role", "engines", "GPUs each", "pool", "weights GiB/GPU", "KV tokens", "extra arguments")
    rows = tuple(
        (
            graph.name,
            str(worker.role),
            f"{worker.replicas} to {worker.max_replicas}" if worker.autoscaled else str(worker.replicas),
            str(worker.tensor_parallel) if worker.machine else "simulated",
            graph.pool_of(worker) or "any",
            f"{worker.memory.weights / sizing.GIB:.1f}" if worker.memory else "–",
            f"{worker.memory.kv_tokens:,}" if worker.memory else "–",
            " ".join(worker.extra_args) or "–",
        )
        for graph in plan.graphs
        for worker in graph.workers
    )
    return Table(caption="Deployments and their engines", columns=columns, rows=rows, numbers=(2, 3, 5, 6))


def _pools(plan: Plan) -> Table:
    columns = ("pool", "machine", "nodes", "max nodes", "GPUs", "RDMA NICs", "deployments")
    rows = tuple(
        (p.name, p.machine.name, str(p.nodes), str(p.max_nodes), str(p.gpus), str(p.nics), ", ".join(p.graphs) or "–")
        for p in plan.pools
    )
    return Table(caption="Node pools", columns=columns, rows=rows, numbers=(2, 3, 4, 5))


def _cost(plan: Plan) -> Table:
    columns = ("what", "USD/hour", "USD/day", "price")
    return Table(caption="Cost", columns=columns, rows=(*item_costs(plan), *total_costs(plan)), numbers=(1, 2))


def _first_token(plan: Plan) -> Table | None:
    if plan.first_token is None:
        return None
    rows = tuple((p.name, f"{p.minutes:.0f}", str(p.gpus), p.assumes) for p in plan.first_token.phases)
    columns = ("phase", "min", "GPUs paid", "assumed")
    return Table(caption="Time until the first token", columns=columns, rows=rows, numbers=(1, 2))


def _first_token_head(plan: Plan) -> str:
    if plan.first_token is None:
        return ""
    paid = f"{plan.first_token.paid_gpu_minutes:,.0f} paid GPU-minutes before it"
    return f"{plan.first_token.minutes:.0f} min after a first `pulumi up`, {paid}; an estimate, not measured"


def _changes(compared: AgainstBase) -> Changes:
    comparison, base = compared.comparison, compared.base
    notes = [*([base.note] if base.note else []), *map(str, comparison.weakened)]
    notes += [*diff_report.judging(comparison), *diff_report.effects(comparison)]
    return Changes(
        base=f"{base.ref} ({base.commit[:12]})",
        verdict=diff_report.verdict(comparison),
        notes=tuple(notes),
        listed=tuple(
            Listed(
                kind=change.kind.value,
                title=change.name,
                what=resource_tree.short_type(change.type),
                lines=tuple(diff_report.told(change)),
            )
            for change in comparison.changes
            if change.kind is not Kind.UNCHANGED or change.guarded
        ),
    )


def _resources(recording: Recording) -> Table:
    """Each resource by the name that violations and changes have, and by the one that it has in the cloud."""
    known = recording.by_urn()
    rows = tuple(
        (
            resource_tree.short_type(resource.type),
            resource.name,
            physical if (physical := resource_tree.physical_name(resource)) != resource.name else "–",
            parent.name if (parent := known.get(resource.parent or "")) else "–",
            ", ".join(resource_tree.telling(resource)) or "–",
        )
        for resource in recording.created
    )
    columns = ("kind", "name", "name in the cloud, if another", "component", "details")
    return Table(caption="Resources", columns=columns, rows=rows)


def _configuration(config: StackConfig) -> Iterable[str]:
    values: dict[str, Any] = {key: _data(text) for key, text in config.values.items()}
    given = {key: value for key, value in values.items() if value not in ({}, "", [])}
    given |= dict.fromkeys(config.secrets, SECRET)
    return yaml.safe_dump(given, sort_keys=True, width=100, allow_unicode=True).splitlines()


def _data(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _short(urn: str) -> str:
    return urn.rpartition("::")[2]
