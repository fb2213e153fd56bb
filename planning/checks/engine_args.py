"""`engine.extraArgs` and `engine.allowCode` of a deployment."""

from collections.abc import Iterator

from catalog.flags.argv import split
from catalog.models import file_of
from planning import extra_args
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error, join


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    yield from argument_errors(deployment)


def argument_errors(deployment: Deployment) -> Iterator[Error]:
    """Errors of the words that the card and the stack add to workers' command lines."""
    settings, engine, workers = deployment.settings.engine, deployment.engine, deployment.workers
    given, allowed = deployment.arguments, settings.allow_code
    card = join(f"{file_of(deployment.settings.model)}: engineArgs", engine.name)
    of_card = [join(card, index) for index in deployment.card_arguments]
    of_stack = [deployment.at(f"engine.extraArgs[{index}]") for index in range(len(settings.extra_args))]
    if engine.flags is None:  # nobody can check the card's words, which are part of the catalog as the engine is
        yield from extra_args.errors(of_stack, engine, workers, settings.extra_args, allowed)
    else:
        yield from extra_args.errors([*of_card, *of_stack], engine, workers, given, allowed)
    yield from extra_args.code_errors(deployment.at("engine.allowCode"), engine, given, allowed)


def deployment_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    words = split(deployment.arguments)
    for warning in extra_args.warnings(deployment.engine, words):
        yield f"{deployment.at('engine.extraArgs')}: {warning}"
