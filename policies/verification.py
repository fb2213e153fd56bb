"""The rule on verification: each graph has this program's Job, which fails if the graph does not serve."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from catalog.engines import Engine
from catalog.rdma import KvTransfer
from planning.graph_parts import Verification
from planning.verification import verification_of
from policies import kinds
from policies.container_inputs import FRONTEND_IMAGE, image_name
from policies.inputs import at, block, items, name_of, namespace_of, of_type, plain
from policies.judging import reporting_unknowns
from policies.setting import Schema, Setting
from policies.whole_stack import engine_of, gpus, tcp_on_purpose, workers_of
from workloads.verification import account_name, command_line, job_spec, modules

REPORTED = Setting(
    name="reported",
    type="boolean",
    default=False,
    description="whether the verification Job may only report, without failing the update (verification: reported)",
    stricter="less",
)


# The engine shows rules no key with this beginning, which it uses for keys of its own (SkipInternalKeys).
_HIDDEN = "__"


def _is_program(shown: Mapping[str, str]) -> bool:
    """Whether files are the verification's modules, of which some may be hidden but none may differ."""
    return shown == {name: text for name, text in modules().items() if name in shown or not name.startswith(_HIDDEN)}


def _verified(args: StackValidationArgs, report: ReportViolation) -> None:
    jobs: dict[tuple[str, str], list[PolicyResource]] = {}
    programs: dict[tuple[str, str], Mapping[str, Any]] = {}
    for resource in args.resources:
        with reporting_unknowns(report, resource.urn):
            place = (namespace_of(resource), name_of(resource))
            if resource.resource_type == kinds.JOB:
                account = at(resource.props, "spec", "template", "spec", "serviceAccountName")
                jobs.setdefault((place[0], account), []).append(resource)
            if resource.resource_type == kinds.CONFIG_MAP:
                programs[place] = resource.props
    for graph in of_type(args.resources, kinds.GRAPH):
        with reporting_unknowns(report, graph.urn):
            name, namespace = (str(at(graph.props, "metadata", key)) for key in ("name", "namespace"))
            place = (namespace, account_name(name))
            if not (found := jobs.get(place)):
                report(
                    f"no Job verifies graph {name}, so it could serve without disaggregation unnoticed",
                    graph.urn,
                )
            for job in found or ():
                with reporting_unknowns(report, job.urn):
                    for what in _differences(graph.props, job.props, REPORTED.read(args.get_config())):
                        report(
                            f"the Job of graph {name} verifies nothing: {what} not as the program writes it", job.urn
                        )
            with reporting_unknowns(report, graph.urn):
                if found and not _is_program(plain(at(programs.get(place, {}), "data"))):
                    report(f"the program that verifies graph {name} differs from this repository's", graph.urn)


def _differences(graph: Mapping[str, Any], job: Mapping[str, Any], reported: bool) -> Iterator[str]:
    """The parts of a Job that differ from the program's, each with its verb."""
    name, namespace = (str(at(graph, "metadata", key)) for key in ("name", "namespace"))
    spec = plain(block(job, "spec"))
    (container, *_) = items(spec, "template", "spec", "containers") or ({},)
    words = [str(word) for word in items(container, "args")]
    if len(words) < _MIN_WORDS or not words[-1].isdecimal():
        yield "its arguments are"
        return
    expected = [
        command_line(
            graph=name,
            namespace=namespace,
            served_name=words[_MODEL],
            roles=[str(at(worker, "type")) for worker in workers_of(graph)],
            runs=engine,
            asked=_planned(graph, engine, required, int(words[-1])),
        )
        for engine in _engines(graph)
        for required in ((True, False) if reported else (True,))
    ]
    if words not in expected:
        yield "its arguments are"
    if image_name(container) != FRONTEND_IMAGE:
        yield "its image is"
    specs = [
        job_spec(
            name,
            at(container, "image"),
            words,
            asked=Verification(required=True, transfer=None, transport=None, timeout_seconds=int(words[-1])),
            on_system_pool=on_system_pool,
            service_account=account_name(name),
            script=account_name(name),
        )
        for on_system_pool in (True, False)
    ]
    if spec not in specs:
        yield "its spec is"


# The index of the served name among the arguments, and the least number of arguments.
_MODEL = 3
_MIN_WORDS = 8


def _engines(graph: Mapping[str, Any]) -> list[Engine]:
    """The one engine of all workers of the graph; empty if they differ or the catalog does not know the engine."""
    found = [engine_of(worker)[0] for worker in workers_of(graph)]
    return [found[0]] if found and found[0] and set(found) == {found[0]} else []


def _planned(graph: Mapping[str, Any], engine: Engine, required: bool, timeout: int) -> Verification:
    """The verification that the program plans for this graph."""
    workers = list(workers_of(graph))
    kv_transfer, ranks = None, dict[str, int]()
    if len(workers) > 1 and not engine.simulated:
        kv_transfer = KvTransfer.TCP if any(map(tcp_on_purpose, workers)) else KvTransfer.RDMA
        ranks = {at(worker, "type"): gpus(worker) for worker in workers}
    return verification_of(engine, kv_transfer, ranks, required=required, timeout_seconds=timeout)


RULES: list[Policy] = [
    StackValidationPolicy(
        name="proven",
        description="Every graph has a Job that verifies that the graph serves.",
        validate=_verified,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=Schema(REPORTED),
        remediation_steps="Keep a Verification component for each ServingGraph, and `verification: required`.",
    ),
]
