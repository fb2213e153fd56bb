"""The rule on frontends: each starts as the program starts it, so that no unchecked path is open."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from catalog import flags, lifecycle
from catalog.engines import all_engines
from catalog.flags.argv import uses
from catalog.flags.frontend import frontend_flags
from manifests.graph import NO_ADMIN_API, frontend_command
from policies import kinds
from policies.container_inputs import FRONTEND_IMAGE, container_violations, image_name, pod_violations
from policies.inputs import at, block, items
from policies.pods import command_line, containers, pod_specs
from reading.tokens import masked

_MODULE = frontend_flags().module
# Dynamo reads some 200 variables. Some open paths (DYN_ENABLE_RL) or move one below /v1/, which the internet can reach
# (DYN_HTTP_SVC_METRICS_PATH).
_VARIABLES = frozenset(
    {
        "DO_NOT_TRACK",
        "HF_HOME",
        "HF_HUB_OFFLINE",
        *NO_ADMIN_API,
        *lifecycle.FRONTEND_ENV,
        *(name for engine in all_engines().values() for name in engine.no_usage_reports),
    }
)
# Other flags load code, serve another protocol, or make the frontend reject clients.
_FLAGS = frozenset(
    {"--http-port", "--kv-cache-block-size", "--migration-limit", "--router-mode", "--router-replica-sync"}
)


def _no_admin_api(args: ResourceValidationArgs, report: ReportViolation) -> None:
    for container in _frontends(args):
        if not _admin_api_is_off(container):
            report(
                "has a frontend whose admin API is on: with POST /busy_threshold, anyone who reaches the frontend "
                "can make it reject its clients; set "
                f"{' '.join(f'{name}={value}' for name, value in NO_ADMIN_API.items())}",
                None,
            )
        for what in sorted(_unknown(container)):
            report(f"has a frontend with {what}, which may open unchecked paths; remove it", None)
    for what in _of_graph(args.props) if args.resource_type == kinds.GRAPH else ():
        report(what, None)


def _of_graph(graph: Mapping[str, Any]) -> Iterator[str]:
    """Settings of a graph that reach its frontends from outside of their containers."""
    for variable in items(graph, "spec", "env"):
        if at(variable, "name") not in _VARIABLES - NO_ADMIN_API.keys():
            yield f"sets {at(variable, 'name')} for all of its pods; set it for workers only"
    for component in items(graph, "spec", "components"):
        if at(component, "type") == "frontend":
            for what in _beside(block(component, "podTemplate", "spec")):
                yield f"has a frontend with {what}, which may open unchecked paths; remove it"
        if at(component, "frontendSidecar"):
            yield f"{at(component, 'name')} has a frontend sidecar; use a component of type frontend"


def _frontends(args: ResourceValidationArgs) -> Iterator[Mapping[str, Any]]:
    """The container of each frontend; an empty one if the graph leaves the container to the operator."""
    if args.resource_type == kinds.GRAPH:
        for component in items(args.props, "spec", "components"):
            if at(component, "type") == "frontend":
                named = items(component, "podTemplate", "spec", "containers")
                left_out: Mapping[str, Any] = {}
                yield next((container for container in named if at(container, "name") == "main"), left_out)
    for pod in pod_specs(args.resource_type, args.props):
        yield from (one for one in containers(pod) if any(_MODULE in word for word in command_line(one)))


def _beside(pod: Mapping[str, Any]) -> Iterator[str]:
    """Volumes and further containers of a frontend's pod."""
    yield from pod_violations(pod)
    yield from (f"the container {name}" for c in containers(pod) if (name := at(c, "name")) != "main")


def _admin_api_is_off(container: Mapping[str, Any]) -> bool:
    """Whether every value of the variable is one that Dynamo 1.6.1 was seen to read as true."""
    for name in NO_ADMIN_API:
        given = [at(variable, "value") for variable in items(container, "env") if at(variable, "name") == name]
        if not given or not all(value in ("1", "true") for value in given):
            return False
    return True


def _unknown(container: Mapping[str, Any]) -> Iterator[str]:
    """Variables and flags of a frontend that the program does not set."""
    yield from (f"the variable {name}" for v in items(container, "env") if (name := at(v, "name")) not in _VARIABLES)
    yield from container_violations(container)
    if [str(word) for word in items(container, "command")] != list(frontend_command()):
        yield "a command other than the program's"
    if image_name(container) != FRONTEND_IMAGE:
        yield f"an image other than {FRONTEND_IMAGE}"
    words = [str(word) for word in items(container, "args")]
    yield from (f"the flag {use.name or 'without a name'}" for use in uses(words) if use.name not in _FLAGS)
    yield from (f"an invalid argument ({masked(error.message)})" for error in flags.errors(frontend_flags(), words))


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="no-admin-api",
        description="No frontend has its admin API on, or has a variable or flag that the program does not set.",
        validate=_no_admin_api,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Leave command, arguments and environment of frontends to the graph builder.",
    ),
]
