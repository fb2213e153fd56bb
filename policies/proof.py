"""The rule on verification: each graph has the Job of this program, which fails where the graph does not serve."""

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
from manifests.graph import frontend_image
from planning.graph_parts import Transport, Verification
from policies import kinds
from policies.container_inputs import image_name
from policies.inputs import at, block, items, name_of, namespace_of, plain
from policies.judging import apart
from policies.setting import Schema, Setting
from policies.whole_stack import engine_of, gpus, tcp_on_purpose
from workloads.verification import account_name, command_line, job_spec, modules

REPORTED = Setting(
    name="reported",
    type="boolean",
    default=False,
    description="whether the verification Job may only report and never fail an update (verification: reported)",
    stricter="less",
)


def _proven(args: StackValidationArgs, report: ReportViolation) -> None:
    jobs: dict[tuple[str, str], list[PolicyResource]] = {}
    programs: dict[tuple[str, str], Mapping[str, Any]] = {}
    for resource in args.resources:
        with apart(report, resource.urn):
            place = (namespace_of(resource), name_of(resource))
            if resource.resource_type == kinds.JOB:
                account = at(resource.props, "spec", "template", "spec", "serviceAccountName")
                jobs.setdefault((place[0], account), []).append(resource)
            if resource.resource_type == kinds.CONFIG_MAP:
                programs[place] = resource.props
    for graph in args.resources:
        if graph.resource_type != kinds.GRAPH:
            continue
        with apart(report, graph.urn):
            name, namespace = (str(at(graph.props, "metadata", key)) for key in ("name", "namespace"))
            place = (namespace, account_name(name))
            if not (found := jobs.get(place)):
                report(
                    f"no Job verifies graph {name}: it may serve without disaggregation and look well",
                    graph.urn,
                )
            for job in found or ():
                with apart(report, job.urn):
                    for what in _differences(graph.props, job.props, REPORTED.read(args.get_config())):
                        report(
                            f"the Job of graph {name} proves nothing: {what} other than the program writes it", job.urn
                        )
            with apart(report, graph.urn):
                if found and plain(at(programs.get(place, {}), "data")) != modules():
                    report(f"the program that verifies graph {name} is another than this repository's", graph.urn)


def _differences(graph: Mapping[str, Any], job: Mapping[str, Any], reported: bool) -> Iterator[str]:
    """The parts of a Job that are not those of the program."""
    name, namespace = (str(at(graph, "metadata", key)) for key in ("name", "namespace"))
    spec = plain(block(job, "spec"))
    (container, *_) = items(spec, "template", "spec", "containers") or ({},)
    words = [str(word) for word in items(container, "args")]
    if len(words) < _FEWEST or not words[-1].isdecimal():
        yield "its arguments are"
        return
    expected = [
        command_line(
            graph=name,
            namespace=namespace,
            served_name=words[_MODEL],
            roles=[str(at(worker, "type")) for worker in _workers(graph)],
            runs=engine,
            asked=_asked(graph, engine, required, int(words[-1])),
        )
        for engine in _engines(graph)
        for required in ((True, False) if reported else (True,))
    ]
    if words not in expected:
        yield "its arguments are"
    if image_name(container) != image_name({"image": frontend_image("0")}):
        yield "its image is"
    specs = [
        job_spec(
            name,
            at(container, "image"),
            words,
            timeout=int(words[-1]),
            on_system_pool=on_system_pool,
            service_account=account_name(name),
            script=account_name(name),
        )
        for on_system_pool in (True, False)
    ]
    if spec not in specs:
        yield "its spec is"


# The places of the served name and of the last word but for the roles and the time.
_MODEL = 3
_FEWEST = 8


def _workers(graph: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [c for c in items(graph, "spec", "components") if at(c, "type") != "frontend"]


def _engines(graph: Mapping[str, Any]) -> list[Engine]:
    """The engine of the graph's workers, which are all of one; none where the catalog knows it not."""
    found = [engine_of(worker)[0] for worker in _workers(graph)]
    return [found[0]] if found and found[0] and set(found) == {found[0]} else []


def _asked(graph: Mapping[str, Any], engine: Engine, required: bool, timeout: int) -> Verification:
    """What this graph has to show, as its plan says it."""
    workers = _workers(graph)
    moves = len(workers) > 1 and not engine.simulated
    transport = None
    if moves and (evidence := engine.transport_evidence):
        ranks = {at(worker, "type"): gpus(block(worker, "podTemplate", "spec")) for worker in workers}
        over = KvTransfer.TCP if any(map(tcp_on_purpose, workers)) else KvTransfer.RDMA
        transport = Transport(declared=over, evidence=evidence, ranks=ranks.get(evidence.role.value, 1))
    return Verification(
        required=required,
        transfer=engine.transfer_evidence if moves else None,
        transport=transport,
        timeout_seconds=timeout,
    )


RULES: list[Policy] = [
    StackValidationPolicy(
        name="proven",
        description="Every graph has a Job that verifies that it serves.",
        validate=_proven,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=Schema(REPORTED),
        remediation_steps="Keep the Verification component beside each ServingGraph, and `verification: required`.",
    ),
]
