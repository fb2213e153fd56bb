"""The rule on workers: each runs an engine of the catalog, started as the program starts it, and no foreign code."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from catalog import flags
from catalog.contracts import KvCacheDtype
from catalog.engines import Engine, all_engines, flag_tables
from catalog.flags.argv import uses
from catalog.flags.given import Workers
from catalog.machines import gpu_machine, gpu_machine_names
from catalog.models import card, card_names
from manifests import dgd
from planning import extra_args
from policies import kinds, program_values
from policies.container_inputs import container_violations, image_name, pod_violations
from policies.inputs import at, block, items, plain
from policies.pods import command_line, containers, pod_specs
from policies.setting import Schema, exceptions
from policies.whole_stack import workers_of
from reading.tokens import holds_token, masked

FOREIGN_CODE = exceptions("engine flags that may run foreign code")

# The rule no-admin-api checks a component's frontend sidecar.
_OF_A_COMPONENT = frozenset({*(str(field.alias) for field in dgd.Component.model_fields.values()), "frontendSidecar"})
# Extra arguments depend on the whole deployment, which no resource shows, so the rule tries small and large contexts.
_CONTEXTS = (256, 131072)


def _no_foreign_code(args: ResourceValidationArgs, report: ReportViolation) -> None:
    allowed = list(FOREIGN_CODE.read(args.get_config()))
    found = _of_graph if args.resource_type == kinds.GRAPH else _of_other_pods
    for violation in found(args, allowed):
        report(masked(violation), None)


def _of_graph(args: ResourceValidationArgs, allowed: Sequence[str]) -> Iterator[str]:
    """Violations of a graph's components that are not frontends: each must run an engine of the catalog."""
    for component in workers_of(args.props):
        where = f"component {at(component, 'name')}"
        yield from (
            f"{where} has {key}, which no rule checks; remove it" for key in component if key not in _OF_A_COMPONENT
        )
        pod = block(component, "podTemplate", "spec")
        if not any(containers(pod)):
            yield f"{where} has no container, so the operator would choose it; set image, command and arguments"
        yield from (f"{where} has {what}, which may hold foreign code; remove it" for what in pod_violations(pod))
        for container in containers(pod):
            yield from _violations(container, allowed)


def _of_other_pods(args: ResourceValidationArgs, allowed: Sequence[str]) -> Iterator[str]:
    for pod in pod_specs(args.resource_type, args.props):
        for container in containers(pod):
            if _names_an_engine(container):
                yield from _violations(container, allowed)


def _names_an_engine(container: Mapping[str, Any]) -> bool:
    words = command_line(container)
    return any(
        image_name(container) == engine.image or any(engine.module in word for word in words)
        for engine in all_engines().values()
    )


def _violations(container: Mapping[str, Any], allowed: Sequence[str]) -> Iterator[str]:
    where = f"container {at(container, 'name')}"
    command, words = (list(map(str, items(container, key))) for key in ("command", "args"))
    engine = next((engine for engine in all_engines().values() if list(engine.command) == command), None)
    if engine is None:
        yield f"{where} has a command that starts no engine of the catalog; leave the command to the graph builder"
        return
    if image_name(container) != engine.image:
        yield f"{where} starts {engine.title} from an image other than {engine.image}"
    for what in (*container_violations(container), *_variables(container, engine)):
        yield f"{where} has {what}, which may run foreign code; remove it"
    for message in _arguments(engine, words, allowed):
        yield f"{where}: {message}"


def _variables(container: Mapping[str, Any], engine: Engine) -> Iterator[str]:
    known = program_values.variables(engine)
    for variable in items(container, "env"):
        name = str(at(variable, "name"))
        if name not in known:
            yield f"the variable {name}"
        elif not known[name].allows(program_values.content(plain(variable))):
            yield f"a value of {name} that differs from the program's"


def _arguments(engine: Engine, words: Sequence[str], allowed: Sequence[str]) -> Iterator[str]:
    """The errors of a command line: each argument must be the program's own or valid in `engine.extraArgs`."""
    known = program_values.flags(engine)
    own: dict[str, list[str]] = {}
    rest: list[str] = []
    for use in uses(words):
        values = [text for _, text in use.values]
        if use.name in known and use.name not in own and known[use.name].allows(values):
            own[use.name] = [use.name, *values]
        else:
            rest += [use.name, *values] if use.name else values
    if engine.flags:
        yield from (f.message for f in flags.errors(engine.flags, [word for part in own.values() for word in part]))
    if any(map(holds_token, rest)):
        yield "an argument looks like it holds a token, so the arguments are not checked; remove it"
    elif rest:
        yield from _extra(engine, rest, allowed)


def _extra(engine: Engine, words: Sequence[str], allowed: Sequence[str]) -> list[str]:
    """The errors of extra arguments for the deployment with the fewest; empty if any deployment accepts them."""
    unknown, words = _wrong_everywhere(engine, words)
    paths = [f"args[{index}]" for index in range(len(words))]
    fewest: list[str] | None = None
    for workers in _deployments(engine):
        found = [error.message for error in extra_args.errors(paths, engine, workers, words, allowed)]
        fewest = found if fewest is None else min(fewest, found, key=len)
        if not found:
            break
    return [*unknown, *(fewest or [])]


def _wrong_everywhere(engine: Engine, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Errors that arguments have in every deployment, such as an unknown flag, and the words without them.

    Asked once: to look for the nearest known flag takes long.
    """
    found = flags.errors(engine.flags, words, others=flag_tables()) if engine.flags else []
    at = {error.index for error in found}
    good = [use for use in uses(words) if not {use.index, *(index for index, _ in use.values)} & at]
    kept = sorted({index for use in good for index in (use.index, *(index for index, _ in use.values))})
    return [error.message for error in found], [words[index] for index in kept]


def _deployments(engine: Engine) -> Iterator[Workers]:
    """All kinds of workers that may get the engine's extra arguments; the arguments need to be valid for one."""
    # Rules of flags read the generation and the number of GPUs; machines that differ in neither are one kind.
    of_machines = [gpu_machine(name).gpus for name in gpu_machine_names()]
    kinds_of_gpus = {(gpus.compute_capability, gpus.count): (gpus,) for gpus in of_machines}.values()
    machines = [()] if engine.simulated else list(kinds_of_gpus)
    for name, gpus, context, dtype, split in product(card_names(), machines, _CONTEXTS, KvCacheDtype, (True, False)):
        yield Workers(
            card=card(name),
            tensor_parallel=(gpus[0].count,) if gpus else (1,),
            disaggregated=split,
            max_model_len=context,
            kv_cache_dtype=dtype,
            block_size=engine.block_size,
            gpus=gpus,
            reads_bucket=True,
        )


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="no-foreign-code",
        description="Engines run only the code of their image, and workers of graphs are engines of the catalog.",
        validate=_no_foreign_code,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        config_schema=Schema(FOREIGN_CODE),
        remediation_steps="Leave workers to the graph builder. Remove the flag from engine.extraArgs, or allow it in "
        "policies/config.<stack>.json.",
    ),
]
