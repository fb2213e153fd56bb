"""Checks `extraArgs` of a deployment and of its roles, and `engine.allowCode`."""

from collections.abc import Iterator, Mapping, Sequence

from catalog.engines import engine_names
from catalog.flags.argv import split, uses
from catalog.models import file_of
from catalog.releases import ignored_flags
from planning import extra_args
from planning.deployments import Deployment, DeploymentRole
from planning.resolve import ResolvedStack
from planning.role_arguments import Word, texts
from reading.errors import Error, join, one_of


def deployment_errors(stack: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    yield from argument_errors(deployment, stack.settings.versions.runtime)


def argument_errors(deployment: Deployment, runtime: str | None = None) -> Iterator[Error]:
    """Errors of the words that card and stack add to command lines of workers of a runtime, each once.

    `runtime`: the default version if None.
    """
    engine, allowed = deployment.engine, deployment.settings.engine.allow_code
    found: dict[Error, None] = {}
    for words, roles in _by_words(deployment).items():
        paths = [word.path for word in words]
        errors = extra_args.errors(paths, engine, deployment.workers(roles), texts(words), allowed, runtime)
        found |= dict.fromkeys(errors)
    yield from found
    yield from _unknown_engines(deployment)
    given = [word.text for words in _by_words(deployment) for word in words]
    yield from extra_args.code_errors(deployment.at("engine.allowCode"), engine, given, allowed)


def _unknown_engines(deployment: Deployment) -> Iterator[Error]:
    """Errors of arguments that a card gives an engine that does not exist."""
    for name in deployment.card.engine_args:
        if name not in engine_names():
            where = join(f"{file_of(deployment.settings.model)}: engineArgs", name)
            yield Error(where, f"its arguments would reach no worker: {one_of(name, engine_names())}")


def _by_words(deployment: Deployment) -> Mapping[tuple[Word, ...], Sequence[DeploymentRole]]:
    """Words → the roles that get them, so that rules between a flag and the roles see all of these roles."""
    found: dict[tuple[Word, ...], list[DeploymentRole]] = {}
    for name, role in deployment.roles.items():
        found.setdefault(deployment.words(name), []).append(role)
    return found


def deployment_warnings(stack: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    for words, roles in _by_words(deployment).items():
        where = deployment.at("engine") if len(roles) == len(deployment.roles) else deployment.at(roles[0].role)
        for warning in extra_args.warnings(deployment.engine, split(texts(words))):
            yield f"{where}.extraArgs: {warning}"
        runtime = stack.settings.versions.runtime
        for flag in sorted(ignored_flags(runtime) & {use.name for use in uses(split(texts(words)))}):
            yield f"{where}.extraArgs: {flag} has no effect, because Dynamo {runtime} ignores it; remove it"
    used = {word.path for words in _by_words(deployment) for word in words}
    for use in uses(deployment.settings.engine.extra_args):
        path = deployment.at(f"engine.extraArgs[{use.index}]")
        if path not in used:
            yield f"{path}: {use.name} has no effect, because every role sets it too"
